"""A run, read for export: its comparisons with the judge's probability, and what the SL-CAI policy learnt from.

Records are streamed, and what is left out is counted in the ``Tally`` that its reader is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from charter.errors import DamageError, RunError
from charter.recipe import Recipe
from charter.recipe_file import parse_recipe
from charter.records import Run, StageFolder
from charter.records.run import RECIPE
from charter.records.sealed import damage
from charter.stage_names import LABELS, REVISIONS
from charter.types import Conversation, PreferenceLabel, Prompt, Revision, RevisionChain
from charter.yaml_file import parse_document

T = TypeVar("T")
Tally = Counter[str]  # how many of what was exported, and of what was left out, in words


class PrincipleWords(BaseModel):
    """A principle as the run's constitution gives it."""

    model_config = ConfigDict(frozen=True)
    id: str
    text: str = ""
    critique: str = ""
    revision: str = ""


class ConstitutionWords(BaseModel):
    """Of a run's constitution, what an export says."""

    model_config = ConfigDict(frozen=True)
    name: str
    version: str
    principles: tuple[PrincipleWords, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """A comparison, the better answer first. ``probability`` is the judge's that it is the better: 0.5 or more.

    A tie has 0.5, and its answers in the order in which they were compared.
    """

    label: PreferenceLabel
    chosen: str
    rejected: str
    probability: float
    tied: bool

    @property
    def id(self) -> str:
        return self.label.id

    @property
    def prompt(self) -> Prompt:
        return self.label.comparison.prompt


@dataclass(frozen=True, slots=True)
class Example:
    """A conversation and the answer to learn: a revision, or a helpful sample."""

    id: str
    prompt: Prompt
    answer: str
    source: str

    @property
    def conversation(self) -> Conversation:
        return self.prompt.conversation


@dataclass(frozen=True, slots=True)
class Source:
    """A run and what its folder says of it."""

    run: Run
    recipe: Recipe
    constitution: ConstitutionWords

    @classmethod
    def of(cls, run: Run) -> Source:
        """Raises ``DamageError`` for a recipe or a constitution that was changed."""
        recipe = parse_recipe(run.recipe_yaml, str(run.path / RECIPE))
        data = parse_document(run.constitution_yaml, "constitution.yaml", DamageError).data
        try:
            return cls(run, recipe, ConstitutionWords.model_validate(data or {}))
        except ValidationError as error:
            raise damage(run.path / "constitution.yaml", "does not hold a constitution") from error

    @property
    def has_labels(self) -> bool:
        return _is_complete(self.run.stage(LABELS))

    @property
    def has_revisions(self) -> bool:
        return _is_complete(self.run.stage(REVISIONS))

    def require(self, stage: str) -> None:
        """Raises ``RunError`` unless the stage is complete."""
        if not _is_complete(self.run.stage(stage)):
            raise RunError(
                f"{self.run.path} has no complete stage {stage}, which this export is made of",
                "Finish the run first, or export to another form.",
            )

    def labels(self) -> Iterator[PreferenceLabel]:
        return self.run.stage(LABELS).read(PreferenceLabel)

    def pairs(self, tally: Tally) -> Iterator[Pair]:
        """The comparisons that have a label. Those whose judge abstained or could not be read are left out."""
        for label in self.labels():
            if label.weights is None:
                tally[f"pairs left out: {label.state}"] += 1
                continue
            tally["pairs"] += 1
            tally["pairs tied, probability 0.5"] += label.state == "tied"
            tally["pairs of two equal texts"] += label.comparison.a.text == label.comparison.b.text
            yield _pair(label)

    def revisions(self, tally: Tally) -> Iterator[tuple[RevisionChain, int]]:
        """Chains with the rounds, from 1, that SL-CAI learns from by the recipe: of all rounds, or the last.

        Flawed revisions are left out where the recipe leaves them out, unless none would be left (as in stage 3).
        """
        drop = self.recipe.sft.drop_flawed and any(
            not _unfit(chain.revisions[index - 1]) for chain, index in self._rounds()
        )
        for chain, index in self._rounds():
            revision = chain.revisions[index - 1]
            if (drop and revision.flawed) or not revision.response.text.strip():
                tally["revisions left out: flawed or empty"] += 1
                continue
            tally["revisions"] += 1
            yield chain, index

    def examples(self, tally: Tally) -> Iterator[Example]:
        """What the SL-CAI policy learns from: the revisions, then the helpful samples that weren't cut off."""
        for chain, index in self.revisions(tally):
            yield Example(f"{chain.id}/{index}", chain.prompt, chain.response(index).text, "revision")
        for chain in self._chains():
            if chain.revisions:
                continue
            if chain.first.stop == "length" or not chain.first.text.strip():
                tally["helpful samples left out: cut off or empty"] += 1
                continue
            tally["helpful samples"] += 1
            yield Example(f"{chain.id}/0", chain.prompt, chain.first.text, "helpful")

    def _chains(self) -> Iterator[RevisionChain]:
        return self.run.stage(REVISIONS).read(RevisionChain)

    def _rounds(self) -> Iterator[tuple[RevisionChain, int]]:
        for chain in self._chains():
            rounds = range(1, len(chain.revisions) + 1)
            for index in rounds if self.recipe.sft.revisions == "all" else rounds[-1:]:
                yield chain, index


def principle_words(source: Source) -> Mapping[str, PrincipleWords]:
    """The constitution's principles by their ids."""
    return {principle.id: principle for principle in source.constitution.principles}


def _pair(label: PreferenceLabel) -> Pair:
    tied = label.state == "tied"
    better = label if tied or (label.p_a or 0.0) >= 0.5 else label.swap()
    probability = 0.5 if tied else better.p_a or 0.5
    return Pair(label, better.comparison.a.text, better.comparison.b.text, probability, tied)


def _unfit(revision: Revision) -> bool:
    return revision.flawed or not revision.response.text.strip()


def _is_complete(stage: StageFolder) -> bool:
    return stage.path.is_dir() and stage.manifest.complete
