"""A model behind an OpenAI-compatible server, as a ``Model``."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from charter.errors import ModelError, ServerError
from charter.models.base import ChoiceLogprobs, ChoiceRequest, GenerateRequest
from charter.models.server import bodies
from charter.models.server.caller import Caller, Shared, Weight
from charter.models.server.endpoints import Backoff, Endpoints
from charter.models.server.named import ServedModel
from charter.models.server.parallel import each
from charter.models.server.probe import find_scoring, look_at
from charter.models.server.replies import Usage, completion_of, usage_of
from charter.models.server.scoring import Scoring
from charter.models.server.texts import PlainTurns, Rendering, TemplateTurns
from charter.models.server.wire import Reply, Wire
from charter.recipe import Server
from charter.types import Completion, Message

ANSWER_SECONDS = 600.0  # without a byte, after which a call is taken as lost
TURN_TOKENS, PROMPT_TOKENS = 8, 16  # what a template puts around a turn and a prompt, as estimated
TURN_AT_MOST, PROMPT_AT_MOST = 32, 256  # and at most, as the budget counts

Weighed = tuple[int, int]  # a prompt's tokens, estimated and at most


@dataclass(slots=True)
class ServerModel:
    """Asks a server, many requests at a time, within the run's limits and budget.

    Its digest is the recipe's name for the model (``ServedModel``). The same request may get another answer the next
    time (servers honour a seed as well as they can); the memo in front of it sees to it that there is no next time.
    """

    digest: str
    context_tokens: int
    caller: Caller
    rendering: Rendering
    _scoring: Scoring | None = field(default=None, init=False)
    _probed: bool = field(default=False, init=False)
    _counts: bool = field(default=True, init=False)

    @classmethod
    def open(cls, served: ServedModel, shared: Shared, seed: int = 0, *, backoff: Backoff | None = None) -> ServerModel:
        """Looks whether the server is there and has the model. Raises ``ServerError``, ``ModelError``."""
        settings = served.settings
        wire = Wire(_key(settings), ANSWER_SECONDS)
        caller = Caller(settings, wire, Endpoints(settings.url, seed, backoff or Backoff()), shared)
        rendering = PlainTurns() if settings.tokenizer is None else TemplateTurns(settings.tokenizer)
        said = look_at(caller)
        context_tokens = settings.context_tokens or said
        if context_tokens is None:
            raise ServerError(
                f"the server at {settings.url[0]} doesn't say how long the context of {settings.model!r} is",
                "Say it in the recipe, beside the model's url: context_tokens: 8192",
            )
        return cls(served.digest, context_tokens, caller, rendering)

    def gives_logprobs(self) -> bool:
        """Whether the server tells log-probabilities, found out by asking it once. Raises ``ServerError``."""
        if not self._probed:
            self._scoring = find_scoring(self.caller, self.rendering)
            self._probed = True
        return self._scoring is not None

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """By the recipe's tokenizer; else estimated, and where that is near the context, by the server if it counts."""
        exact = self.rendering.count(messages)
        if exact is not None:
            return exact
        estimate, _ = self._weighed([message.content for message in messages])
        if 2 * estimate <= self.context_tokens or not self._counts:
            return estimate
        counted = self._counted(messages)
        self._counts = counted is not None
        return estimate if counted is None else counted

    def generate(self, requests: Sequence[GenerateRequest]) -> list[Completion]:
        """An answer a request, in order. Raises ``ServerError``, ``BudgetError``."""
        return self.generate_each(requests, lambda _index, _answer: None)

    def generate_each(
        self, requests: Sequence[GenerateRequest], done: Callable[[int, Completion], None]
    ) -> list[Completion]:
        """The same; ``done`` is told each answer when it comes, by the thread that has it."""
        return each(self._generated, requests, self._num_threads, done)

    def choice_logprobs(self, requests: Sequence[ChoiceRequest]) -> list[ChoiceLogprobs]:
        """As the server tells them. Raises ``ModelError`` if it tells none: then ``CountedChoices`` is for it."""
        return self.choice_logprobs_each(requests, lambda _index, _answer: None)

    def choice_logprobs_each(
        self, requests: Sequence[ChoiceRequest], done: Callable[[int, ChoiceLogprobs], None]
    ) -> list[ChoiceLogprobs]:
        """The same; ``done`` is told each answer when it comes, by the thread that has it."""
        if requests and not self.gives_logprobs():
            raise ModelError(f"the server gives no log-probabilities of {self.caller.server.model!r}")
        return each(self._scored, requests, self._num_threads, done)

    @property
    def _num_threads(self) -> int:
        return self.caller.shared.throttle.concurrency

    def _generated(self, request: GenerateRequest, halt: threading.Event) -> Completion:
        model, contents = self.caller.server.model, [message.content for message in request.messages]
        stop: tuple[str, ...] = ()
        if self.caller.server.api == "chat":
            path, body = bodies.CHAT, bodies.chat_body(model, request)
        else:
            text, stop = self.rendering.text(request.messages, request.prefill), self.rendering.stop
            path, body = bodies.COMPLETIONS, bodies.text_body(model, text, request, stop)
        prompt, at_most = self._weighed([*contents, request.prefill])
        data = self.caller.call(path, body, Weight(prompt, at_most, request.max_tokens), halt)
        return completion_of(data, request, self.digest, Usage(prompt, request.max_tokens), stop)

    def _scored(self, request: ChoiceRequest, halt: threading.Event) -> ChoiceLogprobs:
        scoring = self._scoring
        assert scoring is not None  # choice_logprobs_each has seen to it
        contents = [*(message.content for message in request.messages), request.prefill, *request.choices]
        prompt, at_most = self._weighed(contents)
        weight = Weight(prompt, at_most, bodies.WALK_TOKENS)
        sent = scoring.bodies(self.caller.server.model, request, self.rendering)
        answers = [self.caller.call(scoring.path, body, weight, halt) for body in sent]
        logprobs = scoring.read(answers, request, self.rendering)
        if logprobs is None:
            raise ServerError(
                f"the server at {self.caller.server.url[0]} gave log-probabilities when tried, and now gives none",
                "Are all its addresses the same sort of server? Nothing is lost: run again.",
            )
        counted = usage_of(answers[0]).prompt
        other = min(1.0, max(0.0, 1.0 - math.fsum(map(math.exp, logprobs))))
        return ChoiceLogprobs(logprobs, other, prompt if counted is None else counted)

    def _weighed(self, contents: Sequence[str]) -> Weighed:
        """A prompt's tokens: as estimated by its bytes, and at most: no token is less than a byte."""
        size = sum(len(content.encode(errors="replace")) for content in contents)
        estimate = math.ceil(size / self.caller.server.bytes_per_token)
        return estimate + TURN_TOKENS * len(contents) + PROMPT_TOKENS, size + TURN_AT_MOST * len(
            contents
        ) + PROMPT_AT_MOST

    def _counted(self, messages: Sequence[Message]) -> int | None:
        """vLLM's own count of the rendered turns; None from a server that doesn't count."""
        root = self.caller.server.url[0].removesuffix("/v1")
        turns = [{"role": message.role, "content": message.content} for message in messages]
        answer = self.caller.wire.send(f"{root}/tokenize", {"model": self.caller.server.model, "messages": turns})
        count = (answer.data or {}).get("count") if isinstance(answer, Reply) and answer.status == 200 else None
        return count if isinstance(count, int) else None


def _key(settings: Server) -> str | None:
    """The key from the environment. Raises ``ServerError`` if the recipe names a variable that isn't set."""
    if settings.api_key_env is None:
        return None
    key = os.environ.get(settings.api_key_env, "").strip()
    if not key:
        raise ServerError(
            f"the environment variable {settings.api_key_env}, for the key of {settings.url[0]}, isn't set",
            f"Set it: export {settings.api_key_env}=...",
        )
    if not key.isascii() or not key.isprintable():
        raise ServerError(f"the key in {settings.api_key_env} holds characters that no key has", "Copy it again.")
    return key
