"""Constitutional AI, whole (Bai et al. 2022), in the order in which it happens.

::

    1-prompts       red-team and helpful prompts, some held out                                      §3.2
    2-revisions     response -> critique by a drawn principle -> revision, several rounds            §3.1
    3-sft           fine-tuning on the revisions and on helpful samples: the SL-CAI policy           §3.1
    4-comparisons   two answers of the SL-CAI policy to each prompt                                  §4.1
    5-labels        a judge's preference between them by a drawn principle, as a probability         §4.1
    6-preference    the preference model, trained on those soft labels                               §4.1
    7-rl            reinforcement learning against the preference model: the RL-CAI policy           §4.2
    8-evaluation    every policy's answers to held-out prompts, and the answers after each revision  §3.3
    8-matches       the policies against each other before the judge, and the table of it all        §3.3

A stage reads the stages before it from disk and writes its own folder, part by part. It is skipped if it is complete,
resumed if it is not, and refused if it was made from something else. ``docs/method.md`` lists where this departs from
the paper. Heavy imports stand inside the stages, so that a finished run is found finished at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charter.errors import InvariantError
from charter.executor import Opener, Parts
from charter.job import Job, Outcome, made_by
from charter.models.folder import ModelFolder
from charter.progress import NobodyWatches, Watcher
from charter.recipe import Recipe
from charter.records import Run, StageFolder
from charter.records.disk import write_durably
from charter.sources import made_from_source, reader_of, require_both_sides, source_prompts
from charter.stage_names import (
    COMPARISONS,
    EVALUATION,
    HELPFUL_ONLY,
    LABELS,
    MATCHES,
    POLICIES,
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
    Comparison,
    Constitution,
    PreferenceLabel,
    Prompt,
    PromptKind,
    RevisionChain,
    Rollout,
    Split,
)

if TYPE_CHECKING:
    from charter.feedback import LogprobJudge


def run(recipe: Recipe, path: Path, watcher: Watcher | None = None) -> Run:
    """Runs the method by a recipe into the folder ``path``, or goes on with what is there. Raises ``UserError``s."""
    job = Job.take_up(recipe, path, watcher or NobodyWatches())
    if not all(map(job.is_complete, STAGES)):
        job.reach_servers()
    for stage in STAGES.values():
        stage(job)
    return job.run


def make_prompts(job: Job) -> StageFolder:
    """Stage 1: the prompts, those that the model has room to answer."""

    def work(stage: StageFolder) -> Outcome:
        from charter.prompts import within_context

        found = source_prompts(job.recipe.prompts, job.seed)
        model, answer = job.load(job.start), job.recipe.revision.max_tokens
        prompts, too_long = within_context(found.prompts, model.count_tokens, model.context_tokens, answer)
        require_both_sides(prompts)
        if not stage.has_part(0):
            stage.write_part(0, prompts)
        left_out = [asdict(skipped) for skipped in (*found.left_out, *too_long)]
        write_durably(stage.path / "skipped.json", (json.dumps(left_out, indent=2) + "\n").encode())
        counts = {
            "red_team": sum(p.kind == "red_team" and p.split == "train" for p in prompts),
            "helpful": sum(p.kind == "helpful" and p.split == "train" for p in prompts),
            "evaluation": sum(p.split == "evaluation" for p in prompts),
            "skipped": found.num_skipped + len(too_long),
            **found.counts,
        }
        return Outcome(counts, 0, ["skipped.json"])

    made_from = {
        **made_from_source(job.recipe.prompts),
        "models.policy": job.start,
        "recipe.revision.max_tokens": job.recipe.revision.max_tokens,
    }
    return job.stage(PROMPTS, made_from, work)


def revise(job: Job) -> StageFolder:
    """Stage 2: red-team prompts are answered, criticised and revised; helpful ones are answered, and that is all."""
    from charter.revision import count_hygiene, template_digest, worked_examples

    settings = job.recipe.revision

    def work(stage: StageFolder) -> Outcome:
        _compute(job, stage, "prompts")
        counts = count_hygiene(stage.read(RevisionChain))
        return Outcome(counts, counts["tokens"] + counts["prompt_tokens"])

    made_from = {
        "1-prompts": job.run.stage(PROMPTS),
        "recipe.revision": settings,
        "constitution": job.constitution,
        "models.policy": job.start,
        "templates": template_digest(worked_examples(job.constitution, settings.few_shot)),
        **_made_by_critic(job),
    }
    return job.stage(REVISIONS, made_from, work)


def revision_parts(job: Job) -> Parts[Any]:
    """Its items: each red-team prompt once, each helpful one as often as it is sampled, with the sample's number."""
    from charter.revision import revise
    from charter.revision.samples import sample

    settings = job.recipe.revision
    red_team = [(prompt, -1) for prompt in _prompts(job, "train", "red_team")]
    helpful = [(p, number) for p in _prompts(job, "train", "helpful") for number in range(settings.helpful_samples)]

    def part(_: int, items: Sequence[tuple[Prompt, int]]) -> list[RevisionChain]:
        model, critic = job.load(job.start), job.critic and job.load(job.critic)
        attacked = [prompt for prompt, number in items if number < 0]
        asked = [(prompt, number) for prompt, number in items if number >= 0]
        chains = revise(attacked, job.constitution, model, settings, job.seed, critic) if attacked else []
        return [*chains, *sample(asked, model, settings, job.seed)]

    return Parts([*red_team, *helpful], settings.part_size, part)


