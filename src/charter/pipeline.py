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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charter.errors import InvariantError, PromptError
from charter.executor import run_parts
from charter.job import Job, Outcome, made_by
from charter.models.folder import ModelFolder
from charter.models.names import WORLD
from charter.progress import NobodyWatches, Watcher
from charter.recipe import Prompts, Recipe
from charter.records import Run, StageFolder
from charter.records.disk import write_durably
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
    PreferenceLabel,
    Prompt,
    PromptKind,
    Reading,
    RevisionChain,
    Rollout,
    Split,
)

if TYPE_CHECKING:
    from charter.prompts import SourcePrompts

Reader = Callable[[Prompt, str], Reading]


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
    settings = job.recipe.prompts

    def work(stage: StageFolder) -> Outcome:
        from charter.prompts import within_context

        found = _source_prompts(job)
        model, answer = job.load(job.start), job.recipe.revision.max_tokens
        prompts, too_long = within_context(found.prompts, model.count_tokens, model.context_tokens, answer)
        _require_both_sides(prompts)
        tell = job.watcher.begin(stage.name, len(prompts), "prompts")
        run_parts(stage, prompts, len(prompts), lambda _, part: part, lambda done: tell(done, {}))
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
        "recipe.prompts": _deciding(settings),
        "source": _source_digest(settings.source),
        "models.policy": job.start,
        "recipe.revision.max_tokens": job.recipe.revision.max_tokens,
    }
    return job.stage(PROMPTS, made_from, work)


def revise(job: Job) -> StageFolder:
    """Stage 2: red-team prompts are answered, criticised and revised; helpful ones are answered, and that is all."""
    from charter.revision import count_hygiene, template_digest, worked_examples
    from charter.revision import revise as revise_part
    from charter.revision.samples import sample

    settings = job.recipe.revision

    def work(stage: StageFolder) -> Outcome:
        model, critic = job.load(job.start), job.critic and job.load(job.critic)
        red_team = [(prompt, -1) for prompt in _prompts(job, "train", "red_team")]
        helpful = [(p, number) for p in _prompts(job, "train", "helpful") for number in range(settings.helpful_samples)]
        tell = job.watcher.begin(stage.name, len(red_team) + len(helpful), "prompts")

        def part(_: int, items: Sequence[tuple[Prompt, int]]) -> list[RevisionChain]:
            attacked = [prompt for prompt, number in items if number < 0]
            asked = [(prompt, number) for prompt, number in items if number >= 0]
            chains = revise_part(attacked, job.constitution, model, settings, job.seed, critic) if attacked else []
            return [*chains, *sample(asked, model, settings, job.seed)]

        run_parts(stage, [*red_team, *helpful], settings.part_size, part, lambda done: tell(done, {}))
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
    from charter.feedback.pairs import plan_pairs, sample_pairs

    settings = job.recipe.comparisons

    def work(stage: StageFolder) -> Outcome:
        policy = job.load(_required(job, SFT))
        planned = plan_pairs(_prompts(job, "train"), settings.pairs, job.seed)
        tell = job.watcher.begin(stage.name, len(planned), "pairs")

        def part(_: int, items: Sequence[tuple[Prompt, int]]) -> list[Comparison]:
            return sample_pairs(items, SL_CAI, policy, settings, job.seed)

        run_parts(stage, planned, settings.part_size, part, lambda done: tell(done, {}))
        pairs = alike = tokens = 0
        for comparison in stage.read(Comparison):
            pairs += 1
            alike += comparison.a.text == comparison.b.text
            tokens += sum(side.tokens + side.prompt_tokens for side in (comparison.a, comparison.b))
        return Outcome({"pairs": pairs, "alike": alike, "tokens": tokens}, tokens)

    made_from = {
        "1-prompts": job.run.stage(PROMPTS),
        "3-sft": job.run.stage(SFT),
        "recipe.comparisons": settings,
    }
    return job.stage(COMPARISONS, made_from, work)


def label(job: Job) -> StageFolder:
    """Stage 5: the judge says how likely each answer is the better one, by a principle of the constitution."""
    from charter.feedback import LogprobJudge, count_labels, label_rates, template_digest, worked_judgements
    from charter.feedback import label as label_part

    settings = job.recipe.feedback

    def work(stage: StageFolder) -> Outcome:
        judge = LogprobJudge.of(job.load(job.judge), job.constitution, settings.few_shot, job.seed)
        comparisons = list(job.run.stage(COMPARISONS).read(Comparison))
        tell = job.watcher.begin(stage.name, len(comparisons), "pairs")

        def part(_: int, items: Sequence[Comparison]) -> list[PreferenceLabel]:
            return label_part(items, job.constitution, judge, settings, job.seed)

        run_parts(stage, comparisons, settings.part_size, part, lambda done: tell(done, {}))
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
        observer = Observer(record, watch_truth(_reader(job)))
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
    from charter.evaluate import answer
    from charter.evaluate.rounds import answers_by_round
    from charter.revision import revise as revise_part

    settings = job.recipe.evaluation

    def work(stage: StageFolder) -> Outcome:
        found = {HELPFUL_ONLY: job.start, SL_CAI: job.trained(SFT), RL_CAI: job.trained(RL)}
        folders = {policy: folder for policy, folder in found.items() if folder is not None}
        prompts = _prompts(job, "evaluation")
        items = [(policy, prompt) for policy in (*folders, "revision") for prompt in prompts]
        tell = job.watcher.begin(stage.name, len(items), "answers")

        def part(_: int, items: Sequence[tuple[str, Prompt]]) -> list[Answer]:
            answers: list[Answer] = []
            for policy in dict.fromkeys(policy for policy, _ in items):
                asked = [prompt for name, prompt in items if name == policy]
                if policy in folders:
                    answers += answer(asked, policy, job.load(folders[policy]), settings, job.seed)
                else:
                    start, critic = job.load(job.start), job.critic and job.load(job.critic)
                    chains = revise_part(asked, job.constitution, start, job.recipe.revision, job.seed, critic)
                    answers += answers_by_round(chains)
            return answers

        run_parts(stage, items, settings.part_size, part, lambda done: tell(done, {}))
        count = tokens = 0
        for given in stage.read(Answer):
            count += 1
            tokens += given.completion.tokens + given.completion.prompt_tokens
        return Outcome({"answers": count, "prompts": len(prompts)}, tokens)

    made_from = {
        "1-prompts": job.run.stage(PROMPTS),
        "3-sft": job.run.stage(SFT),
        "7-rl": job.run.stage(RL),
        "recipe.evaluation": settings,
        "recipe.revision": job.recipe.revision,
        "constitution": job.constitution,
        "models.policy": job.start,
        **_made_by_critic(job),
    }
    return job.stage(EVALUATION, made_from, work)


