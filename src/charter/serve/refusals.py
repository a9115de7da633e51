"""What a request is refused with: an error object in OpenAI's form, which its clients read."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from charter.errors import UserError
from charter.printable import printable

LONGEST_SHOWN = 300  # characters of a client's own text in a message


class Refusal(Exception):  # noqa: N818 — not an error of Charter's: an answer to a client
    """A request that is answered with an error. ``field`` is the field of the body at fault, if one is."""

    def __init__(self, status: int, message: str, *, field: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.field, self.code = status, message, field, code

    @classmethod
    def of_body(cls, error: ValidationError) -> Refusal:
        """A body that doesn't validate: its first fault, by the field's path."""
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        first = faults[0]
        field = printable(".".join(str(part) for part in first["loc"]))[:LONGEST_SHOWN]
        more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
        if first["type"] == "extra_forbidden":
            message = f"{field} isn't a field that this server knows{more}"
        else:
            message = f"{field}: {printable(first['msg'])}{more}" if field else f"the body: {printable(first['msg'])}"
        return cls(400, message, field=field or None)

    @classmethod
    def of_user_error(cls, error: UserError, field: str) -> Refusal:
        """What a model or its template can't do with the request."""
        return cls(400, error.problem, field=field)

    @classmethod
    def unknown_model(cls, name: str, known: list[str]) -> Refusal:
        shown = printable(name)[:LONGEST_SHOWN]
        return cls(
            404, f"there is no model {shown!r} here, but {', '.join(known)}", field="model", code="model_not_found"
        )

    @classmethod
    def context_overrun(cls, field: str, tokens: int, context: int) -> Refusal:
        return cls(
            400,
            f"prompt and answer would take {tokens} tokens; the model's context is {context}",
            field=field,
            code="context_length_exceeded",
        )

    @property
    def body(self) -> dict[str, Any]:
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {"error": {"message": self.message, "type": kind, "param": self.field, "code": self.code}}