def fine_tune(job: Job) -> StageFolder:
    """Stage 3: the start learns its own revised answers. The result is the SL-CAI policy."""

    def work(stage: StageFolder) -> Outcome:
        from charter.sft import fine_tune as train
        from charter.sft import sft_data

        chains = list(job.run.stage(REVISIONS).read(RevisionChain))
        samples = [(chain.prompt, chain.first) for chain in chains if not chain.revisions]
        data = sft_data([chain for chain in chains if chain.revisions], samples, job.recipe.sft)
        found = train(job.start.path, data.examples, job.recipe.sft, job.training(stage))
        left_out = {f"left out, {why}": n for why, n in data.left_out.items()}
        return _trained(stage, {**found, **left_out, "flawed revisions kept, as no others were left": data.lenient})

    made_from = {
        "2-revisions": job.run.stage(REVISIONS),
        "recipe.sft": job.recipe.sft,
        "recipe.training": job.recipe.training,
        "models.policy": job.start,
    }
    return job.stage(SFT, made_from, work)


def compare(job: Job) -> StageFolder:
    """Stage 4: the SL-CAI policy answers each prompt twice."""

    def work(stage: StageFolder) -> Outcome:
        _compute(job, stage, "pairs")
        pairs = alike = tokens = 0
        for comparison in stage.read(Comparison):
            pairs += 1
            alike += comparison.a.text == comparison.b.text
            tokens += sum(side.tokens + side.prompt_tokens for side in (comparison.a, comparison.b))
        return Outcome({"pairs": pairs, "alike": alike, "tokens": tokens}, tokens)

    made_from = {
        "1-prompts": job.run.stage(PROMPTS),
        "3-sft": job.run.stage(SFT),
        "recipe.comparisons": job.recipe.comparisons,
    }
    return job.stage(COMPARISONS, made_from, work)


def comparison_parts(job: Job) -> Parts[Any]:
    """Its items: prompts, each with the number of its pair."""
    from charter.feedback.pairs import plan_pairs, sample_pairs

    settings, policy = job.recipe.comparisons, _required(job, SFT)

    def part(_: int, items: Sequence[tuple[Prompt, int]]) -> list[Comparison]:
        return sample_pairs(items, SL_CAI, job.load(policy), settings, job.seed)

    return Parts(plan_pairs(_prompts(job, "train"), settings.pairs, job.seed), settings.part_size, part)


