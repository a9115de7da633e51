"""A server's model as the tests open it: patient for milliseconds rather than seconds."""

from __future__ import annotations

from pathlib import Path

from charter.models.base import GenerateRequest
from charter.models.budget import Ledger
from charter.models.server import Backoff, Retries, ServedModel, ServerModel, Shared, Throttle
from charter.recipe import Budget, Server
from charter.types import Message

QUICK = Backoff(first_seconds=0.01, longest_seconds=0.05)


def shared(folder: Path, budget: Budget | None = None, throttle: Throttle | None = None, retries: int = 1000) -> Shared:
    ledger = Ledger(folder / "spending.sqlite", budget or Budget())
    return Shared(throttle or Throttle(8), ledger, Retries(retries))


def settings(*urls: str, model: str = "judge", **more: object) -> Server:
    return Server.model_validate({"url": list(urls), "model": model, **more})


def opened(settings: Server, shared: Shared) -> ServerModel:
    return ServerModel.open(ServedModel(settings), shared, backoff=QUICK)


def requests(count: int, max_tokens: int = 20) -> list[GenerateRequest]:
    return [GenerateRequest((Message("user", f"Question {n}"),), max_tokens, seed=n) for n in range(count)]
