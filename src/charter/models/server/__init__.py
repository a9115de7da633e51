"""Models behind OpenAI-compatible servers: vLLM, llama.cpp, SGLang, hosted ones.

``ServedModel`` is the recipe's name for one, ``ServerModel`` the model once it was reached, ``open_served`` that with
the memo in front of it.
"""

from charter.models.server.caller import Retries, Shared
from charter.models.server.endpoints import Backoff
from charter.models.server.model import ServerModel
from charter.models.server.named import ServedModel
from charter.models.server.opening import open_served, share
from charter.models.server.throttle import Throttle

__all__ = ["Backoff", "Retries", "ServedModel", "ServerModel", "Shared", "Throttle", "open_served", "share"]
