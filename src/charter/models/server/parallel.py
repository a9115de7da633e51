"""Many calls at once, in threads, each result handed on the moment it is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from charter.models.server.caller import HaltedError

T = TypeVar("T")
R = TypeVar("R")


def each(
    work: Callable[[T, threading.Event], R], items: Sequence[T], num_threads: int, done: Callable[[int, R], None]
) -> list[R]:
    """``work(item, halt)`` of each item, in their order. ``done(index, result)`` is called by the thread that has it.

    If one fails, or the wait is interrupted, those not begun are dropped, those under way are told by ``halt`` to begin
    nothing more and end first; then the failure is raised.
    """
    halt = threading.Event()

    def one(index: int) -> R:
        result = work(items[index], halt)
        done(index, result)
        return result

    with ThreadPoolExecutor(max(1, min(num_threads, len(items)))) as pool:
        futures = [pool.submit(one, index) for index in range(len(items))]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            halt.set()
            pool.shutdown(cancel_futures=True)
    failure = next((found for future in futures if (found := _failure(future)) is not None), None)
    if failure is not None:
        raise failure
    return [future.result() for future in futures]


def _failure(future: Future[R]) -> BaseException | None:
    """Why it failed; None if it didn't, or only because another one did."""
    found = None if future.cancelled() else future.exception()
    return None if isinstance(found, HaltedError) else found
