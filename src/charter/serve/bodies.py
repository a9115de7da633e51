"""The bodies of requests in OpenAI's form, validated.

A field that would change the answer and that can't be honoured here is refused, unless its value asks for nothing: a
server that accepts ``top_p`` and ignores it answers another question than was asked. Fields that only label a request
(``user``, ``metadata``) are taken and change nothing. An unknown field is refused by name.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from charter.types import Message, Role

MOST_SAMPLES, MOST_LIKELIEST, MOST_STOPS = 128, 20, 16
MOST_ANSWERS = 2048  # to one request
COLDEST = 1e-4  # below it a logit divided by the temperature leaves the range of float32: the same as greedy
COMPLETION_TOKENS = 16  # of /v1/completions if nobody says, as OpenAI's
CHAT_TOKENS = 1024  # of /v1/chat/completions if nobody says, or what is left of the context

SeedField = Annotated[int, Field(ge=0, lt=2**63)]
TokenId = Annotated[int, Field(ge=0)]
Zero = Annotated[float, Field(ge=0, le=0)]
One = Annotated[float, Field(ge=1, le=1)]
Nothing = Annotated[dict[str, Any], Field(max_length=0)]
NoneOfThem = Annotated[tuple[Any, ...], Field(max_length=0)]


class Body(BaseModel):
    """JSON in, frozen values out."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class TextPart(Body):
    """A part of a message in the long form; only text can be read here."""

    type: Literal["text"]
    text: str


class Turn(Body):
    """One message."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | tuple[TextPart, ...]
    name: str | None = None

    @property
    def message(self) -> Message:
        role: Role = "system" if self.role == "developer" else self.role
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return Message(role, text)


Turns = Annotated[tuple[Turn, ...], Field(min_length=1)]


class StreamOptions(Body):
    include_usage: bool = False
    include_obfuscation: Literal[False] = False


class Sampling(Body):
    """What both forms have in common. Null stands for the default, as with OpenAI."""

    model: str
    temperature: Annotated[float, Field(ge=0, le=100)] | None = None
    n: Annotated[int, Field(ge=1, le=MOST_SAMPLES)] | None = None
    stop: str | Annotated[tuple[str, ...], Field(max_length=MOST_STOPS)] | None = None
    seed: SeedField | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    # Only their neutral values can be honoured.
    top_p: One | None = None
    frequency_penalty: Zero | None = None
    presence_penalty: Zero | None = None
    logit_bias: Nothing | None = None
    # They label a request, and change nothing in its answer.
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None

    @property
    def stops(self) -> tuple[str, ...]:
        given = (self.stop,) if isinstance(self.stop, str) else self.stop or ()
        return tuple(text for text in given if text)

    @property
    def samples(self) -> int:
        return self.n or 1

    @property
    def heat(self) -> float:
        """The temperature to draw at."""
        if self.temperature is None:
            return 1.0
        return self.temperature if self.temperature >= COLDEST else 0.0

    @property
    def counts_in_stream(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage


class TextFormat(Body):
    type: Literal["text"]


class ChatBody(Sampling):
    """``POST /v1/chat/completions``. Messages that end on the assistant's turn give the start of the answer."""

    messages: Turns
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MOST_LIKELIEST)] | None = None
    response_format: TextFormat | None = None
    tools: NoneOfThem | None = None
    functions: NoneOfThem | None = None
    # vLLM's two fields for an answer that is begun: taken where they say what is done here anyway.
    continue_final_message: bool | None = None
    add_generation_prompt: bool | None = None

    @model_validator(mode="after")
    def _fields_agree(self) -> ChatBody:
        begun = self.messages[-1].role == "assistant"
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("top_logprobs needs logprobs: true")
        if self.continue_final_message not in (None, begun):
            raise ValueError("continue_final_message is true where the last message is the assistant's, and only there")
        if self.add_generation_prompt not in (None, not begun):
            raise ValueError("add_generation_prompt is false where the last message is the assistant's, and only there")
        if begun and len(self.messages) == 1:
            raise ValueError("messages hold nothing to answer")
        return self

    @property
    def limit(self) -> int | None:
        return self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens

    @property
    def asked(self) -> tuple[tuple[Message, ...], str]:
        """The turns to answer, and how the answer begins."""
        messages = tuple(turn.message for turn in self.messages)
        if messages[-1].role == "assistant":
            return messages[:-1], messages[-1].content
        return messages, ""

    @property
    def likeliest(self) -> int | None:
        """How many likeliest tokens to give beside each of the answer's; None if no log-probabilities are wanted."""
        return (self.top_logprobs or 0) if self.logprobs else None


class TextBody(Sampling):
    """``POST /v1/completions``: text or tokens to continue, one or several."""

    prompt: str | tuple[str, ...] | tuple[TokenId, ...] | tuple[tuple[TokenId, ...], ...]
    max_tokens: Annotated[int, Field(ge=0)] | None = None
    logprobs: Annotated[int, Field(ge=0, le=MOST_LIKELIEST)] | None = None
    echo: bool | None = None
    best_of: int | None = None
    suffix: Literal[""] | None = None

    @model_validator(mode="after")
    def _fields_agree(self) -> TextBody:
        if self.best_of not in (None, self.samples):
            raise ValueError("best_of can only be n")
        if self.max_tokens == 0 and not self.echo:
            raise ValueError("max_tokens: 0 asks for nothing without echo: true")
        if self.echo and self.stream:
            raise ValueError("echo can't be streamed")
        if not 1 <= len(self.prompts) * self.samples <= MOST_ANSWERS:
            raise ValueError(f"prompts times n have to be 1 to {MOST_ANSWERS}")
        return self

    @property
    def prompts(self) -> tuple[str | tuple[int, ...], ...]:
        """Each prompt, as text or as tokens."""
        if isinstance(self.prompt, str):
            return (self.prompt,)
        if self.prompt and isinstance(self.prompt[0], int):
            return (tuple(token for token in self.prompt if isinstance(token, int)),)
        return tuple(prompt for prompt in self.prompt if not isinstance(prompt, int))

    @property
    def limit(self) -> int:
        return COMPLETION_TOKENS if self.max_tokens is None else self.max_tokens
