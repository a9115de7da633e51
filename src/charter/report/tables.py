"""The page's tables, as texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charter.report.charts_policies import policies_of
from charter.report.data import Calibration, ReportData, Table
from charter.report.facts import RunFacts
from charter.report.formats import NONE, duration, interval_of, mean_of, number, percent, whole
from charter.report.labels import LabelFigures
from charter.report.names import (
    HARM,
    HARMLESS_ELO,
    HELPED,
    HELPFUL_ELO,
    METRICS,
    Metric,
    flag_label,
    metric_of,
    policy_label,
)
from charter.report.palette import colour_of
from charter.report.revisions import Hygiene
from charter.report.sketch import Grid
from charter.stage_names import MATCHES, PREFERENCE, PROMPTS, RL, SFT
from charter.types import FLAWS


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of the headline table."""

    mean: str
    interval: str
    n: int
    unusable: int


@dataclass(frozen=True, slots=True)
class Headline:
    """Policies by metrics. ``policies`` are label and colour; a row is its metric and a cell a policy."""

    policies: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Metric, tuple[Cell | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure at a glance: what it was at the start of the method, and what it is at the end, with interval."""

    label: str
    before: str
    after: str
    whose: str
    interval: str


def headline(table: Table) -> Headline:
    """The metrics that the table has, in their order; those that aren't known come last, by name."""
    policies = policies_of(table)
    there = {name for policy in policies for name in table[policy]}
    known = [metric for metric in METRICS if metric.name in there]
    metrics = known + [metric_of(name) for name in sorted(there - {metric.name for metric in METRICS})]
    return Headline(
        tuple((policy_label(policy), colour_of(policy)) for policy in policies),
        tuple((metric, tuple(_cell(metric, table[policy]) for policy in policies)) for metric in metrics),
    )


def tiles(table: Table) -> list[Tile]:
    """The first policy's and the last one's figures, where both have them."""
    policies = policies_of(table)
    if len(policies) < 2:
        return []
    first, last = policies[0], policies[-1]
    names = (HARM, HELPED, "overclaiming", HARMLESS_ELO, HELPFUL_ELO)
    shown = [metric_of(name) for name in names if name in table[first] and name in table[last]]
    whose = f"{policy_label(first)} → {policy_label(last)}"
    return [
        Tile(
            metric.label,
            mean_of(metric, table[first][metric.name]),
            mean_of(metric, table[last][metric.name]),
            whose,
            interval_of(metric, table[last][metric.name]),
        )
        for metric in shown[:4]
    ]


def settings(facts: RunFacts) -> Grid:
    """The recipe's main fields; a run of an earlier version lacks some of them."""
    rows: list[tuple[str, str]] = []
    for label, fields in _SETTINGS:
        said = [f"{name} {_said(facts.settings[path])}".strip() for name, path in fields if path in facts.settings]
        if said:
            rows.append((label, ", ".join(said)))
    return Grid(("Part", "Setting"), tuple(rows))


_SETTINGS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("Policy's start", (("", "models.policy"),)),
    ("Judge", (("", "models.judge"),)),
    ("Prompts from", (("", "prompts.source"),)),
    ("Revision", (("rounds", "revision.rounds"), ("temperature", "revision.temperature"))),
    ("Fine-tuning on", (("revisions:", "sft.revisions"), ("epochs", "sft.epochs"), ("rate", "sft.learning_rate"))),
    ("Comparisons", (("pairs", "comparisons.pairs"), ("temperature", "comparisons.temperature"))),
    (
        "Judging",
        (("order:", "feedback.order"), ("principles a comparison:", "feedback.principles_per_comparison")),
    ),
    ("Preference model", (("epochs", "preference.epochs"), ("held out", "preference.held_out"))),
    (
        "RL",
        (
            ("steps", "rl.steps"),
            ("prompts a step", "rl.prompts_per_step"),
            ("samples a prompt", "rl.samples_per_prompt"),
            ("KL weight", "rl.kl_weight"),
            ("share of the way from the start that is kept", "rl.interpolation"),
            ("rate", "rl.learning_rate"),
        ),
    ),
    ("Evaluation", (("prompts a pair for Elo:", "evaluation.elo_prompts"), ("temperature", "evaluation.temperature"))),
)


def prompt_counts(facts: RunFacts) -> Grid:
    """What stage 1 counted."""
    counts = facts.stages[PROMPTS].counts
    names = {
        "red_team": "red-team, to train on",
        "helpful": "helpful, to train on",
        "evaluation": "held out",
        "skipped": "skipped",
        "duplicates": "duplicates dropped",
        "near_duplicates": "near-duplicates dropped",
        "contaminated": "dropped, as they share words with a held-out one",
    }
    return Grid(("Prompts", "Count"), tuple((names.get(name, name), whole(counts[name])) for name in counts))


def stages(facts: RunFacts) -> Grid:
    """All stages, there or not."""
    rows = tuple(
        (
            stage.name,
            stage.purpose,
            "skipped" if stage.skipped else stage.state,
            whole(stage.parts) if stage.parts else NONE,
            whole(stage.rows) if stage.rows else NONE,
            whole(stage.tokens) if stage.tokens else NONE,
            duration(stage.seconds) if stage.state != "not begun" else NONE,
            stage.digest[:12] or NONE,
        )
        for stage in facts.stages.values()
    )
    return Grid(("Stage", "What it makes", "State", "Parts", "Records", "Tokens", "Time", "Digest"), rows)


