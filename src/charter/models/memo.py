"""A model call is paid for once: completed calls in one SQLite file, and a wrapper that asks only for what isn't there.

A call's key is the digest of the model's, the request and its sampling parameters, all of them. It is on disk before
the call counts as done, so that a process killed at any point repeats only the calls that were in flight. A file may
serve several runs, also at once. It holds what models said and what they were asked by, as a digest: no key, no URL.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

from charter.digests import digest_of
from charter.errors import MemoError
from charter.models.base import ChoiceLogprobs, ChoiceRequest, GenerateRequest, Model
from charter.models.sqlite_file import open_database
from charter.types import Completion, Message

MEMO = "memo.sqlite"  # in a run's folder, if the recipe names no other
KIND = 0x43484D4D  # the file's application id: "CHMM"
AT_ONCE = 500  # keys looked up in one query
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS calls (key TEXT PRIMARY KEY, digest TEXT NOT NULL, model TEXT NOT NULL, "
    "answer TEXT NOT NULL) WITHOUT ROWID"
)
Request = TypeVar("Request", GenerateRequest, ChoiceRequest)
Answer = TypeVar("Answer", Completion, ChoiceLogprobs)
Done = Callable[[int, Answer], None]


@runtime_checkable
class TellsEach(Protocol):
    """A model that can say of each answer when it is there, rather than of all at the end."""

    def generate_each(
        self, requests: Sequence[GenerateRequest], done: Callable[[int, Completion], None]
    ) -> list[Completion]: ...

    def choice_logprobs_each(
        self, requests: Sequence[ChoiceRequest], done: Callable[[int, ChoiceLogprobs], None]
    ) -> list[ChoiceLogprobs]: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """What a memo holds of one model."""

    model: str
    digest: str
    calls: int
    characters: int


class Memo:
    """The file. Threads may share it, and processes the file."""

    def __init__(self, path: Path) -> None:
        """Raises ``MemoError`` for a file that is something else."""
        self.path = path
        self._rows: sqlite3.Connection = open_database(path, KIND, _SCHEMA, flushed=True)
        weakref.finalize(self, self._rows.close)
        self._lock = threading.Lock()

    def find(self, keys: Sequence[str]) -> dict[str, str]:
        """The answers to those calls that are there, by key."""
        found: dict[str, str] = {}
        with self._lock:
            for start in range(0, len(keys), AT_ONCE):
                some = keys[start : start + AT_ONCE]
                marks = ", ".join("?" * len(some))
                found |= dict(self._rows.execute(f"SELECT key, answer FROM calls WHERE key IN ({marks})", some))
        return found

    def keep(self, key: str, digest: str, model: str, answer: str) -> None:
        """Writes one completed call; on disk when this returns. What is there already stays."""
        with self._lock:
            self._rows.execute("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?)", (key, digest, model, answer))

    def kept(self) -> list[Kept]:
        """A line a model, by name."""
        query = "SELECT model, digest, COUNT(*), SUM(LENGTH(answer)) FROM calls GROUP BY model, digest ORDER BY 1, 2"
        with self._lock:
            return [Kept(*row) for row in self._rows.execute(query)]

    def prune(self, models: Sequence[str]) -> int:
        """Forgets the calls of these models, by name, and gives the space back. How many they were."""
        with self._lock:
            marks = ", ".join("?" * len(models))
            gone = self._rows.execute(f"DELETE FROM calls WHERE model IN ({marks})", models).rowcount
            self._rows.execute("VACUUM")
            return gone


@dataclass(frozen=True, slots=True)
class MemoModel:
    """``model``, asked only for what ``memo`` doesn't hold. ``name`` is what the memo calls it for people."""

    model: Model
    memo: Memo
    name: str

    @property
    def digest(self) -> str:
        return self.model.digest

    @property
    def context_tokens(self) -> int:
        return self.model.context_tokens

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return self.model.count_tokens(messages)

    def generate(self, requests: Sequence[GenerateRequest]) -> list[Completion]:
        """An answer a request, in order; equal ones are asked once. Raises ``MemoError``, and what the model raises."""

        def ask(missing: Sequence[GenerateRequest], done: Callable[[int, Completion], None]) -> None:
            if isinstance(self.model, TellsEach):
                self.model.generate_each(missing, done)
                return
            for index, answer in enumerate(self.model.generate(missing)):
                done(index, answer)

        return self._answered(requests, ask, lambda data: Completion(**data))

    def choice_logprobs(self, requests: Sequence[ChoiceRequest]) -> list[ChoiceLogprobs]:
        """Likewise."""

        def ask(missing: Sequence[ChoiceRequest], done: Callable[[int, ChoiceLogprobs], None]) -> None:
            if isinstance(self.model, TellsEach):
                self.model.choice_logprobs_each(missing, done)
                return
            for index, answer in enumerate(self.model.choice_logprobs(missing)):
                done(index, answer)

        def made(data: dict[str, Any]) -> ChoiceLogprobs:
            return ChoiceLogprobs(tuple(data["logprobs"]), data["other"], data["prompt_tokens"])

        return self._answered(requests, ask, made)

    def _answered(
        self,
        requests: Sequence[Request],
        ask: Callable[[Sequence[Request], Callable[[int, Answer], None]], None],
        make: Callable[[dict[str, Any]], Answer],
    ) -> list[Answer]:
        keys = [call_key(self.digest, request) for request in requests]
        found = {key: self._read(text, make) for key, text in self.memo.find(list(dict.fromkeys(keys))).items()}
        missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in found}
        wanted = list(missing)

        def done(index: int, answer: Answer) -> None:
            self.memo.keep(wanted[index], self.digest, self.name, json.dumps(asdict(answer)))
            found[wanted[index]] = answer

        if missing:
            ask(list(missing.values()), done)
        return [found[key] for key in keys]

    def _read(self, text: str, make: Callable[[dict[str, Any]], Answer]) -> Answer:
        try:
            return make(cast("dict[str, Any]", json.loads(text)))
        except (ValueError, TypeError, KeyError) as error:
            raise MemoError(
                f"the memo {self.memo.path} holds an answer that can't be read: {error}",
                f"Forget this model's calls: charter memo prune {self.memo.path} --model {self.name}",
            ) from error


def call_key(digest: str, request: GenerateRequest | ChoiceRequest) -> str:
    """The identity of a call."""
    return digest_of({"model": digest, type(request).__name__: request})
