"""What a stage's folder says of itself: whether it is complete, and why it holds nothing."""

from __future__ import annotations

import json

from charter.job import FIGURES
from charter.records import StageFolder


def is_complete(stage: StageFolder) -> bool:
    """Whether a stage was begun and finished. Raises ``DamageError``."""
    return stage.path.is_dir() and stage.manifest.complete


def why_skipped(stage: StageFolder) -> str:
    """Why a complete stage had nothing to do; empty for one that did its work. Raises ``DamageError``."""
    if not is_complete(stage) or FIGURES not in stage.manifest.files:
        return ""
    return json.loads(stage.checked(FIGURES).read_text(encoding="utf-8")).get("skipped", "")
