"""How a run tells whoever watches what it is doing. The command line draws bars from it; by default nobody watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from charter.records import StageManifest

Tell = Callable[[int, Mapping[str, float]], None]
"""``tell(done, figures)``: how many of the stage's units are done in all, and what to show beside it."""


class Watcher(Protocol):
    """Told when a stage begins, how far it is, and when it ends."""

    def begin(self, stage: str, total: int, unit: str) -> Tell:
        """A stage starts, or goes on, with ``total`` units such as prompts or steps."""
        ...

    def note(self, text: str) -> None:
        """Something that whoever watches should know, such as what a server can't do."""
        ...

    def end(self, stage: str, manifest: StageManifest, *, was_complete: bool) -> None:
        """A stage is complete: now, or, if ``was_complete``, before this session."""
        ...


class NobodyWatches:
    """The watcher that says nothing."""

    def begin(self, stage: str, total: int, unit: str) -> Tell:
        del stage, total, unit
        return lambda _done, _figures: None

    def note(self, text: str) -> None:
        del text

    def end(self, stage: str, manifest: StageManifest, *, was_complete: bool) -> None:
        del stage, manifest, was_complete
