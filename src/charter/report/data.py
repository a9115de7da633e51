"""A run, read for its report: everything that the page shows, and nothing else.

Records are streamed once each. What isn't there yet is None or empty; what is damaged raises ``DamageError``, so that
no figure of a report comes from a file that isn't what was written.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from charter.errors import RunError
from charter.records import Run, StageFolder
from charter.report.examples import SideBySide, chain_picker, pick_prompts, side_by_side
from charter.report.facts import RunFacts, is_begun, read_facts
from charter.report.files import CALIBRATION, TABLE, Number, read_json, read_metrics
from charter.report.labels import LabelFigures, add_up
from charter.report.revisions import Hygiene
from charter.stage_names import (
    COMPARISONS,
    EVALUATION,
    HELPFUL_ONLY,
    LABELS,
    MATCHES,
    PREFERENCE,
    PROMPTS,
    REVISIONS,
    RL,
    SL_CAI,
)
from charter.types import Answer, Comparison, Estimate, PreferenceLabel, Prompt, RevisionChain

Table = Mapping[str, Mapping[str, Estimate]]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True)
    mean: Number | None
    low: Number
    high: Number
    n: int
    unusable: int


class ReliabilityBin(BaseModel):
    """A point of the preference model's reliability curve, as stage 6 records it."""

    model_config = ConfigDict(frozen=True)
    low: Number
    high: Number
    n: int
    predicted: Number
    judged: Number
    judged_low: Number
    judged_high: Number


class Calibration(BaseModel):
    """What stage 6 found on held-out labels; None where no label could give a figure."""

    model_config = ConfigDict(frozen=True)
    n: int
    decided: int
    accuracy: Number | None
    accuracy_low: Number | None
    accuracy_high: Number | None
    nll: Number | None
    nll_floor: Number | None
    expected_calibration_error: Number | None
    curve: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True)
class ReportData:
    """All that a report shows. ``models`` are the digests of the models by their part in the run."""

    facts: RunFacts
    models: Mapping[str, str]
    table: Table
    calibration: Calibration | None
    rl: tuple[Mapping[str, float], ...]
    labels: LabelFigures | None
    hygiene: Hygiene | None
    chains: tuple[RevisionChain, ...]
    answers: tuple[SideBySide, ...]


def read_report(run: Run) -> ReportData:
    """Raises ``DamageError`` for a damaged file, ``RunError`` for one of a newer version."""
    facts = read_facts(run)
    hygiene, chains = _revisions(_begun(run, REVISIONS))
    labels = _begun(run, LABELS)
    preference = _begun(run, PREFERENCE)
    rl = _begun(run, RL)
    answers, digests = _answers(run)
    return ReportData(
        facts=facts,
        models={**_models(run, facts), **digests},
        table=read_table(run),
        calibration=read_json(preference, CALIBRATION, Calibration) if preference else None,
        rl=tuple(read_metrics(rl)) if rl else (),
        labels=add_up(labels.read(PreferenceLabel)) if labels else None,
        hygiene=hygiene,
        chains=chains,
        answers=answers,
    )


def read_table(run: Run, required: bool = False) -> Table:
    """The run's table, ``{policy: {metric: Estimate}}``; empty while it isn't made.

    Raises ``RunError`` instead of giving an empty one if it is ``required``, ``DamageError`` for a damaged one.
    """
    stage = _begun(run, MATCHES)
    rows: dict[str, dict[str, _Row]] | None = read_json(stage, TABLE, dict[str, dict[str, _Row]]) if stage else None
    if not rows and required:
        raise RunError(f"{run.path} has no table yet", "Finish the run first: give the same command again.")
    return {
        policy: {
            name: Estimate(math.nan if row.mean is None else row.mean, row.low, row.high, row.n, row.unusable)
            for name, row in metrics.items()
        }
        for policy, metrics in (rows or {}).items()
    }


def _begun(run: Run, name: str) -> StageFolder | None:
    stage = run.stage(name)
    return stage if is_begun(stage) else None


def _revisions(stage: StageFolder | None) -> tuple[Hygiene | None, tuple[RevisionChain, ...]]:
    if stage is None:
        return None, ()
    hygiene, picker = Hygiene(), chain_picker()
    for chain in stage.read(RevisionChain):
        hygiene.add(chain)
        if chain.revisions:
            picker.add(chain)
    return hygiene, picker.picked()


def _answers(run: Run) -> tuple[tuple[SideBySide, ...], dict[str, str]]:
    """Prompts answered side by side, and the digest of the model that answered, by policy."""
    stage, prompts = _begun(run, EVALUATION), _begun(run, PROMPTS)
    if stage is None or prompts is None:
        return (), {}
    shown = side_by_side(pick_prompts(prompts.read(Prompt)), stage.read(Answer))
    return shown, {policy: given.model for found in shown for policy, given in found.answers.items()}


def _models(run: Run, facts: RunFacts) -> dict[str, str]:
    """The digests of the models as manifests and records name them."""
    comparisons = _begun(run, COMPARISONS)
    compared = next(comparisons.read(Comparison), None) if comparisons else None
    digests = {
        HELPFUL_ONLY: facts.stages[REVISIONS].fingerprint.get("models.policy"),
        "judge": facts.stages[LABELS].fingerprint.get("models.judge"),
        SL_CAI: compared.a.model if compared else None,
        "preference model's weights": facts.stages[PREFERENCE].files.get("model/model.safetensors"),
    }
    return {name: digest for name, digest in digests.items() if digest}
