"""The nouns of Constitutional AI, frozen, in one place.

How they flow (Bai et al. 2022; section numbers of arXiv 2212.08073)::

    Constitution ── Principle ─────────────┬──────────────────────────┐
                                           │ critique, revision (§3)  │ comparison (§4)
    Prompt ── Completion ── Revision × n ──┴─> RevisionChain ─> SL-CAI│
      │                                                          │    │
      │              two answers at temperature 1 <──────────────┘    │
      └───────────────> Comparison ──> Judgement (Verdict) × orders <─┘
                                           │
                                    PreferenceLabel ──> preference model
                                                               │ reward
                                    Rollout <── RL-CAI <───────┘
    Answer (a policy's reply to an evaluation prompt) ──> Reading (the truth, where there is one) ──> Estimate

Whatever has two sides has ``swap()``; swapping twice is the identity, exactly. A record names what made it: the ids of
the records it came from, and the digests of principle, prompt template and model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Role = Literal["system", "user", "assistant"]
PromptKind = Literal["red_team", "helpful"]
Split = Literal["train", "evaluation"]
StopReason = Literal["end", "length", "stop_text"]
Order = Literal["ab", "ba"]
LabelState = Literal["labelled", "tied", "abstained", "failed"]
TIE_TOLERANCE = 1e-9  # a label whose normalised weights differ by no more than this carries no preference: a tie
# What makes a revision unfit to learn from. Hygiene also records what doesn't: an opener that was taken off, a critique
# cut short, a text left unchanged.
FLAWS = frozenset({"empty", "no_critique", "too_long", "repetition", "truncated", "critique_for_revision"})


@dataclass(frozen=True, slots=True)
class Message:
    """One turn."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns so far, perhaps opened by a system message, ending on the user's side: what a policy is to answer.

    Raises ``ValueError`` if it is empty or ends elsewhere.
    """

    messages: tuple[Message, ...]

    def __post_init__(self) -> None:
        if not self.messages or self.messages[-1].role != "user":
            raise ValueError("a conversation ends on the user's side")

    @classmethod
    def of(cls, text: str) -> Conversation:
        """A single user turn."""
        return cls((Message("user", text),))

    @property
    def last_user_text(self) -> str:
        return self.messages[-1].content

    def answered(self, text: str) -> tuple[Message, ...]:
        """The turns with ``text`` as the assistant's answer."""
        return (*self.messages, Message("assistant", text))


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation to answer, and where it came from. ``category`` is the source's own word for its sort."""

    id: str
    conversation: Conversation
    kind: PromptKind
    category: str
    source: str
    split: Split


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model wrote. ``tokens`` counts generated tokens, ``prompt_tokens`` those it was shown.

    ``thoughts`` is what a thinking model wrote to itself first: kept in the record, and neither judged nor learnt.
    """

    text: str
    tokens: int
    prompt_tokens: int
    stop: StopReason
    model: str
    thoughts: str = ""


@dataclass(frozen=True, slots=True)
class Principle:
    """One rule, in the three forms in which the method asks it (§3.1, §4.1).

    ``critique`` and ``revision`` are the requests of the supervised phase, ``comparison`` the judge's question.
    ``weight`` is its relative chance of being drawn.
    """

    id: str
    title: str
    text: str
    critique: str
    revision: str
    comparison: str
    source: str
    weight: float = 1.0
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RevisionExample:
    """A worked critique and revision that is shown before the real one (§3.1: against point-of-view confusion)."""

    prompt: str
    response: str
    critique_request: str
    critique: str
    revision_request: str
    revision: str


@dataclass(frozen=True, slots=True)
class ComparisonExample:
    """A worked judgement. ``reasoning`` is empty where the letter comes at once (§4.1)."""

    conversation: str
    a: str
    b: str
    better: Literal["a", "b"]
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Constitution:
    """A named, versioned set of principles. ``priorities``: the tags that prevail in a conflict, first first."""

    name: str
    version: str
    preamble: str
    principles: tuple[Principle, ...]
    priorities: tuple[str, ...] = ()
    revision_examples: tuple[RevisionExample, ...] = ()
    comparison_examples: tuple[ComparisonExample, ...] = ()

    def principle(self, principle_id: str) -> Principle:
        """Raises ``KeyError`` for an id that isn't there."""
        for principle in self.principles:
            if principle.id == principle_id:
                return principle
        raise KeyError(principle_id)


@dataclass(frozen=True, slots=True)
class Revision:
    """One round: a principle drawn, the critique by it, the rewritten response, what hygiene found in it."""

    principle_id: str
    principle_digest: str
    critique: Completion
    response: Completion
    hygiene: tuple[str, ...]

    @property
    def flawed(self) -> bool:
        """Whether hygiene found what makes it unfit to learn from."""
        return not FLAWS.isdisjoint(self.hygiene)


