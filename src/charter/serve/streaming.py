"""Answers as server-sent events, piece by piece as they are written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from charter.serve.answers import ChatForm, Heading, TextForm, usage
from charter.serve.exchange import failed, give_up
from charter.serve.policies import Generated, Generation

DONE = "data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Chunking:
    """How a stream is written. ``prompts``: how many prompts its choices answer, for the counts at its end."""

    heading: Heading
    form: ChatForm | TextForm
    prompts: int
    wants_logprobs: bool
    wants_counts: bool

    def event(self, choices: list[dict[str, Any]], **more: Any) -> str:
        return _event({**self.heading.fields(self.form.piece), "choices": choices, **more})


class Stream:
    """The generations of one request, whose pieces come from the worker's thread into this one's queue."""

    def __init__(self, generations: Sequence[Generation]) -> None:
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[tuple[int, str | None]] = asyncio.Queue()
        self.generations = [
            replace(generation, listener=self._listener(index)) for index, generation in enumerate(generations)
        ]

    async def events(self, futures: Sequence[Future[Generated]], chunking: Chunking) -> AsyncIterator[str]:
        """The events. Pieces of several choices come mixed, as they are written."""
        try:
            async for event in self._choices(futures, chunking):
                yield event
            if chunking.wants_counts:
                answers = [future.result() for future in futures]
                yield chunking.event([], usage=usage(answers, chunking.prompts))
            yield DONE
        except asyncio.CancelledError:
            raise
        except Exception as error:  # the status has been sent: all that is left is to say it in the stream
            yield _event(failed(error).body)
        finally:
            give_up(futures, self.generations)

    async def _choices(self, futures: Sequence[Future[Generated]], chunking: Chunking) -> AsyncIterator[str]:
        form = chunking.form
        for index, future in enumerate(futures):
            opening = form.opening(index)
            if opening:
                yield chunking.event([opening])
            future.add_done_callback(self._ended(index))
        given = [""] * len(futures)
        open_choices = len(futures)
        while open_choices:
            index, piece = await self._pieces.get()
            if piece is not None:
                given[index] += piece
                yield chunking.event([form.delta(index, piece)])
                continue
            answer = futures[index].result()
            rest = answer.text[len(given[index]) :]
            if rest:
                yield chunking.event([form.delta(index, rest)])
            yield chunking.event([form.ending(index, answer, chunking.wants_logprobs)])
            open_choices -= 1

    def _listener(self, index: int) -> Callable[[str], None]:
        return lambda piece: self._put((index, piece))

    def _ended(self, index: int) -> Callable[[Future[Generated]], None]:
        return lambda _future: self._put((index, None))

    def _put(self, piece: tuple[int, str | None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)


def _event(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body)}\n\n"
