"""A server in this process that speaks the OpenAI API, with whatever faults a test scripts. Its model is a few rules.

Its judge puts 0.63 on (A) and 0.18 on (B), told in each of the ways in which servers tell it, and its sampled verdicts
come out likewise by the request's seed. What it isn't scripted to support it silently ignores, as some servers do.
"""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

P_OPEN, P_A, P_B = 0.9, 0.7, 0.2
P_CHOICES = (P_OPEN * P_A, P_OPEN * P_B)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire. ``hang_up`` sends the head and half the body, and closes."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False

    @classmethod
    def error(cls, status: int, message: str = "no", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(json.dumps({"error": {"message": message}}).encode(), status, named)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came in, when, and with which headers."""

    at: float
    path: str
    body: dict[str, Any]
    headers: dict[str, str]


Script = Callable[[Asked, int], Answer | None]
"""What to answer to a request, the n-th POST (from 1); None for what the model says."""


@dataclass(slots=True)
class Served:
    """A running server and all that it was asked."""

    url: str = ""
    script: Script | None = None
    supports: frozenset[str] = frozenset()
    models: tuple[str, ...] = ("judge",)
    context: int | None = 4096
    delay: float = 0.0
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    under_way: int = 0
    most_at_once: int = 0

    @property
    def posts(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.body]

    def answer(self, asked: Asked) -> Answer:
        with self.lock:
            self.asked.append(asked)
            number = len(self.posts)
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            scripted = self.script(asked, number) if self.script else None
            time.sleep(self.delay)
            return scripted or self._said(asked)
        finally:
            with self.lock:
                self.under_way -= 1

    def _said(self, asked: Asked) -> Answer:
        if asked.path.endswith("/models"):
            extra = {} if self.context is None else {"max_model_len": self.context}
            return Answer(json.dumps({"data": [{"id": name, **extra} for name in self.models]}).encode())
        if asked.path.endswith("/chat/completions"):
            return Answer(json.dumps(self._chat(asked.body)).encode())
        if asked.path.endswith("/completions"):
            return Answer(json.dumps(self._completion(asked.body)).encode())
        return Answer.error(404)

    def _chat(self, body: dict[str, Any]) -> dict[str, Any]:
        choice: dict[str, Any] = {"message": {"role": "assistant", "content": sampled(body)}, "finish_reason": "stop"}
        if body.get("logprobs") and "chat" in self.supports:
            choice["logprobs"] = {
                "content": [
                    {
                        "token": token,
                        "logprob": top[token],
                        "top_logprobs": [{"token": t, "logprob": v} for t, v in top.items()],
                    }
                    for token, top in walk("(")
                ]
            }
        return {"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 2}}

    def _completion(self, body: dict[str, Any]) -> dict[str, Any]:
        choice: dict[str, Any] = {"text": sampled(body), "finish_reason": "stop"}
        if body.get("echo") and "echo" in self.supports:
            tokens = [*split(body["prompt"]), " x"]
            offsets = [sum(map(len, tokens[:index])) for index in range(len(tokens))]
            values = [None, *logprobs(tokens)[1:]]
            choice |= {"text": "".join(tokens)}
            choice["logprobs"] = {"tokens": tokens, "token_logprobs": values, "text_offset": offsets}
        elif "prompt_logprobs" in body and "prompt_logprobs" in self.supports:
            tokens = split(body["prompt"])
            entries = [
                {str(i): {"logprob": v, "decoded_token": t}}
                for i, (t, v) in enumerate(zip(tokens, logprobs(tokens), strict=True))
            ]
            choice["prompt_logprobs"] = [None, *entries[1:]]
        elif body.get("logprobs") and not body.get("echo") and "walk" in self.supports:
            steps = walk(" (")
            choice["logprobs"] = {
                "tokens": [token for token, _ in steps],
                "token_logprobs": [top[token] for token, top in steps],
                "top_logprobs": [top for _, top in steps],
            }
        return {"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 2}}


def sampled(body: dict[str, Any]) -> str:
    """A verdict by the seed where one is asked for; else the last words of the prompt, and the seed."""
    seed = body.get("seed", 0)
    text = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
    if "Answer with exactly one" in text:
        return "**(A)**" if seed % 100 < 63 else " (B)" if seed % 100 < 81 else "I'd rather not say."
    return f"Heard {text[-20:].strip()}, {seed % 1000}."


def split(text: str) -> list[str]:
    return re.findall(r"\s?\(|\s?\w+|\s|.", text)


def logprobs(tokens: list[str]) -> list[float]:
    known = {"A": math.log(P_A), "B": math.log(P_B), ")": 0.0}
    return [
        math.log(P_OPEN)
        if token.strip() == "("
        else known.get(token, -1.0)
        if index and "(" in "".join(tokens[max(0, index - 2) : index])
        else -1.0
        for index, token in enumerate(tokens)
    ]


def walk(opening: str) -> list[tuple[str, dict[str, float]]]:
    return [
        (opening, {opening: math.log(P_OPEN), "I": math.log(1 - P_OPEN)}),
        ("A", {"A": math.log(P_A), "B": math.log(P_B), "C": math.log(0.1)}),
        (")", {")": 0.0, "x": -30.0}),
    ]


@contextmanager
def serve(served: Served | None = None) -> Iterator[Served]:
    """A server on a free port of this machine, until the end of the block."""
    served = served or Served()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, body: dict[str, Any]) -> None:
            found = served.answer(Asked(time.monotonic(), self.path, body, dict(self.headers)))
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body[: len(found.body) // 2] if found.hang_up else found.body)
            self.close_connection = found.hang_up

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """A client that was killed is no error here."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
