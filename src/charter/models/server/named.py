"""A server's model as a recipe names it: known without asking anybody, so that a finished run needs no network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from charter.digests import digest_of, digest_of_files
from charter.errors import ModelError
from charter.models.folder import SETTINGS
from charter.models.server.bodies import WORDING
from charter.recipe import Server


@dataclass(frozen=True, slots=True)
class ServedModel:
    """What to ask for, where, and on what terms."""

    settings: Server

    @property
    def digest(self) -> str:
        """The identity that records and the memo know it by.

        Model, revision, API, our own wording and the tokenizer's files. No URL, key, price or limit: the same model
        elsewhere is the same model. A server doesn't say which weights stand behind a name: that is the recipe's
        ``revision`` to tell. Raises ``ModelError`` for a tokenizer folder that isn't there.
        """
        settings = self.settings
        asked = {"model": settings.model, "revision": settings.revision, "api": settings.api, "wording": WORDING}
        if settings.tokenizer is not None:
            asked["tokenizer"] = _tokenizer_digest(Path(settings.tokenizer))
        return digest_of({"served": asked})

    @property
    def use(self) -> str:
        """What else of the recipe decides a stage's result: how verdicts are counted, what is taken as too long."""
        settings = self.settings
        return digest_of([settings.verdict_samples, settings.context_tokens, settings.bytes_per_token])


def _tokenizer_digest(folder: Path) -> str:
    names = [name for name in SETTINGS if (folder / name).is_file()]
    if "tokenizer_config.json" not in names:
        raise ModelError(
            f"there is no tokenizer in {str(folder)!r}",
            "Name the folder that holds the served model's tokenizer and chat template, or leave it out.",
        )
    return digest_of_files(folder, names)
