"""Models behind OpenAI-compatible servers: vLLM, llama.cpp, SGLang, hosted ones.

``ServedModel`` is the recipe's name for one, ``ServerModel`` the model once it was reached, ``open_served`` that with
the memo in front of it. All but the name are imported when they are first asked for: a finished run asks nobody.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from charter.models.server.named import ServedModel

if TYPE_CHECKING:
    from charter.models.server.caller import Retries, Shared
    from charter.models.server.endpoints import Backoff
    from charter.models.server.model import ServerModel
    from charter.models.server.opening import open_served, share
    from charter.models.server.throttle import Throttle

__all__ = ["Backoff", "Retries", "ServedModel", "ServerModel", "Shared", "Throttle", "open_served", "share"]
_HOMES = {
    "Backoff": "endpoints",
    "Retries": "caller",
    "ServerModel": "model",
    "Shared": "caller",
    "Throttle": "throttle",
    "open_served": "opening",
    "share": "opening",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