def label(job: Job) -> StageFolder:
    """Stage 5: the judge says how likely each answer is the better one, by a principle of the constitution."""
    from charter.feedback import count_labels, label_rates, template_digest, worked_judgements

    settings = job.recipe.feedback

    def work(stage: StageFolder) -> Outcome:
        _compute(job, stage, "pairs")
        sums = count_labels(stage.read(PreferenceLabel))
        counts = {name: int(value) for name, value in sums.items() if name != "inconsistency_sum"}
        return Outcome(counts, counts["prompt_tokens"], figures=label_rates(sums))

    made_from = {
        "4-comparisons": job.run.stage(COMPARISONS),
        "recipe.feedback": settings,
        "constitution": job.constitution,
        **made_by("models.judge", job.judge),
        "templates": template_digest(worked_judgements(job.constitution, settings.few_shot, job.seed)),
    }
    return job.stage(LABELS, made_from, work)


def label_parts(job: Job) -> Parts[Any]:
    """Its items: the pairs."""
    from charter.feedback import label

    settings = job.recipe.feedback

    def part(_: int, items: Sequence[Comparison]) -> list[PreferenceLabel]:
        return label(items, job.constitution, _judge(job), settings, job.seed)

    return Parts(list(job.run.stage(COMPARISONS).read(Comparison)), settings.part_size, part)


def train_preference_model(job: Job) -> StageFolder:
    """Stage 6: a model learns to predict the judge's probabilities."""

    def work(stage: StageFolder) -> Outcome:
        from charter.preference import train_preference_model as train

        labels = list(job.run.stage(LABELS).read(PreferenceLabel))
        if all(label.p_a is None for label in labels):
            return _skipped(f"the judge gave no usable label for any of {len(labels)} pairs")
        found = train(job.start.path, labels, job.recipe.preference, job.training(stage))
        left_out = {f"left out, {state}": n for state, n in found.pop("left_out").items()}
        return _trained(stage, {**found, **left_out}, "held_out.jsonl", "calibration.json")

    made_from = {
        "5-labels": job.run.stage(LABELS),
        "recipe.preference": job.recipe.preference,
        "recipe.training": job.recipe.training,
        "models.policy": job.start,
    }
    return job.stage(PREFERENCE, made_from, work)


def reinforce(job: Job) -> StageFolder:
    """Stage 7: the SL-CAI policy learns to write what the preference model prefers. The result is the RL-CAI policy."""

    def work(stage: StageFolder) -> Outcome:
        from charter.preference import PreferenceScorer
        from charter.rl import Observer
        from charter.rl import reinforce as train
        from charter.truth import watch_truth

        if job.trained(PREFERENCE) is None:
            return _skipped("there is no preference model")

        def record(step: int, rollouts: Sequence[Rollout]) -> None:
            if not stage.has_part(step):  # a resumed run repeats the steps since its checkpoint, to the same bytes
                stage.write_part(step, rollouts)

        scorer = PreferenceScorer.load(_required(job, PREFERENCE).path)
        observer = Observer(record, watch_truth(reader_of(job.recipe.prompts)))
        start = _required(job, SFT).path
        found = train(start, scorer, _prompts(job, "train"), job.recipe.rl, job.training(stage), observer)
        return _trained(stage, found)

    made_from = {
        "1-prompts": job.run.stage(PROMPTS),
        "3-sft": job.run.stage(SFT),
        "6-preference": job.run.stage(PREFERENCE),
        "recipe.rl": job.recipe.rl,
        "recipe.training": job.recipe.training,
    }
    return job.stage(RL, made_from, work)


