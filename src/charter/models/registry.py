"""From a model's name in a recipe to the model."""

from __future__ import annotations

from charter.models.local import LocalModel
from charter.models.names import model_folder


def load_model(name: str) -> LocalModel:
    """The model that ``model_folder`` finds by this name. Raises ``ModelError`` for a folder that can't be used."""
    return LocalModel.load(model_folder(name))
