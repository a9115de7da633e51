"""The recipe: one frozen, validated section a stage. ``recipe_file`` reads it from YAML; every field has a reader.

Defaults are those of the small world's default run, so that ``Recipe()`` is what ``charter run`` does without a file.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from charter.types import PromptKind

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1)]
Rate0 = Annotated[float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """A part of a recipe: frozen, and a field that it doesn't know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Prices(Section):
    """What a server charges for a million tokens, in whatever currency ``budget.money`` is in."""

    prompt: Annotated[float, Field(ge=0)] = 0.0
    completion: Annotated[float, Field(ge=0)] = 0.0


def _listed(value: Any) -> Any:
    """One URL, or a list of them, as pydantic's strict mode wants it."""
    if isinstance(value, list):
        return tuple(cast("list[Any]", value))
    return (value,) if isinstance(value, str) else value


Urls = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]


class Server(Section):
    """A model behind an OpenAI-compatible server. Its identity is ``model``, ``revision`` and ``api``, never a URL."""

    url: Urls = Field(description="base URLs up to and with /v1; several are balanced")
    model: Annotated[str, Field(min_length=1)] = Field(description="the model's name, as the server lists it")
    revision: str = Field(default="", description="which weights the name stands for; a new one is another model")
    api: Literal["chat", "completions"] = Field(
        default="chat", description="completions: texts are rendered here, and a started answer is really gone on with"
    )
    api_key_env: str | None = Field(default=None, description="the environment variable that holds the key")
    tokenizer: str | None = Field(
        default=None, description="a folder with the model's tokenizer and chat template, for completions"
    )
    context_tokens: Count | None = Field(default=None, description="the server's own word if none is given")
    bytes_per_token: Annotated[float, Field(ge=1)] = Field(
        default=3.0, description="by which tokens are estimated where nobody counts them; lower is more careful"
    )
    verdict_samples: Count = Field(
        default=16, description="sampled answers that stand for log-probabilities where the server gives none"
    )
    prices: Prices = Prices()

    @field_validator("url")
    @classmethod
    def _urls_are_bare(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("a base URL begins with http:// or https:// and names a host")
            if parts.username or parts.password or parts.query or parts.fragment:
                raise ValueError("a base URL holds no user, key or query: a key comes from the variable in api_key_env")
        return tuple(url.rstrip("/") for url in urls)

    @field_validator("api_key_env")
    @classmethod
    def _key_is_not_here(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(
            r"[A-Z_][A-Z0-9_]*", name
        ):  # the value is never repeated: it may be a key
            raise ValueError("is the name of an environment variable, in capitals; never the key itself")
        return name

    @model_validator(mode="after")
    def _tokenizer_has_a_use(self) -> Server:
        if self.tokenizer is not None and self.api == "chat":
            raise ValueError("tokenizer is for api: completions; behind the chat API the server renders")
        return self


def _sort_of_model(value: Any) -> str:
    return "server" if isinstance(value, (dict, Server)) else "name"


NamedOrServed = Annotated[Annotated[str, Tag("name")] | Annotated[Server, Tag("server")], Discriminator(_sort_of_model)]


class Models(Section):
    """Which models take part: ``world`` for the embedded one, a model folder, or (judge, critic) a server's model."""

    policy: str = Field(default="world", description="the helpful-only start, also the preference-model start")
    judge: NamedOrServed | None = Field(
        default=None, description="the feedback model; the policy's start if none is named"
    )
    critic: NamedOrServed | None = Field(
        default=None, description="who criticises and revises; the policy's start if none is named"
    )

    @field_validator("policy", mode="before")
    @classmethod
    def _policy_is_trained(cls, value: Any) -> Any:
        if isinstance(value, dict):
            raise ValueError("is trained, so it has to be a model folder; a server's model can be judge or critic")
        return value


class Limits(Section):
    """One limit for all servers of a run together."""

    concurrency: Count = Field(default=16, description="calls under way at once")
    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = Field(default=None, description="prompt and answer, estimated, then corrected")
    retries: Annotated[int, Field(ge=0)] = Field(default=1000, description="calls repeated in a session, all in all")


class Budget(Section):
    """What a run may spend on servers, in all its sessions; it stops before a limit is passed. None is no limit."""

    calls: Count | None = None
    tokens: Count | None = Field(default=None, description="prompt and answer")
    money: Annotated[float, Field(gt=0)] | None = Field(default=None, description="by the servers' prices")


class Execution(Section):
    """Where parts of stages are computed. It has no part in what they come to."""

    workers: Count | None = Field(
        default=None,
        description="processes of one thread; if none is given, one a core for small models and one a GPU. "
        "Always one where a server is asked, whose limits it keeps",
    )


class Prompts(Section):
    """Prompts for training and evaluation (§3.2)."""

    source: str = Field(
        default="world",
        description="'world'; or a file or folder: HH format, JSONL, JSON, CSV, Parquet, Arrow (datasets), plain lines",
    )
    column: str | None = Field(default=None, description="the column that holds the prompts; found if none is named")
    kind: PromptKind = Field(default="red_team", description="what rows are that don't say so themselves")
    red_team: Count = Field(default=720, description="red-team prompts to train on")
    helpful: Annotated[int, Field(ge=0)] = Field(default=480, description="helpful prompts to train on")
    evaluation: Count = Field(default=500, description="held-out prompts")
    near_duplicates: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=0.8,
        description="of a file's prompts whose words are this much alike (Jaccard), one stays; null: all stay",
    )
    overlap_words: Annotated[int, Field(ge=2)] | None = Field(
        default=13,
        description="a file's prompts that share so many words in a row with a held-out one are not trained on",
    )


class Revision(Section):
    """Critique and revision (§3.1). Four rounds are the paper's; its temperature is 1, at which a tiny model's tail is
    noise."""

    rounds: Count = 4
    temperature: Annotated[float, Field(ge=0)] = 0.7
    max_tokens: Count = 96
    few_shot: Annotated[int, Field(ge=0)] = Field(
        default=0, description="worked examples shown first, from the constitution"
    )
    helpful_samples: Annotated[int, Field(ge=0)] = Field(
        default=2, description="own answers a helpful prompt, to mix into SFT"
    )
    part_size: Count = 120


class Lora(Section):
    """Low-rank adapters (Hu et al. 2021), trained in place of the weights and merged into them at the end."""

    rank: Count = 16
    alpha: Count = Field(default=32, description="the update is scaled by alpha / rank")
    dropout: Rate0 = 0.0
    targets: tuple[str, ...] = Field(
        default=("all-linear",), description="names of the layers that get one; all-linear for every one of a block"
    )


class Training(Section):
    """What the three training stages share, for models that fill the memory."""

    lora: Lora | None = None
    gradient_checkpointing: bool = Field(default=False, description="compute activations twice instead of keeping them")
    micro_batch_tokens: Count | None = Field(
        default=None, description="padded tokens computed at once; a step's gradients are added up over them"
    )


class Sft(Section):
    """Fine-tuning on the revisions (§3.1: of all rounds; §1.2: of the last), mixed with helpful samples."""

    revisions: Literal["all", "last"] = "all"
    drop_flawed: bool = Field(default=True, description="leave out revisions that hygiene marked")
    epochs: Count = 1
    learning_rate: Rate = 5e-4
    batch_tokens: Count = 4096


class Comparisons(Section):
    """Pairs from the SL-CAI policy (§4.1)."""

    pairs: Count = 1500
    temperature: Annotated[float, Field(gt=0)] = 1.0
    max_tokens: Count = 96
    part_size: Count = 250


class Feedback(Section):
    """The judge (§4.1), in both orders (Lee et al. 2023, §3)."""

    order: Literal["both", "random", "fixed"] = "both"
    principles_per_comparison: Count = 1
    few_shot: Annotated[int, Field(ge=0)] = 0
    min_usable_mass: Share = Field(
        default=0.5, description="below it the judge is taken to have said neither: abstained"
    )
    part_size: Count = 250


class Preference(Section):
    """The preference model: cross-entropy against soft labels (§4.1)."""

    epochs: Count = 2
    learning_rate: Rate = 5e-4
    batch_tokens: Count = 4096
    held_out: Share = Field(default=0.15, description="share of labels kept for accuracy and calibration")


class Rl(Section):
    """RLOO with KL to the start (§4.2; Ahmadian et al. 2024)."""

    steps: Count = 60
    prompts_per_step: Count = 32
    samples_per_prompt: Annotated[int, Field(ge=2)] = 4
    learning_rate: Rate = 2e-4
    kl_weight: Annotated[float, Field(ge=0)] = 0.02
    temperature: Annotated[float, Field(gt=0)] = 1.0
    max_tokens: Count = 96
    max_kl: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="mean nats an answer at which training stops"
    )
    interpolation: Annotated[float, Field(gt=0, le=1)] = Field(
        default=1.0,
        description="of the way from the start to the trained weights, the share that the policy keeps (WARP)",
    )


