"""Requests that arrive while the model is busy are answered together in its next batch.

One thread computes; a model and its GPU gain nothing from two. It takes what has waited longest, and with it whatever
else waits for the same model, up to the model's budget. What a request is answered doesn't depend on its company
(``models.generation``), so that batching is a matter of speed alone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

LINGER_SECONDS = 0.005  # that the first of a batch waits for those that were sent with it
MOST_WAITING = 4096

logger = logging.getLogger(__name__)


class Lane(Protocol):
    """Whoever computes a sort of items: ``budget`` bounds the sizes of a batch together (one item may exceed it)."""

    @property
    def budget(self) -> int: ...

    def size(self, item: Any) -> int: ...

    def compute(self, items: Sequence[Any]) -> list[Any]: ...


class BusyError(Exception):
    """Too much waits already."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    lane: Lane
    item: Any
    future: Future[Any]


class Batcher:
    """Start it with ``start``, end it with ``close``; both once."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="charter-batches", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the thread after the batch that it is at; what waits is cancelled."""
        with self._changed:
            self._closing = True
            left = list(self._waiting)
            self._waiting.clear()
            self._changed.notify()
        for waiting in left:
            waiting.future.cancel()
        self._thread.join()

    def submit(self, lane: Lane, items: Sequence[Any]) -> list[Future[Any]]:
        """A future an item, in order. Raises ``BusyError``."""
        entries = [_Waiting(lane, item, Future()) for item in items]
        with self._changed:
            if self._closing or len(self._waiting) + len(entries) > max(MOST_WAITING, len(entries)):
                raise BusyError
            self._waiting.extend(entries)
            self._changed.notify()
        return [entry.future for entry in entries]

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
            time.sleep(LINGER_SECONDS)
            batch = self._take()
            if batch:
                _compute(batch)

    def _take(self) -> list[_Waiting]:
        """The longest waiting, and those of its lane that fit in with it, but for those given up meanwhile."""
        taken: list[_Waiting] = []
        with self._changed:
            kept: deque[_Waiting] = deque()
            size = 0
            for waiting in self._waiting:
                here = waiting.lane.size(waiting.item)
                if taken and (waiting.lane is not taken[0].lane or size + here > waiting.lane.budget):
                    kept.append(waiting)
                elif waiting.future.set_running_or_notify_cancel():
                    taken.append(waiting)
                    size += here
            self._waiting = kept
        return taken


def _compute(batch: Sequence[_Waiting]) -> None:
    """Answers a batch. Where it fails as one, each item is tried alone, so that only the one at fault fails."""
    try:
        results = batch[0].lane.compute([waiting.item for waiting in batch])
    except Exception as error:  # the one boundary of the worker: a failure becomes its request's answer
        if len(batch) > 1:
            for waiting in batch:
                _compute([waiting])
            return
        logger.exception("a request failed")
        batch[0].future.set_exception(error)
        return
    for waiting, result in zip(batch, results, strict=True):
        waiting.future.set_result(result)
