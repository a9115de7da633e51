"""The first look at a server: is it one, has it the model, how long is its context, how does it tell probabilities?"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, cast

from charter.errors import ServerError
from charter.models.server.caller import Caller, Weight
from charter.models.server.complaints import complaint, other_model
from charter.models.server.replies import first_choice
from charter.models.server.scoring import TRIAL, WAYS, Scoring
from charter.models.server.texts import Rendering
from charter.models.server.wire import Fault, Reply
from charter.printable import printable

CONTEXT_FIELDS = ("max_model_len", "context_length", "context_window", "max_context_length")  # vLLM, hosted ones
NO_LIST = frozenset({404, 405, 501})  # a server that has no list of models, and may be one all the same
NO_ANSWER = frozenset({401, 403, 408, 429, 502, 503, 504})  # says nothing of the field that was asked for
TRIAL_WEIGHT = Weight(prompt=100, prompt_at_most=1000, answer=12)


def look_at(caller: Caller) -> int | None:
    """Asks every address for its list of models. The context's length in tokens where one says it, the shortest.

    Raises ``ServerError`` for an address that isn't a server, has another model or refuses the key, and if none can be
    reached; of several, one that can't be reached now is no error.
    """
    lengths: list[int] = []
    unreached: list[ServerError] = []
    for url in caller.server.url:
        answer = caller.wire.send(f"{url}/models")
        if isinstance(answer, Fault) or (answer.status >= 500 and answer.status not in NO_LIST):
            unreached.append(complaint(caller.server, url, answer))
        elif answer.status not in NO_LIST:
            lengths += _listed_context(caller, url, answer)
    if len(unreached) == len(caller.server.url):
        raise unreached[0]
    return min(lengths, default=None)


def find_scoring(caller: Caller, rendering: Rendering) -> Scoring | None:
    """The first way that works at this server; None if none does. Its few calls count in the budget like any."""
    halt = threading.Event()
    for way in WAYS[caller.server.api]:
        answers: list[Mapping[str, Any]] = []
        asked = way.bodies(caller.server.model, TRIAL, rendering)
        for body in asked:
            url, answer = caller.once(way.path, body, TRIAL_WEIGHT, halt)
            if isinstance(answer, Fault) or answer.status in NO_ANSWER:
                answer = Reply(200, caller.call(way.path, body, TRIAL_WEIGHT, halt), "")
            if answer.status == 200 and answer.data is None:
                raise complaint(caller.server, url, answer)
            if answer.status != 200 or first_choice(answer.data) is None:
                break  # it refuses the field, or stumbles over it
            answers.append(answer.data or {})
        if len(answers) == len(asked) and way.works(answers, rendering):
            return way
    return None


def _listed_context(caller: Caller, url: str, answer: Reply) -> list[int]:
    """What the list says of the model's context, nothing or one number."""
    listed = None if answer.data is None else answer.data.get("data")
    if answer.status != 200 or not isinstance(listed, list):
        raise complaint(caller.server, url, answer)
    entries = [cast("Mapping[str, Any]", entry) for entry in cast("list[Any]", listed) if isinstance(entry, dict)]
    named = [entry for entry in entries if entry.get("id") == caller.server.model]
    if not named:
        raise other_model(caller.server, url, [printable(str(entry.get("id"))[:80]) for entry in entries])
    found = [named[0].get(name) for name in CONTEXT_FIELDS]
    return [value for value in found if isinstance(value, int) and not isinstance(value, bool) and value > 0][:1]