def preference(calibration: Calibration, facts: RunFacts) -> Grid:
    """The preference model's labels, and its figures on those held out."""
    accuracy = percent(calibration.accuracy)
    if calibration.accuracy_low is not None and calibration.accuracy_high is not None:
        accuracy += f" ({100 * calibration.accuracy_low:.1f} to {100 * calibration.accuracy_high:.1f})"
    counts = facts.stages[PREFERENCE].counts
    named = {"train": "Labels learnt from", "too_long": "Left out: longer than the model's context"}
    rows = [(named[name], whole(counts[name])) for name in named if name in counts]
    rows += _left_out(counts)
    rows += [
        ("Held-out labels", whole(calibration.n)),
        ("of them not ties", whole(calibration.decided)),
        ("Accuracy: the judge's choice predicted", accuracy),
        ("Expected calibration error", number(calibration.expected_calibration_error)),
        ("Loss (NLL), nats", number(calibration.nll)),
        ("its floor, the judge's own entropy", number(calibration.nll_floor)),
    ]
    return Grid(("Preference model", "Value"), tuple(rows))


def truth(data: ReportData) -> Grid:
    """How far labels and preference model agree with the truth; no rows where there is none."""
    found = data.facts.stages[MATCHES].figures
    return Grid(("Against the truth", "Value"), tuple((name, _figure(value)) for name, value in found.items()))


def label_states(labels: LabelFigures, figures: Mapping[str, Any]) -> Grid:
    """Labels by state, and how far the judge depends on the order."""
    meanings = {
        "labelled": "a preference",
        "tied": "both alike",
        "abstained": "the judge said neither",
        "failed": "could not be read",
    }
    rows = [
        (f"{state}: {meanings[state]}", whole(count), percent(count / labels.labels if labels.labels else None))
        for state, count in labels.states.items()
    ]
    rows.append(("Mean difference of p(A) between the orders", number(labels.mean_inconsistency), ""))
    rows.append(("Labels that moved by one half or more", "", percent(labels.strongly_inconsistent)))
    place = figures.get("position_share")
    rows.append(("Preferred the same place in both orders", "", percent(place if isinstance(place, float) else None)))
    return Grid(("Labels", "Count", "Share"), tuple(rows))


def principles(labels: LabelFigures, facts: RunFacts) -> Grid:
    """How often each principle was drawn, and how it decided."""
    rows = tuple(
        (
            facts.constitution.title(found.principle_id),
            whole(found.drawn),
            percent(found.drawn / labels.labels),
            percent(found.certainty),
            percent(found.near_even / found.answered if found.answered else None),
            percent(found.turned / found.both_orders if found.both_orders else None),
            whole(found.unusable),
        )
        for found in labels.principles
    )
    headers = ("Principle", "Drawn", "Share", "Mean certainty", "Near even", "Turned with the order", "No label")
    return Grid(headers, rows)


def hygiene(found: Hygiene) -> Grid:
    """Flags by round."""
    headers = ("What was found", "Fit to learn from?", *(f"Round {place}" for place in range(1, len(found.rounds) + 1)))
    flags = tuple(
        (
            flag_label(flag),
            "no" if flag in FLAWS else "yes",
            *(whole(given.flags[flag]) for given in found.rounds),
        )
        for flag in found.flags
    )
    totals = (
        ("Revisions", "", *(whole(given.revisions) for given in found.rounds)),
        ("of them unfit", "", *(whole(given.flawed) for given in found.rounds)),
    )
    return Grid(headers, (*totals, *flags))


def left_out(facts: RunFacts) -> Grid:
    """What fine-tuning learnt from, and what it left out and why."""
    counts = facts.stages[SFT].counts
    names = {"examples": "Learnt from", "too_long": "Left out: longer than the model's context"}
    rows = [(names[name], whole(counts[name])) for name in names if name in counts]
    rows += _left_out(counts)
    return Grid(("Fine-tuning's examples", "Count"), tuple(rows))


def reinforcement(facts: RunFacts) -> Grid:
    """The counts of stage 7."""
    names = {
        "prompts": "prompts to draw from",
        "too_long": "prompts left out: too long",
        "answers": "answers sampled",
        "generated_tokens": "tokens sampled",
    }
    counts = facts.stages[RL].counts
    return Grid(("RL", "Count"), tuple((names[name], whole(counts[name])) for name in names if name in counts))


def total_cost(facts: RunFacts) -> str:
    """Time and tokens of all stages."""
    seconds = sum(stage.seconds for stage in facts.stages.values())
    return f"{duration(seconds)} and {whole(sum(stage.tokens for stage in facts.stages.values()))} tokens"


def _cell(metric: Metric, estimates: Mapping[str, Any]) -> Cell | None:
    found = estimates.get(metric.name)
    return found and Cell(mean_of(metric, found), interval_of(metric, found), found.n, found.unusable)


def _left_out(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    opening = "left out, "
    return [
        (f"Left out: {name.removeprefix(opening)}", whole(count))
        for name, count in counts.items()
        if name.startswith(opening) and count
    ]


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return percent(value)
    return NONE if value is None else str(value)


def _said(value: Any) -> str:
    return "the same as the policy's start" if value is None else f"{value}"
