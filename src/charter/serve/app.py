"""The server's routes: OpenAI's for policies, and those that ask a preference model for rewards."""

from __future__ import annotations

import hmac
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from charter.models.local import LocalModel
from charter.models.rendering import decode_after
from charter.serve.answers import ChatForm, Heading, TextForm, usage
from charter.serve.asking import Seeds, chat_generations, text_generations
from charter.serve.batcher import Batcher
from charter.serve.bodies import ChatBody, Sampling, TextBody
from charter.serve.exchange import read_body, results, submit
from charter.serve.policies import Generation, PolicyLane
from charter.serve.refusals import Refusal
from charter.serve.reward_bodies import InputBody, QueryBody, ScoreBody
from charter.serve.rewards import RewardLane, Scorer
from charter.serve.streaming import Chunking, Stream

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")


@dataclass(frozen=True, slots=True)
class Served:
    """What is served: policies by name, and perhaps a preference model. ``key``: what clients have to show."""

    policies: Mapping[str, LocalModel]
    scorer: Scorer | None = None
    key: str | None = field(default=None, repr=False)


def make_app(served: Served, *, only_local: bool = True) -> Starlette:
    """The application. ``only_local``: requests that call the server by another machine's name are refused.

    (A web page whose host name is made to point to this machine would otherwise reach it as its own.)
    """
    server = _Server(served)
    routes = [
        Route("/health", server.health),
        Route("/v1/models", server.models),
        Route("/v1/models/{name:path}", server.model),
        Route("/v1/chat/completions", server.chat, methods=["POST"]),
        Route("/v1/completions", server.complete, methods=["POST"]),
        Route("/score", server.score, methods=["POST"]),
        Route("/get_reward", server.reward_queries, methods=["POST"]),
        Route("/classify", server.classify, methods=["POST"]),
        Route("/v1/embeddings", server.embed, methods=["POST"]),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK)] if only_local else [],
        exception_handlers={Refusal: _refuse, HTTPException: _refuse_plainly, Exception: _fail},
        lifespan=server.lifespan,
    )


