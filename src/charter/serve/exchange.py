"""What every request has in common: a body read and validated, results waited for, work given up with its client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.requests import Request

from charter.errors import UserError
from charter.serve.batcher import Batcher, BusyError, Lane
from charter.serve.bodies import Body
from charter.serve.policies import Generation
from charter.serve.refusals import Refusal

Asked = TypeVar("Asked", bound=Body)
MOST_BYTES = 16 << 20  # of a body
CLIENT_GONE = 499  # nobody reads it


async def read_body(request: Request, form: type[Asked]) -> Asked:
    """The request's body. Raises ``Refusal``.

    Only ``application/json`` is read: a web page may send other types to a server on its reader's machine without
    being asked, but not this one.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "the body's Content-Type has to be application/json")
    try:
        return form.model_validate_json(await _bytes(request))
    except ValidationError as error:
        raise Refusal.of_body(error) from None


async def _bytes(request: Request) -> bytes:
    """The body, read no further than it may be long. Raises ``Refusal``."""
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > MOST_BYTES:
            raise Refusal(413, f"the body is longer than {MOST_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)


def submit(batcher: Batcher, lane: Lane, items: Sequence[Any]) -> list[Future[Any]]:
    """Raises ``Refusal`` where too much waits already."""
    try:
        return batcher.submit(lane, items)
    except BusyError:
        raise Refusal(429, "too many requests wait already; try again later", code="rate_limit_exceeded") from None


async def results(request: Request, futures: Sequence[Future[Any]], items: Sequence[Any] = ()) -> list[Any]:
    """All results, in order. If the client hangs up, the work is given up. Raises ``Refusal``."""
    gathered = asyncio.gather(*map(asyncio.wrap_future, futures))
    leaving = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({gathered, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not gathered.done():
            raise Refusal(CLIENT_GONE, "the client hung up")
        return gathered.result()
    except (Refusal, asyncio.CancelledError):
        raise
    except Exception as error:
        raise failed(error) from error
    finally:
        leaving.cancel()
        give_up(futures, items)
        if not gathered.done():
            gathered.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gathered


def give_up(futures: Sequence[Future[Any]], items: Sequence[Any]) -> None:
    """Nobody waits for these any more: what hasn't begun won't, and what has begun ends at its next token."""
    for item in items:
        if isinstance(item, Generation):
            item.dropped.set()
    for future in futures:
        future.cancel()


def failed(error: Exception) -> Refusal:
    """What a client is told of work that failed: a model's fault by its message, one of ours by nothing."""
    message = error.problem if isinstance(error, UserError) else "the server failed; its log says more"
    return Refusal(500, message)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
