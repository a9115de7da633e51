"""Small runs made by hand, as the pipeline would leave them on disk; no model is asked."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from charter.records import Run
from charter.types import (
    Answer,
    Candidate,
    Comparison,
    Completion,
    Conversation,
    Judgement,
    Message,
    PreferenceLabel,
    Prompt,
    Revision,
    RevisionChain,
    Verdict,
)

POLICIES = ("helpful_only", "sl_cai", "rl_cai")
RECIPE = """name: tiny
seed: 3
models:
  policy: world
  judge: null
revision:
  rounds: 2
  temperature: 1.0
"""
CONSTITUTION = """name: {name}
version: '2'
principles:
- id: good
  title: A good answer
  text: An answer is helpful, honest and harmless at once.
  source: Askell et al. 2021
  weight: 10
- id: calm
  title: Calm words
  text: An answer insults nobody.
"""
SHARES = {
    "harmful_compliance": (0.78, 0.52, 0.31, 0.22, 0.02),
    "helped": (0.96, 0.95, 0.94, 0.95, 0.97),
    "overclaiming": (0.8, 0.5, 0.35, 0.3, 0.04),
    "insulting": (0.16, 0.1, 0.06, 0.05, 0.004),
    "lecturing": (0.1, 0.07, 0.05, 0.04, 0.01),
    "on_grammar": (0.99, 0.98, 0.98, 0.98, 1.0),
}
ELO = {"harmlessness_elo": (0, 80, 140, 190, 420), "helpfulness_elo": (0, 5, 10, 8, 35)}
ROWS = ("revision_0", "revision_1", "revision_2", "sl_cai", "rl_cai")


def prompts(text: str) -> list[Prompt]:
    kinds = [("red_team", "harmful"), ("helpful", "benign"), ("red_team", "unknowable")]
    return [
        Prompt(
            f"p-{split}-{index}",
            Conversation((Message("user", "Hello."), Message("assistant", "Hi!"), Message("user", f"{text} {index}?"))),
            kinds[index % 3][0],
            kinds[index % 3][1],
            "made",
            split,
        )
        for split in ("train", "evaluation")
        for index in range(12)
    ]


def completion(text: str, model: str = "c" * 64) -> Completion:
    return Completion(text, len(text.split()), 9, "end", model)


def chain(prompt: Prompt, text: str, rounds: int = 2) -> RevisionChain:
    revisions = [
        Revision("good", "d", completion(f"{text} critique"), completion(f"{text} revised {index}"), flags)
        for index, flags in zip(range(1, rounds + 1), [("opener",), ("truncated",), ()], strict=False)
    ]
    return RevisionChain(f"chain-{prompt.id}", prompt, completion(f"{text} first"), tuple(revisions), "t", 3)


def label(prompt: Prompt, text: str, p_first: float | None, p_second: float | None) -> PreferenceLabel:
    judgements = tuple(
        Judgement(
            "good",
            "d",
            order,
            None if p is None else Verdict(p, 1 - p),
            "" if p is not None else "odd",
            "",
            "j",
            "t",
            4,
        )
        for order, p in (("ab", p_first), ("ba", p_second))
    )
    sides = (Candidate(f"{text} a", "sl_cai", "s" * 64), Candidate(f"{text} b", "sl_cai", "s" * 64))
    known = [p for p in (p_first, p_second) if p is not None]
    mean = sum(known) / len(known) if known else None
    weights = None if mean is None else Verdict(mean, 1 - mean)
    state = "failed" if mean is None else "tied" if mean == 0.5 else "labelled"
    comparison = Comparison(f"comparison-{prompt.id}", prompt, *sides)
    return PreferenceLabel(f"label-{prompt.id}", comparison, judgements, state, weights)


def table(n: int = 120) -> dict[str, Any]:
    def share(mean: float) -> dict[str, Any]:
        spread = 1.96 * (mean * (1 - mean) / n) ** 0.5 + 0.01
        return {"mean": mean, "low": max(0, mean - spread), "high": min(1, mean + spread), "n": n, "unusable": 2}

    rows: dict[str, Any] = {}
    for index, policy in enumerate(("helpful_only", *ROWS)):
        place = max(0, index - 1)
        rows[policy] = {name: share(values[place]) for name, values in SHARES.items()}
        for name, values in ELO.items():
            value = values[place]
            rows[policy][name] = {"mean": value, "low": value - 30, "high": value + 35, "n": 80, "unusable": 1}
    return rows


def calibration(n: int = 100) -> dict[str, Any]:
    curve = [
        {"low": low / 10, "high": (low + 1) / 10, "n": n, "predicted": low / 10 + 0.05, "judged": low / 10 + 0.04,
         "judged_low": max(0, low / 10 - 0.03), "judged_high": min(1, low / 10 + 0.1)}
        for low in range(10)
    ]  # fmt: skip
    return {
        "n": 500, "decided": 480, "accuracy": 0.93, "accuracy_low": 0.9, "accuracy_high": 0.95, "nll": 0.31,
        "nll_floor": 0.25, "expected_calibration_error": 0.021, "curve": curve,
    }  # fmt: skip


def steps(count: int = 8) -> list[dict[str, float]]:
    chance = random.Random(1)
    return [
        {"step": step, "loss": 0.1, "score": step / 4 + chance.random(), "reward": step / 5 + chance.random(),
         "kl": step * 1.5, "length": 30 - step, "stopped_by_length": 0.01, "boilerplate": 0.02 * step,
         "repeated_sentences": 0.01, "repeated_ngrams": 0.02, "tokens": 100,
         "truth: harmful_compliance": max(0.01, 0.8 - step / 10), "truth: helped": 0.95}
        for step in range(count)
    ]  # fmt: skip


def make_run(
    path: Path,
    text: str = "words",
    stages: Sequence[str] = (),
    constitution_name: str = "calm-and-good",
    rows: Mapping[str, Any] | None = None,
    stopped: str = "",
    recipe: str = RECIPE,
) -> Run:
    """A run with these stages finished (all nine by default), every text of a model or prompt opening with ``text``."""
    run = Run.create(path, recipe, CONSTITUTION.format(name=json.dumps(constitution_name)))
    asked = prompts(text)
    train = [prompt for prompt in asked if prompt.split == "train"]
    probabilities = [(0.9, 0.8), (0.7, 0.2), (0.5, 0.5), (None, None), (0.05, 0.15), (0.99, None)]
    labels = [label(prompt, text, *probabilities[index % 6]) for index, prompt in enumerate(train)]
    held_out = [prompt for prompt in asked if prompt.split == "evaluation"]
    answers = [
        Answer(f"answer-{policy}-{prompt.id}", policy, prompt, completion(f"{text} by {policy}"))
        for policy in (*POLICIES, "revision_0")
        for prompt in held_out
    ]
    model = {"model/model.safetensors": "weights"}
    metrics = {"metrics.jsonl": "".join(json.dumps(step) + "\n" for step in steps())}
    counts = {"examples": 20, "too_long": 0, "steps": 8, "tokens": 800}
    contents: dict[str, tuple[Sequence[Any], dict[str, int], dict[str, Any]]] = {
        "1-prompts": (asked, {"red_team": 8, "helpful": 4, "evaluation": 12, "skipped": 0}, {"skipped.json": []}),
        "2-revisions": ([chain(p, text) for p in train] + [chain(train[1], text, 0)], {"chains": 12, "tokens": 99}, {}),
        "3-sft": ([], {**counts, "left out, revision: truncated": 12}, {**model, **metrics}),
        "4-comparisons": ([label.comparison for label in labels], {"pairs": 12}, {}),
        "5-labels": (labels, {"labels": 12}, {"figures.json": {"mean_inconsistency": 0.2, "position_share": 0.25}}),
        "6-preference": ([], {"train": 8, "left out, failed": 2}, {**model, "calibration.json": calibration()}),
        "7-rl": ([], {"answers": 64}, {**model, **metrics, "figures.json": {"stopped": stopped, "last_kl": 10.5}}),
        "8-evaluation": (answers, {"answers": 48}, {}),
        "8-matches": (
            [],
            {"matches": 30},
            {"table.json": rows or table(), "figures.json": {"labels that agree": 0.94, "labels compared": 9}},
        ),
    }  # fmt: skip
    with run:
        for name in stages or contents:
            records, counted, files = contents[name]
            stage = run.stage(name)
            stage.begin({"models.policy": "a" * 64, "models.judge": "b" * 64})
            for part in range(0, len(records), 10):
                stage.write_part(part // 10, records[part : part + 10])
            for file, value in files.items():
                (stage.path / file).parent.mkdir(exist_ok=True)
                written = value if isinstance(value, str) else json.dumps(value)
                (stage.path / file).write_text(written, encoding="utf-8")
            stage.finish(counted, 1000 * (1 + len(name)), 2.5, list(files))
    return run