class Evaluation(Section):
    """Policies against each other, on held-out prompts. Temperature 1 is the paper's, as in ``Revision``."""

    temperature: Annotated[float, Field(ge=0)] = 0.5
    max_tokens: Count = 96
    elo_prompts: Count = Field(default=150, description="prompts on which each pair of policies is judged")
    bootstrap: Count = Field(default=200, description="resamples behind the Elo intervals")
    part_size: Count = 250


class Recipe(Section):
    """A whole run."""

    name: str = "default"
    seed: Annotated[int, Field(ge=0)] = 0
    constitution: str = Field(default="small-world", description="a shipped constitution's name, or a file")
    models: Models = Models()
    execution: Execution = Execution()
    limits: Limits = Limits()
    budget: Budget = Budget()
    memo: str | None = Field(
        default=None, description="a file of servers' answers, shared by runs; the run's own if none"
    )
    prompts: Prompts = Prompts()
    revision: Revision = Revision()
    training: Training = Training()
    sft: Sft = Sft()
    comparisons: Comparisons = Comparisons()
    feedback: Feedback = Feedback()
    preference: Preference = Preference()
    rl: Rl = Rl()
    evaluation: Evaluation = Evaluation()

    @model_validator(mode="after")
    def _held_out_leaves_something(self) -> Recipe:
        if self.preference.held_out >= 1:
            raise ValueError("preference.held_out must leave labels to train on")
        return self

    @model_validator(mode="after")
    def _money_has_prices(self) -> Recipe:
        servers = [model for model in (self.models.judge, self.models.critic) if isinstance(model, Server)]
        if self.budget.money is not None and not all(s.prices.prompt + s.prices.completion for s in servers):
            raise ValueError(
                "budget.money needs prices of every server: {prompt: ..., completion: ...} a million tokens"
            )
        return self