class _Server:
    def __init__(self, served: Served) -> None:
        self._policies = {name: PolicyLane(name, model) for name, model in served.policies.items()}
        self._rewards = None if served.scorer is None else RewardLane(served.scorer)
        self._key = served.key
        self._batcher = Batcher()
        self._seeds = Seeds()
        self._numbers = count(1)

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncGenerator[None]:
        self._batcher.start()
        try:
            yield
        finally:
            self._batcher.close()

    async def health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def models(self, request: Request) -> Response:
        self._require_key(request)
        return JSONResponse({"object": "list", "data": [_model(policy) for policy in self._policies.values()]})

    async def model(self, request: Request) -> Response:
        self._require_key(request)
        return JSONResponse(_model(self._policy(str(request.path_params["name"]))))

    async def chat(self, request: Request) -> Response:
        body = await self._body(request, ChatBody)
        policy = self._policy(body.model)
        generations = chat_generations(policy, body, self._seeds)
        return await self._answer(request, body, policy, generations, ChatForm())

    async def complete(self, request: Request) -> Response:
        body = await self._body(request, TextBody)
        policy = self._policy(body.model)
        generations = text_generations(policy, body, self._seeds)
        texts = [_text(policy, prompt) for prompt in body.prompts]
        form = TextForm(texts, body.samples, echo=bool(body.echo))
        return await self._answer(request, body, policy, generations, form)

    async def score(self, request: Request) -> Response:
        body = await self._body(request, ScoreBody)
        lane = self._reward_lane()
        rows = [
            lane.conversation_tokens([turn.message for turn in turns], f"conversations.{index}")
            for index, turns in enumerate(body.conversations)
        ]
        return JSONResponse({"rewards": await self._scores(request, rows)})

    async def reward_queries(self, request: Request) -> Response:
        """OpenRLHF's: a reward each, which is also its score; ``extra_logs`` are for what else there is to log."""
        body = await self._body(request, QueryBody)
        rows = [
            self._reward_lane().rendered_tokens(text, prompt, f"query.{index}")
            for index, (text, prompt) in enumerate(body.pairs)
        ]
        rewards = await self._scores(request, rows)
        return JSONResponse({"rewards": rewards, "scores": rewards, "extra_logs": {}})

    async def classify(self, request: Request) -> Response:
        """verl's, in vLLM's form. With ``activation: false`` a classifier of one class gives its score as it is."""
        scores, model = await self._input_scores(request)
        data = [
            {"index": index, "label": "LABEL_0", "probs": [score], "num_classes": 1}
            for index, score in enumerate(scores)
        ]
        return JSONResponse({"object": "list", "model": model, "data": data})

    async def embed(self, request: Request) -> Response:
        """verl's, in SGLang's form, where a reward model's embedding is its score."""
        scores, model = await self._input_scores(request)
        data = [{"object": "embedding", "index": index, "embedding": [score]} for index, score in enumerate(scores)]
        return JSONResponse({"object": "list", "model": model, "data": data})

    async def _input_scores(self, request: Request) -> tuple[list[float], str]:
        body = await self._body(request, InputBody)
        lane = self._reward_lane()
        rows = [lane.rendered_tokens(text, "", "input") for text in body.texts]
        return await self._scores(request, rows), body.model

    async def _scores(self, request: Request, rows: Sequence[list[int]]) -> list[float]:
        return await results(request, submit(self._batcher, self._reward_lane(), rows))

    async def _answer(
        self,
        request: Request,
        body: Sampling,
        policy: PolicyLane,
        generations: Sequence[Generation],
        form: ChatForm | TextForm,
    ) -> Response:
        prompts = len(generations) // body.samples
        wants_logprobs = generations[0].likeliest is not None
        prefix = "chatcmpl" if isinstance(form, ChatForm) else "cmpl"
        heading = Heading.now(f"{prefix}-{next(self._numbers)}", policy.name, policy.model.digest)
        if body.stream:
            stream = Stream(generations)
            futures = submit(self._batcher, policy, stream.generations)
            chunking = Chunking(heading, form, prompts, wants_logprobs, body.counts_in_stream)
            return StreamingResponse(stream.events(futures, chunking), media_type="text/event-stream")
        answers = await results(request, submit(self._batcher, policy, generations), generations)
        choices = [form.choice(index, answer, wants_logprobs) for index, answer in enumerate(answers)]
        return JSONResponse({**heading.fields(form.whole), "choices": choices, "usage": usage(answers, prompts)})

    async def _body(self, request: Request, form: type[Any]) -> Any:
        self._require_key(request)
        return await read_body(request, form)

    def _require_key(self, request: Request) -> None:
        shown = request.headers.get("authorization", "").encode()
        if self._key is not None and not hmac.compare_digest(shown, f"Bearer {self._key}".encode()):
            raise Refusal(401, "the API key is missing or wrong", code="invalid_api_key")

    def _policy(self, name: str) -> PolicyLane:
        if name not in self._policies:
            raise Refusal.unknown_model(name, list(self._policies))
        return self._policies[name]

    def _reward_lane(self) -> RewardLane:
        if self._rewards is None:
            raise Refusal(404, "there is no preference model here: serve a run that has trained one")
        return self._rewards


def _model(policy: PolicyLane) -> dict[str, Any]:
    """vLLM's ``max_model_len`` says how long the context is, for clients that ask."""
    return {
        "id": policy.name,
        "object": "model",
        "created": 0,
        "owned_by": "charter",
        "max_model_len": policy.model.context_tokens,
        "digest": policy.model.digest,
    }


def _text(policy: PolicyLane, prompt: str | Sequence[int]) -> str:
    return prompt if isinstance(prompt, str) else decode_after(policy.model.tokenizer, [], prompt)


def _refuse(_request: Request, error: Exception) -> Response:
    refusal = cast("Refusal", error)
    return JSONResponse(refusal.body, status_code=refusal.status)


def _refuse_plainly(_request: Request, error: Exception) -> Response:
    """Starlette's own refusals: no such path, a method that isn't taken."""
    found = cast("HTTPException", error)
    return JSONResponse(Refusal(found.status_code, found.detail).body, found.status_code, found.headers)


def _fail(_request: Request, _error: Exception) -> Response:
    return JSONResponse(Refusal(500, "the server failed; its log says more").body, status_code=500)