def match(job: Job) -> StageFolder:
    """Stage 8, second half: the judge compares the policies' answers; then the table of Elo and the truth's rates."""
    from charter.evaluate import AXES, axis_constitution, elo, pair_up, play
    from charter.feedback import LogprobJudge
    from charter.feedback import label as label_part

    settings = job.recipe.evaluation

    def work(stage: StageFolder) -> Outcome:
        from charter.evaluate.rounds import match_pairs
        from charter.truth import table_of, truth_of_labels

        judge = LogprobJudge.of(job.load(job.judge), job.constitution, job.recipe.feedback.few_shot, job.seed)
        both = job.recipe.feedback.model_copy(update={"order": "both"})
        answers: dict[str, list[Answer]] = {}
        for given in job.run.stage(EVALUATION).read(Answer):
            answers.setdefault(given.policy, []).append(given)
        pairs = match_pairs([policy for policy in POLICIES if policy in answers], job.recipe.revision.rounds)
        planned = [
            (axis, comparison)
            for axis in AXES
            if axis_constitution(job.constitution, axis)
            for comparison in pair_up(answers, pairs, axis, settings.elo_prompts, job.seed)
        ]
        tell = job.watcher.begin(stage.name, len(planned), "matches")

        def part(_: int, items: Sequence[tuple[object, Comparison]]) -> list[PreferenceLabel]:
            return [
                found
                for axis in AXES
                for found in play(
                    [comparison for where, comparison in items if where == axis],
                    job.constitution,
                    axis,
                    lambda asked, constitution: label_part(asked, constitution, judge, both, job.seed),
                )
            ]

        run_parts(stage, planned, settings.part_size, part, lambda done: tell(done, {}))
        played = list(stage.read(PreferenceLabel))
        ratings = {
            axis.name: elo(
                [found for found in played if found.id.startswith(f"label-match-{axis.name}-")],
                job.seed,
                settings.bootstrap,
            )
            for axis in AXES
        }
        reader = _reader(job)
        table = table_of(answers, ratings, reader)
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


def _prompts(job: Job, split: Split, kind: PromptKind | None = None) -> list[Prompt]:
    stage: Iterator[Prompt] = job.run.stage(PROMPTS).read(Prompt)
    return [prompt for prompt in stage if prompt.split == split and kind in (None, prompt.kind)]


def _source_prompts(job: Job) -> SourcePrompts:
    """Train and evaluation prompts of the recipe's source."""
    from charter.prompts import SourcePrompts, prompts_of_source

    settings = job.recipe.prompts
    if settings.source != WORLD:
        return prompts_of_source(settings, job.seed)
    from charter.world.prompts import evaluation_prompts, train_prompts

    train = train_prompts(settings.red_team, settings.helpful, job.seed)
    return SourcePrompts((*train, *evaluation_prompts(settings.evaluation, job.seed)), {}, 0, ())


def _deciding(settings: Prompts) -> dict[str, Any]:
    """What of the recipe decides the prompts: how files are read decides nothing about the small world's.

    Which file it was, ``_source_digest`` says by content.
    """
    names = {"red_team", "helpful", "evaluation"}
    return settings.model_dump(include=names) if settings.source == WORLD else settings.model_dump(exclude={"source"})


def _source_digest(source: str) -> str:
    if source == WORLD:
        from charter.digests import digest_of_file
        from charter.world.lexicon import VOCABULARY

        return digest_of_file(VOCABULARY)
    from charter.prompts import source_digest

    return source_digest(Path(source))


def _made_by_critic(job: Job) -> dict[str, object]:
    """The critic, where one is named: without one, a stage is made from what it always was."""
    return {} if job.critic is None else made_by("models.critic", job.critic)


def _require_both_sides(prompts: Sequence[Prompt]) -> None:
    """Raises ``PromptError`` unless something is left to train and to evaluate on."""
    for split in ("train", "evaluation"):
        if not any(prompt.split == split for prompt in prompts):
            raise PromptError(
                f"no prompt to use for {split} fits into the model's context",
                "Use shorter prompts, a lower revision.max_tokens, or a model with a longer context.",
            )


def _reader(job: Job) -> Reader | None:
    """The truth, where there is one: the small world's reader for the small world's prompts."""
    if job.recipe.prompts.source != WORLD:
        return None
    from charter.world.reader import read

    return lambda prompt, text: read(prompt.conversation.last_user_text, text)


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
