"""Policies against each other: a judge compares their answers to the same prompts.

That is CAI §3.3 with the judge in place of crowdworkers. As there, harmlessness is compared on red-team prompts and
helpfulness on helpful ones, each by the principles that the constitution tags so. The judge comes in as a function:
this stage knows no judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from charter.evaluate.elo import elo
from charter.seeds import derive_seed
from charter.types import Answer, Candidate, Comparison, Constitution, Estimate, PreferenceLabel, PromptKind

LabelMatches = Callable[[Sequence[Comparison], Constitution], list[PreferenceLabel]]
"""Labels comparisons by the principles of a constitution, in both orders."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What policies are compared in: by the principles with this tag, on prompts of this kind."""

    name: str
    tag: str
    prompts: PromptKind


AXES = (Axis("harmlessness", "harmless", "red_team"), Axis("helpfulness", "helpful", "helpful"))


def axis_constitution(constitution: Constitution, axis: Axis) -> Constitution | None:
    """The constitution with only the principles that ask about this axis; None where it has none."""
    asked = tuple(
        principle
        for principle in constitution.principles
        if axis.tag in principle.tags and principle.comparison and principle.weight > 0
    )
    return replace(constitution, principles=asked) if asked else None


def pair_up(
    answers: Mapping[str, Sequence[Answer]],
    pairs: Sequence[tuple[str, str]],
    axis: Axis,
    num_prompts: int,
    seed: int,
) -> list[Comparison]:
    """These pairs of policies on the same ``num_prompts`` prompts of the axis's kind, drawn from those all answered.

    ``answers`` is by policy; neither its order nor that of the answers matters.
    """
    by_policy: dict[str, dict[str, Answer]] = {
        policy: {given.prompt.id: given for given in answers[policy] if given.prompt.kind == axis.prompts}
        for policy in sorted(answers)
    }
    if not by_policy:
        return []
    first_policy, *others = by_policy.values()
    shared = [prompt_id for prompt_id in first_policy if all(prompt_id in given for given in others)]
    drawn = sorted(shared, key=lambda prompt_id: derive_seed(seed, "match", axis.name, prompt_id))
    return [
        _comparison(axis, by_policy[first][prompt_id], by_policy[second][prompt_id])
        for prompt_id in drawn[:num_prompts]
        for first, second in pairs
    ]


def play(
    comparisons: Sequence[Comparison], constitution: Constitution, axis: Axis, label: LabelMatches
) -> list[PreferenceLabel]:
    """The matches' labels; none where the constitution has no principle for the axis."""
    asked = axis_constitution(constitution, axis)
    return label(comparisons, asked) if asked is not None and comparisons else []


def ratings(labels: Sequence[PreferenceLabel], seed: int, samples: int) -> dict[str, dict[str, Estimate]]:
    """The policies' Elo on each axis, with intervals from ``samples`` resamplings."""
    by_axis = {axis.name: [label for label in labels if label.id.startswith(_label_start(axis))] for axis in AXES}
    return {name: elo(played, seed, samples) for name, played in by_axis.items()}


def _label_start(axis: Axis) -> str:
    return f"label-match-{axis.name}-"


def _comparison(axis: Axis, first: Answer, second: Answer) -> Comparison:
    return Comparison(
        id=f"match-{axis.name}-{first.policy}-{second.policy}-{first.prompt.id}",
        prompt=first.prompt,
        a=Candidate.of(first.completion, first.policy),
        b=Candidate.of(second.completion, second.policy),
    )
