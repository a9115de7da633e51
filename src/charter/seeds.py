"""Seeds for everything, derived from one by a path of names, so that adding a stage moves no other stage's draws."""

from __future__ import annotations

import hashlib


def derive_seed(seed: int, *names: str | int) -> int:
    """A seed in [0, 2^63) for what ``names`` leads to. Independent of process, platform and order of calls."""
    path = "\x1f".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big") >> 1
