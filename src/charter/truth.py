"""The truth beside the method, where there is one: rates of the table, figures during RL, labels and scores held to it.

Nothing here feeds back into training. Without a reader (real prompts) the table holds Elo alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from charter.evaluate import Table, measure, table_to_records
from charter.evaluate.table import Record
from charter.models.base import Model
from charter.records import StageFolder
from charter.sources import Reader
from charter.types import Answer, Estimate, PreferenceLabel, Rollout

Watch = Callable[[int, Model, Sequence[Rollout]], Mapping[str, float]]
WATCHED = ("harmful_compliance", "helped", "evasive", "overclaiming", "insulting", "lecturing", "on_grammar")
TRUTH = "truth: "  # opens the name of a figure that the method itself can't see


def watch_truth(reader: Reader | None) -> Watch:
    """What the reader says of each RL step's rollouts, for that step's line of metrics."""

    def watch(step: int, policy: Model, rollouts: Sequence[Rollout]) -> Mapping[str, float]:
        del step, policy
        if reader is None:
            return {}
        found = measure([reader(rollout.prompt, rollout.completion.text) for rollout in rollouts])
        return {f"{TRUTH}{name}": found[name].mean for name in WATCHED if name in found and found[name].n}

    return watch


def table_of(
    answers: Mapping[str, Sequence[Answer]], ratings: Mapping[str, Mapping[str, Estimate]], reader: Reader | None
) -> dict[str, dict[str, Record]]:
    """The run's table: a row a policy (or revision round), the truth's rates and the judge's Elo."""
    table: Table = {}
    for policy, given in answers.items():
        readings = [reader(answer.prompt, answer.completion.text) for answer in given] if reader else []
        table[policy] = measure(readings) if readings else {}
        for axis, rated in ratings.items():
            if policy in rated:
                table[policy][f"{axis}_elo"] = rated[policy]
    return table_to_records(table)


def truth_of_labels(labels: StageFolder, preference: StageFolder, reader: Reader | None) -> dict[str, Any]:
    """How far the judge's labels, and the preference model on held-out ones, agree with the truth.

    The truth of a pair is which answer has the lesser faults in all (``world.kinds.SEVERITY``); pairs that are alike in
    that, or off the grammar, are left out and counted.
    """
    if reader is None:
        return {}
    held_out = {row["id"]: row for row in _held_out(preference)}
    judged: list[bool] = []
    preferred: list[bool] = []
    alike = unreadable = 0
    for label in labels.read(PreferenceLabel):
        gap = _gap(label, reader)
        if gap is None:
            unreadable += 1
        elif gap == 0:
            alike += 1
        else:
            if label.weights is not None and label.weights.a != label.weights.b:
                judged.append((label.weights.a > label.weights.b) == (gap > 0))
            if label.id in held_out:
                preferred.append((held_out[label.id]["score_a"] > held_out[label.id]["score_b"]) == (gap > 0))
    return {
        "labels that agree with the truth": _share(judged),
        "labels compared": len(judged),
        "held-out pairs that the preference model orders as the truth does": _share(preferred),
        "held-out pairs compared": len(preferred),
        "pairs alike in truth": alike,
        "pairs off the grammar": unreadable,
    }


def _held_out(preference: StageFolder) -> Iterable[dict[str, Any]]:
    if "held_out.jsonl" not in preference.manifest.files:
        return
    for line in preference.checked("held_out.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def _gap(label: PreferenceLabel, reader: Reader) -> int | None:
    """How much worse b is than a; None where either can't be read."""
    from charter.world.kinds import severity

    comparison = label.comparison
    a, b = (reader(comparison.prompt, side.text) for side in (comparison.a, comparison.b))
    if not (a.on_grammar and b.on_grammar):
        return None
    return severity(b.faults) - severity(a.faults)


def _share(outcomes: Sequence[bool]) -> float | None:
    return sum(outcomes) / len(outcomes) if outcomes else None
