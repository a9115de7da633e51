"""HTTP, and nothing else: one request goes out, and a reply or a fault comes back. This is where exceptions end.

What a server sends is hostile: a body has a largest size, its texts are shown with control characters written out, and
the key, which servers like to repeat in their complaints, is taken out of whatever is kept.
"""

from __future__ import annotations

import json
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, cast

import httpx

from charter.printable import printable

CONNECT_SECONDS = 10.0
LARGEST = 64 << 20  # bytes of a body
SHOWN = 300  # characters of a server's own words in a message
HIDDEN = "[key]"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered. ``data`` is None unless the body is a JSON object; ``said`` is its words for a message.

    ``retry_after`` is in seconds from now, None if the server named no time.
    """

    status: int
    data: Mapping[str, Any] | None
    said: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no reply. ``reached``: the server may have worked, and charged, all the same."""

    problem: str
    reached: bool


class Wire:
    """A client for all the base URLs of one model. Closed when nothing refers to it any more."""

    def __init__(self, key: str | None, answer_seconds: float) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        timeout = httpx.Timeout(answer_seconds, connect=CONNECT_SECONDS)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
        self._key = key
        self._client = httpx.Client(headers=headers, timeout=timeout, limits=limits)
        weakref.finalize(self, self._client.close)

    def send(self, url: str, body: Mapping[str, Any] | None = None) -> Reply | Fault:
        """POSTs ``body`` as JSON, or GETs if there is none. Redirects aren't followed: the key goes nowhere else."""
        try:
            with self._client.stream("GET" if body is None else "POST", url, json=body) as response:
                raw = _read(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            return Fault(self._shown(f"can't be reached: {error}"), reached=False)
        except httpx.TimeoutException:
            return Fault("didn't answer in time", reached=True)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return Fault(self._shown(f"broke off: {error}"), reached=True)
        if raw is None:
            return Fault(f"sent more than {LARGEST:,} bytes", reached=True)
        data = _json_object(raw)
        said = self._shown(_complaint(data) or raw[: 4 * SHOWN].decode(errors="replace"))
        return Reply(response.status_code, data, said, _retry_after(response.headers.get("retry-after")))

    def _shown(self, text: str) -> str:
        """``text`` fit for a message: one line, short, without the key."""
        text = text.replace(self._key, HIDDEN) if self._key else text
        text = printable(" ".join(text.split()))
        return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _read(response: httpx.Response) -> bytes | None:
    """The whole body; None if it is too large."""
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > LARGEST:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _json_object(raw: bytes) -> Mapping[str, Any] | None:
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, Any]", data) if isinstance(data, dict) else None


def _complaint(data: Mapping[str, Any] | None) -> str:
    """The message in a JSON error of one of the usual forms."""
    if data is None:
        return ""
    error: Any = data.get("error", data.get("detail", data.get("message", "")))
    if isinstance(error, dict):
        error = cast("dict[str, Any]", error).get("message", "")
    return error if isinstance(error, str) else json.dumps(error)


def _retry_after(value: str | None) -> float | None:
    """Seconds from now, from a number of seconds or an HTTP date (RFC 9110 §10.2.3)."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if seconds == seconds else None  # not of NaN
