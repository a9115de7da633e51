"""What a run says of itself before any record is read: recipe, constitution, stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from charter.errors import DamageError
from charter.records import Run, StageFolder, run_digest
from charter.records.disk import files_under, is_temporary
from charter.records.journal import Journal
from charter.records.sealed import damage
from charter.report.files import FIGURES, Figures, read_json
from charter.report.names import STAGES
from charter.yaml_file import parse_document

StageState = Literal["complete", "unfinished", "not begun"]


@dataclass(frozen=True, slots=True)
class StageFacts:
    """One stage. ``rows`` counts its committed records; of an unfinished one, ``counts`` and ``files`` are empty."""

    name: str
    purpose: str
    state: StageState
    parts: int = 0
    rows: int = 0
    tokens: int = 0
    seconds: float = 0.0
    digest: str = ""
    fingerprint: Mapping[str, str] = field(default_factory=dict[str, str])
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    figures: Figures = field(default_factory=Figures)

    @property
    def skipped(self) -> str:
        """Why a complete stage had nothing to do; empty if it did something."""
        why = self.figures.get("skipped")
        return why if isinstance(why, str) else ""


class PrincipleFacts(BaseModel):
    """A principle as the page shows it."""

    model_config = ConfigDict(frozen=True)
    id: str
    title: str = ""
    text: str = ""
    source: str = ""
    weight: float = 1.0


class ConstitutionFacts(BaseModel):
    """A constitution likewise; what else its file holds is left to the file."""

    model_config = ConfigDict(frozen=True)
    name: str = ""
    version: str = ""
    principles: tuple[PrincipleFacts, ...] = ()

    def title(self, principle_id: str) -> str:
        """A principle's title, or its id where it has none."""
        found = next((principle.title for principle in self.principles if principle.id == principle_id), "")
        return found or principle_id


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run. ``settings`` are the recipe's fields by dotted name: ``{"rl.steps": 60}``."""

    charter: str
    seed: int
    digest: str
    recipe_yaml: str
    settings: Mapping[str, Any]
    constitution: ConstitutionFacts
    stages: Mapping[str, StageFacts]

    @property
    def missing(self) -> tuple[StageFacts, ...]:
        """The stages of the method that aren't complete."""
        return tuple(stage for stage in self.stages.values() if stage.state != "complete")

    @property
    def skipped(self) -> tuple[StageFacts, ...]:
        """The stages that are complete without having done anything."""
        return tuple(stage for stage in self.stages.values() if stage.skipped)


def read_facts(run: Run) -> RunFacts:
    """Raises ``DamageError`` for a text or manifest that isn't as it was written."""
    recipe = parse_document(run.recipe_yaml, "recipe.yaml", DamageError).data
    names = sorted({*STAGES, *(stage.name for stage in run.stages())}, key=_place)
    return RunFacts(
        charter=run.manifest.charter,
        seed=run.manifest.seed,
        digest=run_digest(run),
        recipe_yaml=run.recipe_yaml,
        settings=dict(_leaves(recipe, "")),
        constitution=_constitution(run),
        stages={name: stage_facts(run.stage(name)) for name in names},
    )


def stage_facts(stage: StageFolder) -> StageFacts:
    """Raises ``DamageError`` for a folder with files and without a manifest, or with a damaged one."""
    purpose = STAGES.get(stage.name, "")
    if not is_begun(stage):
        return StageFacts(stage.name, purpose, "not begun")
    manifest = stage.manifest
    entries = manifest.parts if manifest.complete else tuple(Journal(stage.path).entries.values())
    return StageFacts(
        name=stage.name,
        purpose=purpose,
        state="complete" if manifest.complete else "unfinished",
        parts=len(entries),
        rows=sum(entry.rows for entry in entries),
        tokens=manifest.tokens,
        seconds=manifest.seconds if manifest.complete else manifest.seconds + sum(entry.seconds for entry in entries),
        digest=manifest.digest if manifest.complete else "",
        fingerprint=manifest.fingerprint,
        counts=manifest.counts,
        files=manifest.files,
        figures=(read_json(stage, FIGURES, Figures) if manifest.complete else None) or {},
    )


def is_begun(stage: StageFolder) -> bool:
    """Whether the stage's folder holds anything but what a killed process left of its first file."""
    return stage.path.is_dir() and any(not is_temporary(name) for name in files_under(stage.path))


def _place(stage: str) -> tuple[int, str]:
    return int(stage.partition("-")[0]), stage


def _constitution(run: Run) -> ConstitutionFacts:
    data = parse_document(run.constitution_yaml, "constitution.yaml", DamageError).data
    try:
        return ConstitutionFacts.model_validate(data or {})
    except ValidationError as error:
        raise damage(run.path / "constitution.yaml", "does not hold a constitution") from error


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}" if name else str(key))
    else:
        yield name, value
