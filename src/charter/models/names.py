"""From a model's name in a recipe to its folder. Kept apart from ``registry``, which loads it and so needs torch."""

from __future__ import annotations

from pathlib import Path

from charter.errors import ModelError
from charter.models.folder import ModelFolder

WORLD = "world"
WORLD_FOLDER = Path(__file__).parent.parent / "world" / "model"


def model_folder(name: str) -> ModelFolder:
    """``world`` is the small world's own model, which comes with the package; any other name is a folder's path.

    Raises ``ModelError`` for a folder that can't be used.
    """
    if name != WORLD:
        return ModelFolder.check(name)
    if not WORLD_FOLDER.is_dir():
        raise ModelError("the small world's model isn't in this installation", "Make it with: charter world train")
    return ModelFolder.check(WORLD_FOLDER)
