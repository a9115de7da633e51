"""From a model in a recipe to what it names: a folder, or a server's model.

Kept apart from ``registry``, which loads it and so needs torch; a server's model needs httpx, and no torch.
"""

from __future__ import annotations

from pathlib import Path

from charter.errors import ModelError
from charter.models.folder import ModelFolder
from charter.models.server.named import ServedModel
from charter.recipe import Server

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


def named_model(model: str | Server) -> ModelFolder | ServedModel:
    """What a judge or critic is: a folder, or a server's model, which nobody has asked yet.

    Raises ``ModelError`` for a folder that can't be used.
    """
    return model_folder(model) if isinstance(model, str) else ServedModel(model)
