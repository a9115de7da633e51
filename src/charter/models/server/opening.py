"""A recipe's server as the pipeline uses it: within limits and budget, behind the memo, with verdicts in any case."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from charter.models.base import Model
from charter.models.budget import LEDGER, Ledger
from charter.models.memo import Memo, MemoModel
from charter.models.server.caller import Retries, Shared
from charter.models.server.counted import CountedChoices
from charter.models.server.model import ServerModel
from charter.models.server.named import ServedModel
from charter.models.server.throttle import Throttle
from charter.recipe import Budget, Limits


def share(run_folder: Path, limits: Limits, budget: Budget) -> Shared:
    """What all servers of a run share. Raises ``BudgetError`` if the budget is below what the run has spent."""
    throttle = Throttle(limits.concurrency, limits.requests_per_minute, limits.tokens_per_minute)
    return Shared(throttle, Ledger(run_folder / LEDGER, budget), Retries(limits.retries))


def open_served(served: ServedModel, shared: Shared, memo: Memo, seed: int, tell: Callable[[str], None]) -> Model:
    """The model. ``tell`` is told if its verdicts have to be counted. Raises ``ServerError``."""
    server = ServerModel.open(served, shared, seed)
    name, samples = served.settings.model, served.settings.verdict_samples

    def gives_logprobs() -> bool:
        given = server.gives_logprobs()
        if not given:
            tell(
                f"{name}: the server gives no log-probabilities, or ignores that they are asked for: each verdict is "
                f"counted from {samples} sampled answers"
            )
        return given

    return CountedChoices(MemoModel(server, memo, name), gives_logprobs, samples)