@dataclass(frozen=True, slots=True)
class RevisionChain:
    """A prompt's first response and its revisions, oldest first. Round 0 is the first response."""

    id: str
    prompt: Prompt
    first: Completion
    revisions: tuple[Revision, ...]
    template: str
    seed: int

    def response(self, round_index: int) -> Completion:
        """The response after ``round_index`` rounds."""
        return self.first if round_index == 0 else self.revisions[round_index - 1].response


@dataclass(frozen=True, slots=True)
class Candidate:
    """One side of a comparison: a text, the policy that wrote it, and what it took (tokens written, tokens shown)."""

    text: str
    policy: str
    model: str
    tokens: int = 0
    prompt_tokens: int = 0

    @classmethod
    def of(cls, completion: Completion, policy: str) -> Candidate:
        """A policy's completion as a side."""
        return cls(completion.text, policy, completion.model, completion.tokens, completion.prompt_tokens)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two answers to one prompt."""

    id: str
    prompt: Prompt
    a: Candidate
    b: Candidate

    def swap(self) -> Comparison:
        """The same comparison with its sides exchanged."""
        return replace(self, a=self.b, b=self.a)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's weights for the two sides: the probability that it put on each letter.

    Two weights, never one probability, so that ``swap()`` loses nothing. They need not sum to 1: what fell on neither
    letter is not a preference.
    """

    a: float
    b: float

    def swap(self) -> Verdict:
        return Verdict(self.b, self.a)

    @property
    def usable_mass(self) -> float:
        """The share of the judge's probability that was an answer at all."""
        return self.a + self.b

    @property
    def p_a(self) -> float:
        """Normalised probability that A is better (§4.1). Raises ``ZeroDivisionError`` without usable mass."""
        return self.a / (self.a + self.b)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One question to a judge. ``verdict`` is stated for the comparison's own a and b, whatever order was shown.

    Without a verdict, ``failure`` says why; with one it is empty.
    """

    principle_id: str
    principle_digest: str
    order: Order
    verdict: Verdict | None
    failure: str
    reasoning: str
    judge: str
    template: str
    prompt_tokens: int

    def swap(self) -> Judgement:
        """The judgement of the swapped comparison."""
        return replace(
            self,
            order="ba" if self.order == "ab" else "ab",
            verdict=None if self.verdict is None else self.verdict.swap(),
        )


@dataclass(frozen=True, slots=True)
class PreferenceLabel:
    """What the judgements of one comparison come to.

    ``weights`` is their mean verdict, normalised to sum to 1; None unless ``state`` is labelled or tied. Abstained (the
    judge said neither), tied (it said both alike) and failed (it could not be read) are three different things.
    """

    id: str
    comparison: Comparison
    judgements: tuple[Judgement, ...]
    state: LabelState
    weights: Verdict | None

    def swap(self) -> PreferenceLabel:
        return replace(
            self,
            comparison=self.comparison.swap(),
            judgements=tuple(judgement.swap() for judgement in self.judgements),
            weights=None if self.weights is None else self.weights.swap(),
        )

    @property
    def p_a(self) -> float | None:
        """The soft target of the preference model."""
        return None if self.weights is None else self.weights.p_a

    @property
    def inconsistency(self) -> float | None:
        """How far p_a moves with the order shown: the largest difference between two judgements by one principle."""
        by_principle: dict[str, list[float]] = {}
        for judgement in self.judgements:
            if judgement.verdict is not None and judgement.verdict.usable_mass > 0:
                by_principle.setdefault(judgement.principle_id, []).append(judgement.verdict.p_a)
        gaps = [max(values) - min(values) for values in by_principle.values() if len(values) > 1]
        return max(gaps) if gaps else None


@dataclass(frozen=True, slots=True)
class Rollout:
    """One sampled answer during RL and what it earned.

    ``score`` is the preference model's, ``kl`` the summed log-ratio to the reference model in nats, ``reward`` the
    score less the weighted KL, ``advantage`` what the gradient was multiplied by.
    """

    id: str
    step: int
    prompt: Prompt
    completion: Completion
    score: float
    kl: float
    reward: float
    advantage: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A policy's answer to an evaluation prompt."""

    id: str
    policy: str
    prompt: Prompt
    completion: Completion


@dataclass(frozen=True, slots=True)
class Reading:
    """What the ground truth says of one answer. Unless ``on_grammar``, the text could not be read: unusable, not zero.

    ``kind`` is the truth's word for the request; ``faults`` and ``merits`` are attribute names such as "insults".
    """

    on_grammar: bool
    kind: str
    domain: str
    faults: tuple[str, ...]
    merits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with a 95 % interval. ``n`` counts what entered it, ``unusable`` what could not."""

    mean: float
    low: float
    high: float
    n: int
    unusable: int = 0


@dataclass(frozen=True, slots=True)
class SkippedPrompt:
    """A prompt that was left out, and why: longer than the model's context, no user turn."""

    id: str
    source: str
    reason: str
