"""From a model's name in a recipe to the model."""

from __future__ import annotations

from importlib.resources import as_file, files

from charter.errors import ModelError
from charter.models.local import LocalModel

WORLD = "world"


def load_model(spec: str) -> LocalModel:
    """``world`` is the small world's own model, which comes with the package; any other name is a model folder's path.

    Raises ``ModelError`` for a folder that can't be used.
    """
    if spec != WORLD:
        return LocalModel.load(spec)
    with as_file(files("charter") / "world" / "model") as folder:
        if not folder.is_dir():
            raise ModelError("the small world's model isn't in this installation", "Make it with: charter world train")
        return LocalModel.load(folder)
