"""Why does a record say what it says? The walk back from any record of a run to what made it, as a tree.

::

    Answer ── policy rl_cai ─┬─ policy sl_cai ─┬─ 2-revisions ── the chains of the same prompt: principles, critiques
                             │                 └─ policy helpful_only
                             └─ preference model ── 5-labels ── the labels of the same prompt
                                                                  ├─ judgement: principle, verdict, judge
                                                                  └─ comparison
    Rollout ── the same         Label, Comparison, RevisionChain ── from their place on     Prompt ── what came of it

The walk reads records and manifests, and writes nothing.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from charter.digests import digest_of
from charter.errors import RunError
from charter.printable import printable
from charter.records import Run, StageManifest
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
    RL_CAI,
    SFT,
    SL_CAI,
)
from charter.types import (
    Answer,
    Candidate,
    Comparison,
    Constitution,
    Judgement,
    PreferenceLabel,
    Principle,
    Prompt,
    Revision,
    RevisionChain,
    Rollout,
)

ROUND, MATCH = "revision_", "match-"  # how the names of answers after a round, and the ids of matches, begin
Record = Prompt | RevisionChain | Comparison | PreferenceLabel | Rollout | Answer
RECORDS: Mapping[str, type[Record]] = {
    PROMPTS: Prompt,
    REVISIONS: RevisionChain,
    COMPARISONS: Comparison,
    LABELS: PreferenceLabel,
    RL: Rollout,
    EVALUATION: Answer,
    MATCHES: PreferenceLabel,
}
"""What each stage that keeps records keeps, in the method's order."""
NEAREST = 3  # ids that the message for an unknown one names
Facts = Mapping[str, Any]
INPUTS = {"judge": "models.judge", "constitution": "constitution"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Node:
    """One thing, what there is to say of it, and below it what it came from. ``kind`` is a word such as "answer"."""

    kind: str
    name: str
    facts: Facts = field(default_factory=dict[str, Any])
    because: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Sources:
    """What a run's records point to and don't hold.

    ``constitution`` is the run's own; ``models`` the digest of the model that each stage trained, as it lies there now;
    ``drawn(prompt_id, round)`` the principle that a round of revision is by.
    """

    constitution: Constitution
    models: Mapping[str, str]
    drawn: Callable[[str, int], Principle]


def trace(run: Run, sources: Sources, record_id: str) -> Node:
    """The tree above a record.

    A label's comparison may be asked for by its own id, and held-out scores by their label's. Raises ``RunError`` for
    an id that no stage has, with the nearest ones; ``DamageError``.
    """
    return _Walk.of(run, sources, find(run, record_id)).subject()


def find(run: Run, record_id: str) -> Record:
    """The record with that id, from the first stage that has it. Raises ``RunError``, ``DamageError``."""
    known: list[str] = []
    for record in _all_records(run):
        ids = _ids_of(record)
        if record_id in ids:
            return record
        known += ids
    within = [known_id for known_id in known if record_id and record_id in known_id]
    near = dict.fromkeys([*within, *difflib.get_close_matches(record_id, known, n=NEAREST)])
    guess = f"; the nearest: {', '.join(list(near)[:NEAREST])}" if near else ""
    raise RunError(
        f"no record of {run.path} has the id {printable(record_id)!r}{guess}",
        f"Find ids with, for example: charter show {run.path} evaluation",
    )


@dataclass(frozen=True, slots=True)
class _Walk:
    """One walk: the record to explain, and the run's other records of the same prompt."""

    run: Run
    sources: Sources
    record: Record
    siblings: tuple[Record, ...]
    scores: Mapping[str, Facts]

    @classmethod
    def of(cls, run: Run, sources: Sources, record: Record) -> _Walk:
        prompt_id = _prompt_of(record).id
        siblings = tuple(other for other in _all_records(run) if _prompt_of(other).id == prompt_id)
        return cls(run, sources, record, siblings, _held_out_scores(run))

    def subject(self) -> Node:
        """The record itself, explained as far back as the run goes."""
        match self.record:
            case Prompt() as prompt:
                return self._prompt(prompt, led_to=[i for other in self.siblings for i in _ids_of(other)[:1]][1:])
            case RevisionChain() as chain:
                return self._chain(chain, (self._prompt(chain.prompt), self._policy(HELPFUL_ONLY)))
            case Comparison() as comparison:
                return self._comparison(comparison, (self._prompt(comparison.prompt), self._policy(SL_CAI)))
            case PreferenceLabel() as label:
                policies = dict.fromkeys((label.comparison.a.policy, label.comparison.b.policy))
                return self._label(label, (self._prompt(label.comparison.prompt), *map(self._policy, policies)))
            case Rollout() as rollout:
                return self._rollout(rollout)
            case Answer() as answer:
                return self._answer(answer)

    def _answer(self, answer: Answer) -> Node:
        policy = self._policy(answer.policy)
        facts = {
            "text": answer.completion.text,
            "stopped at": answer.completion.stop,
            "model": answer.completion.model,
            "model is the policy's": answer.completion.model == policy.facts.get("model"),
        }
        matches = [
            self._label(label)
            for label in self._siblings(PreferenceLabel)
            if answer.policy in (label.comparison.a.policy, label.comparison.b.policy)
            and label.comparison.id.startswith(MATCH)
        ]
        return Node("answer", answer.id, facts, (self._prompt(answer.prompt), policy, *matches))

    def _rollout(self, rollout: Rollout) -> Node:
        facts = {
            "text": rollout.completion.text,
            **{name: getattr(rollout, name) for name in ("score", "kl", "reward", "advantage")},
        }
        step = Node(
            "policy",
            f"{RL_CAI} after {rollout.step} steps",
            {"model": rollout.completion.model, "made by": RL},
            (self._policy(SL_CAI), self._preference_model()),
        )
        return Node("rollout", rollout.id, facts, (self._prompt(rollout.prompt), step))

    def _policy(self, name: str) -> Node:
        """A policy, the stage that made it, and what that stage learnt from."""
        if name == SL_CAI:
            chains = tuple(self._chain(chain) for chain in self._siblings(RevisionChain))
            because = (self._stage(REVISIONS, chains), self._policy(HELPFUL_ONLY))
            return Node("policy", name, self._trained(SFT), because)
        if name == RL_CAI:
            return Node("policy", name, self._trained(RL), (self._policy(SL_CAI), self._preference_model()))
        start = {"model": self._made_from(PROMPTS, "models.policy"), "made by": "given: the start, models.policy"}
        if name == HELPFUL_ONLY:
            return Node("policy", name, start)
        return Node("policy", name, start, tuple(self._rounds(name)))

    def _rounds(self, name: str) -> Iterator[Node]:
        """The rounds behind answers named like ``revision_2``. Their principles follow from seed, prompt and round."""
        prompt, answers = _prompt_of(self.record), {answer.policy: answer for answer in self._siblings(Answer)}
        for number in range(1, int(name.removeprefix(ROUND)) + 1):
            before, after = answers.get(f"{ROUND}{number - 1}"), answers.get(f"{ROUND}{number}")
            principle = self.sources.drawn(prompt.id, number)
            facts = {
                "principle": principle.text,
                "asked": principle.critique,
                "before": "" if before is None else before.completion.text,
                "after": "" if after is None else after.completion.text,
            }
            yield Node("round", f"{number}, by {principle.id}", facts)

    def _preference_model(self) -> Node:
        labels = [label for label in self._siblings(PreferenceLabel) if not label.comparison.id.startswith(MATCH)]
        because = self._stage(LABELS, tuple(map(self._label, labels)), INPUTS)
        return Node("preference model", PREFERENCE, self._trained(PREFERENCE), (because,))

    def _label(self, label: PreferenceLabel, more: tuple[Node, ...] = ()) -> Node:
        facts = {
            "state": label.state,
            "p(A better)": label.p_a,
            "moved by the order": label.inconsistency,
            **self.scores.get(label.id, {}),
        }
        judged = tuple(self._judgement(judgement) for judgement in label.judgements)
        return Node("label", label.id, facts, (*judged, self._comparison(label.comparison), *more))

    def _judgement(self, judgement: Judgement) -> Node:
        verdict = judgement.verdict
        facts = {
            **self._principle(judgement.principle_id, judgement.principle_digest, "comparison"),
            "shown first": "A" if judgement.order == "ab" else "B",
            **({"no verdict": judgement.failure} if verdict is None else {"A": verdict.a, "B": verdict.b}),
            "judge": judgement.judge,
            "template": judgement.template,
        }
        return Node("judgement", f"by {judgement.principle_id}", facts)

    def _comparison(self, comparison: Comparison, more: tuple[Node, ...] = ()) -> Node:
        facts = {**_side("A", comparison.a), **_side("B", comparison.b)}
        return Node("comparison", comparison.id, facts, more)

    def _chain(self, chain: RevisionChain, more: tuple[Node, ...] = ()) -> Node:
        facts = {"first response": chain.first.text, "model": chain.first.model, "template": chain.template}
        rounds = tuple(self._round(number, made) for number, made in enumerate(chain.revisions, start=1))
        return Node("chain" if rounds else "sample", chain.id, facts, (*rounds, *more))

    def _round(self, number: int, revision: Revision) -> Node:
        facts = {
            **self._principle(revision.principle_id, revision.principle_digest, "critique"),
            "critique": revision.critique.text,
            "revision": revision.response.text,
            **({"hygiene": ", ".join(revision.hygiene)} if revision.hygiene else {}),
        }
        return Node("round", f"{number}, by {revision.principle_id}", facts)

    def _principle(self, principle_id: str, digest: str, form: str) -> Facts:
        """The principle's words, if the run's constitution still has it as it was."""
        for principle in self.sources.constitution.principles:
            if principle.id == principle_id and digest_of(principle) == digest:
                return {"principle": principle.text, "asked": getattr(principle, form)}
        return {"principle": "no longer in the run's constitution as it was", "principle digest": digest}

    def _prompt(self, prompt: Prompt, led_to: list[str] | None = None) -> Node:
        said = "\n\n".join(f"{message.role}: {message.content}" for message in prompt.conversation.messages)
        facts = {"text": said, "kind": prompt.kind, "category": prompt.category, "used for": prompt.split}
        more = {"from": prompt.source, **({} if led_to is None else {"led to": led_to})}
        return Node("prompt", prompt.id, {**facts, **more})

    def _stage(self, name: str, because: tuple[Node, ...], inputs: Mapping[str, str] | None = None) -> Node:
        """A stage, what it counted and was made from; below it, what it holds on the prompt in question."""
        facts: dict[str, Any] = {label: self._made_from(name, source) for label, source in (inputs or {}).items()}
        found = self._manifest(name)
        facts.update({} if found is None else _counted(found))
        return Node("stage", name, {**facts, "records on this prompt": len(because)}, because)

    def _trained(self, name: str) -> Facts:
        """A trained model: its digest, and what its stage counted."""
        found = self._manifest(name)
        if found is None or not found.complete:
            return {"made by": f"{name}, which is not complete"}
        if name not in self.sources.models:
            return {"made by": f"nothing: {name} had nothing to learn from"}
        return {"model": self.sources.models[name], "made by": name, **_counted(found)}

    def _made_from(self, stage: str, source: str) -> str:
        """The digest of an input of a stage, as its manifest has it."""
        found = self._manifest(stage)
        return "" if found is None else found.fingerprint.get(source, "")

    def _manifest(self, name: str) -> StageManifest | None:
        stage = self.run.stage(name)
        return stage.manifest if stage.path.is_dir() else None

    def _siblings(self, kind: type[T]) -> list[T]:
        return [record for record in self.siblings if isinstance(record, kind)]


def _counted(manifest: StageManifest) -> Facts:
    """A stage's counts, but for those of nothing."""
    return {name: count for name, count in manifest.counts.items() if count}


def _side(name: str, side: Candidate) -> Facts:
    return {name: side.text, f"{name} is by": side.policy, f"{name} model": side.model}


def _all_records(run: Run) -> Iterator[Record]:
    """Every record of every stage that was begun, in order."""
    for name, kind in RECORDS.items():
        stage = run.stage(name)
        if stage.path.is_dir():
            yield from stage.read(kind)


def _ids_of(record: Record) -> list[str]:
    return [record.id, record.comparison.id] if isinstance(record, PreferenceLabel) else [record.id]


def _prompt_of(record: Record) -> Prompt:
    if isinstance(record, Prompt):
        return record
    return record.comparison.prompt if isinstance(record, PreferenceLabel) else record.prompt


def _held_out_scores(run: Run) -> dict[str, Facts]:
    """The preference model's scores of labels that it did not learn from, by label."""
    stage = run.stage(PREFERENCE)
    if not stage.path.is_dir() or "held_out.jsonl" not in stage.manifest.files:
        return {}
    rows = map(json.loads, stage.checked("held_out.jsonl").read_text(encoding="utf-8").splitlines())
    return {row["id"]: {"held-out score of A": row["score_a"], "held-out score of B": row["score_b"]} for row in rows}
