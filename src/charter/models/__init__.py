"""Language models behind one seam (``base``): in this process (``local``) or scripted (``fake``).

``LocalModel`` and ``load_model`` are imported when they are first asked for: torch takes seconds, and what only looks
at a run, or finds it finished, needs none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from charter.models.base import ChoiceLogprobs, ChoiceRequest, GenerateRequest, Model
from charter.models.fake import FakeModel
from charter.models.folder import ModelFolder

if TYPE_CHECKING:
    from charter.models.local import LocalModel
    from charter.models.registry import load_model

__all__ = [
    "ChoiceLogprobs",
    "ChoiceRequest",
    "FakeModel",
    "GenerateRequest",
    "LocalModel",
    "Model",
    "ModelFolder",
    "load_model",
]
_NEEDS_TORCH = {"LocalModel": "charter.models.local", "load_model": "charter.models.registry"}


def __getattr__(name: str) -> Any:
    if name not in _NEEDS_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_NEEDS_TORCH[name]), name)
