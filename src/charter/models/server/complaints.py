"""What a server did wrong, or was asked wrongly, in words for its user. The server's own words come made safe."""

from __future__ import annotations

import re

from charter.errors import ServerError
from charter.models.server.wire import Fault, Reply
from charter.recipe import Server

_CONTEXT = re.compile(r"context|max(?:imum)?[ _](?:model[ _])?len|too (?:long|many tokens)|exceeds?\b.*tokens", re.I)
CHECK = "Check models.*.url: it is what an OpenAI client takes as base_url, up to and with /v1."


def complaint(server: Server, url: str, answer: Reply | Fault) -> ServerError:
    """The error for an answer that can't be used, from ``url``."""
    if isinstance(answer, Fault):
        return ServerError(f"the model server at {url} {answer.problem}", "Is it running? " + CHECK)
    said = f": {answer.said}" if answer.said else ""
    match answer.status:
        case 401 | 403:
            return _key_refused(server, f"{url} (HTTP {answer.status}){said}")
        case 404:
            return ServerError(
                f"the server at {url} knows no such address, or no model {server.model!r} (HTTP 404){said}", CHECK
            )
        case 400 | 413 | 422 if _CONTEXT.search(answer.said):
            return ServerError(
                f"a request is longer than the context of {server.model!r} at {url}{said}",
                "Set context_tokens of this model to what it takes, or lower its bytes_per_token: longer ones are then "
                "left out.",
            )
        case status if 300 <= status < 400:
            return ServerError(f"the server at {url} sends elsewhere (HTTP {status})", CHECK)
        case status if status >= 400:
            return ServerError(
                f"the model server at {url} answers with HTTP {status}{said}", "Nothing is lost: run again."
            )
        case _ if answer.data is None:
            begins = f"begins {answer.said[:60]!r}" if answer.said else "is empty"
            return ServerError(f"{url} isn't a model server: its answer isn't JSON, it {begins}", CHECK)
        case _:
            return ServerError(f"{url} isn't a model server: its JSON holds no answer of a model{said}", CHECK)


def other_model(server: Server, url: str, there: list[str]) -> ServerError:
    """``there`` are the models that the server does have, made safe."""
    listed = ", ".join(there[:10]) + (", …" if len(there) > 10 else "")
    return ServerError(f"the server at {url} has no model {server.model!r}; it has {listed}", "Name one of those.")


def given_up(error: ServerError, why: str) -> ServerError:
    """``error``, after retries."""
    return ServerError(f"{error.problem} ({why})", "Nothing is lost: run the same command again when it is well.")


def _key_refused(server: Server, where: str) -> ServerError:
    if server.api_key_env is None:
        return ServerError(
            f"the server wants a key, and the recipe names none: {where}",
            "Put the key into an environment variable, and its name into the recipe as api_key_env.",
        )
    return ServerError(f"the server refuses the key: {where}", f"Put a valid key into {server.api_key_env}.")