def evaluate(job: Job) -> StageFolder:
    """Stage 8: the three policies answer held-out prompts, and the start's answers there are revised round by round."""

    def work(stage: StageFolder) -> Outcome:
        _compute(job, stage, "answers")
        count = tokens = 0
        prompts: set[str] = set()
        for given in stage.read(Answer):
            count += 1
            tokens += given.completion.tokens + given.completion.prompt_tokens
            prompts.add(given.prompt.id)
        return Outcome({"answers": count, "prompts": len(prompts)}, tokens)

    made_from = {
        "1-prompts": job.run.stage(PROMPTS),
        "3-sft": job.run.stage(SFT),
        "7-rl": job.run.stage(RL),
        "recipe.evaluation": job.recipe.evaluation,
        "recipe.revision": job.recipe.revision,
        "constitution": job.constitution,
        "models.policy": job.start,
        **_made_by_critic(job),
    }
    return job.stage(EVALUATION, made_from, work)


def evaluation_parts(job: Job) -> Parts[Any]:
    """Its items: each policy with each prompt, and each prompt once more to be answered and revised."""
    from charter.evaluate import answer
    from charter.evaluate.rounds import answers_by_round
    from charter.revision import revise

    settings = job.recipe.evaluation
    found = {HELPFUL_ONLY: job.start, SL_CAI: job.trained(SFT), RL_CAI: job.trained(RL)}
    folders = {policy: folder for policy, folder in found.items() if folder is not None}

    def part(_: int, items: Sequence[tuple[str, Prompt]]) -> list[Answer]:
        answers: list[Answer] = []
        for policy in dict.fromkeys(policy for policy, _ in items):
            asked = [prompt for name, prompt in items if name == policy]
            if policy in folders:
                answers += answer(asked, policy, job.load(folders[policy]), settings, job.seed)
            else:
                start, critic = job.load(job.start), job.critic and job.load(job.critic)
                chains = revise(asked, job.constitution, start, job.recipe.revision, job.seed, critic)
                answers += answers_by_round(chains)
        return answers

    items = [(policy, prompt) for policy in (*folders, "revision") for prompt in _prompts(job, "evaluation")]
    return Parts(items, settings.part_size, part)


def match(job: Job) -> StageFolder:
    """Stage 8, second half: the judge compares the policies' answers; then the table of Elo and the truth's rates."""
    from charter.evaluate import ratings

    settings = job.recipe.evaluation

    def work(stage: StageFolder) -> Outcome:
        from charter.truth import table_of, truth_of_labels

        _compute(job, stage, "matches")
        played = list(stage.read(PreferenceLabel))
        reader = reader_of(job.recipe.prompts)
        table = table_of(_answers(job), ratings(played, job.seed, settings.bootstrap), reader)
        truth = truth_of_labels(job.run.stage(LABELS), job.run.stage(PREFERENCE), reader)
        write_durably(stage.path / "table.json", (json.dumps(table, indent=2) + "\n").encode())
        tokens = sum(judgement.prompt_tokens for found in played for judgement in found.judgements)
        return Outcome({"matches": len(played)}, tokens, ["table.json"], figures=truth)

    made_from = {
        "5-labels": job.run.stage(LABELS),
        "6-preference": job.run.stage(PREFERENCE),
        "8-evaluation": job.run.stage(EVALUATION),
        "recipe.evaluation": settings,
        "recipe.feedback": job.recipe.feedback,
        "constitution": job.constitution,
        **made_by("models.judge", job.judge),
    }
    return job.stage(MATCHES, made_from, work)


