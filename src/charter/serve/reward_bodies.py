"""The bodies of requests for rewards: Charter's own form, and those that OpenRLHF and verl send.

OpenRLHF (``openrlhf/utils/agent.py``, ``remote_rm_utils.py``; its own server answers at ``/get_reward``) posts rendered
texts with their prompts and labels. verl (``verl/experimental/reward_loop/reward_loop.py``) posts one rendered text at
a time to what it takes for vLLM's ``/classify`` or SGLang's ``/v1/embeddings``, with the model's path as its name.
Those programs add fields from version to version; what isn't read here is taken and ignored.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from charter.serve.bodies import Body, Turns

MOST_CONVERSATIONS = 4096


class ScoreBody(Body):
    """``POST /score``: conversations that end with the assistant's answer."""

    conversations: Annotated[tuple[Turns, ...], Field(min_length=1, max_length=MOST_CONVERSATIONS)]


class QueryBody(Body):
    """OpenRLHF's request. ``prompts`` came later than ``query``; old versions send one text, not a list."""

    model_config = ConfigDict(extra="ignore")

    query: str | Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_CONVERSATIONS)]
    prompts: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _a_prompt_each(self) -> QueryBody:
        if self.prompts is not None and len(self.prompts) != len(self.texts):
            raise ValueError(f"prompts are {len(self.prompts)}, but query holds {len(self.texts)}")
        return self

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.query,) if isinstance(self.query, str) else self.query

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Each text with its prompt, empty where none was sent."""
        prompts = self.prompts or ("",) * len(self.texts)
        return list(zip(self.texts, prompts, strict=True))


class InputBody(Body):
    """verl's request: one rendered text, or several."""

    model_config = ConfigDict(extra="ignore")

    model: str = ""
    input: str | Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_CONVERSATIONS)]

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.input,) if isinstance(self.input, str) else self.input