def match_parts(job: Job) -> Parts[Any]:
    """Its items: for harmlessness, then for helpfulness, pairs of policies' answers to one prompt."""
    from charter.evaluate import AXES, axis_constitution, pair_up, play
    from charter.evaluate.rounds import match_pairs
    from charter.feedback import label

    settings = job.recipe.evaluation
    both = job.recipe.feedback.model_copy(update={"order": "both"})
    answers = _answers(job)
    pairs = match_pairs([policy for policy in POLICIES if policy in answers], job.recipe.revision.rounds)

    def judged(asked: Sequence[Comparison], constitution: Constitution) -> list[PreferenceLabel]:
        return label(asked, constitution, _judge(job), both, job.seed)

    def part(_: int, items: Sequence[tuple[object, Comparison]]) -> list[PreferenceLabel]:
        by_axis = ((axis, [comparison for where, comparison in items if where == axis]) for axis in AXES)
        return [found for axis, asked in by_axis for found in play(asked, job.constitution, axis, judged)]

    items = [
        (axis, comparison)
        for axis in AXES
        if axis_constitution(job.constitution, axis)
        for comparison in pair_up(answers, pairs, axis, settings.elo_prompts, job.seed)
    ]
    return Parts(items, settings.part_size, part)


STAGES: dict[str, Callable[[Job], StageFolder]] = {
    PROMPTS: make_prompts,
    REVISIONS: revise,
    SFT: fine_tune,
    COMPARISONS: compare,
    LABELS: label,
    PREFERENCE: train_preference_model,
    RL: reinforce,
    EVALUATION: evaluate,
    MATCHES: match,
}


PARTS: dict[str, Callable[[Job], Parts[Any]]] = {
    REVISIONS: revision_parts,
    COMPARISONS: comparison_parts,
    LABELS: label_parts,
    EVALUATION: evaluation_parts,
    MATCHES: match_parts,
}


def open_parts(path: str, stage: str) -> Parts[Any]:
    """The parts of a stage of the run in ``path``, for a process that computes some of them and writes nothing."""
    return PARTS[stage](_reopened(path))


@lru_cache(maxsize=1)  # a process computes parts of one run, and keeps its models between stages
def _reopened(path: str) -> Job:
    return Job.reopen(Path(path))


def _compute(job: Job, stage: StageFolder, unit: str) -> None:
    parts = PARTS[stage.name](job)
    tell = job.watcher.begin(stage.name, len(parts.items), unit)
    job.executor.run(stage, parts, Opener(open_parts, (str(job.run.path), stage.name)), lambda done: tell(done, {}))


def _judge(job: Job) -> LogprobJudge:
    from charter.feedback import LogprobJudge

    return LogprobJudge.of(job.load(job.judge), job.constitution, job.recipe.feedback.few_shot, job.seed)


def _answers(job: Job) -> dict[str, list[Answer]]:
    """The evaluation's answers by policy."""
    answers: dict[str, list[Answer]] = {}
    for given in job.run.stage(EVALUATION).read(Answer):
        answers.setdefault(given.policy, []).append(given)
    return answers


def _prompts(job: Job, split: Split, kind: PromptKind | None = None) -> list[Prompt]:
    stage: Iterator[Prompt] = job.run.stage(PROMPTS).read(Prompt)
    return [prompt for prompt in stage if prompt.split == split and kind in (None, prompt.kind)]


def _made_by_critic(job: Job) -> dict[str, object]:
    """The critic, where one is named: without one, a stage is made from what it always was."""
    return {} if job.critic is None else made_by("models.critic", job.critic)


def _required(job: Job, stage: str) -> ModelFolder:
    """The model of a stage that can't have been skipped."""
    folder = job.trained(stage)
    if folder is None:
        raise InvariantError(f"{stage} has no model")
    return folder


def _skipped(why: str) -> Outcome:
    """A training stage that had nothing to learn from: complete, without a model, and it says why."""
    return Outcome({"tokens": 0}, 0, figures={"skipped": why})


def _trained(stage: StageFolder, found: dict[str, float], *files: str) -> Outcome:
    """A training stage's outcome: its whole numbers are counts, the rest figures."""
    counts = {name: value for name, value in found.items() if isinstance(value, int) and not isinstance(value, bool)}
    figures = {name: value for name, value in found.items() if name not in counts}
    return Outcome(counts, counts["tokens"], [*stage.files_under("model"), "metrics.jsonl", *files], figures)
