from __future__ import annotations

import json
from pathlib import Path

import pytest

from charter.errors import TrainingError
from charter.preference import PreferenceScorer, train_preference_model
from charter.preference.data import is_held_out, preference_data
from charter.preference.network import preference_network
from charter.preference.stage import Pair, PreferenceWork
from charter.recipe import Preference
from charter.training import Start, TrainingJob, WeightedTokens
from charter.types import Candidate, Comparison, Conversation, LabelState, PreferenceLabel, Prompt, Verdict
from tiny_models import make_tiny_model

GOOD, BAD = "Mix flour, water, yeast and salt.", "I can't help with that."
SETTINGS = Preference(epochs=2, learning_rate=3e-3, batch_tokens=1024, held_out=0.25)


def label(index: int, p_a: float | None, state: LabelState = "labelled") -> PreferenceLabel:
    """GOOD is a when ``p_a`` is above a half, else b."""
    prompt = Prompt(f"p{index}", Conversation.of(f"Question {index}?"), "helpful", "any", "test", "train")
    texts = (GOOD, BAD) if p_a is None or p_a >= 0.5 else (BAD, GOOD)
    a, b = (Candidate(text, "sl_cai", "model") for text in texts)
    weights = None if p_a is None else Verdict(p_a, 1 - p_a)
    return PreferenceLabel(f"label-{index}", Comparison(f"c{index}", prompt, a, b), (), state, weights)


LABELS = [label(i, 0.9 if i % 2 else 0.1) for i in range(120)]
UNUSED = [label(200, None, "failed"), label(201, None, "abstained"), label(202, None, "failed")]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model("llama", tmp_path_factory.mktemp("models") / "start")


@pytest.fixture(scope="module")
def trained(start: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    folder = tmp_path_factory.mktemp("preference")
    return folder, train_preference_model(start, [*LABELS, *UNUSED], SETTINGS, TrainingJob(folder, seed=1))


def test_it_prefers_what_the_judge_preferred_and_as_surely(trained: tuple[Path, dict[str, object]]) -> None:
    found = trained[1]
    assert found["accuracy"] == 1.0
    error = found["expected_calibration_error"]
    assert isinstance(error, float) and error < 0.1


def test_labels_that_say_nothing_are_counted_and_left_out(trained: tuple[Path, dict[str, object]]) -> None:
    found = trained[1]
    assert found["left_out"] == {"abstained": 1, "failed": 2}
    assert isinstance(found["train"], int) and isinstance(found["held_out"], int)
    assert found["train"] + found["held_out"] == len(LABELS) and found["held_out"] > 10


def test_held_out_scores_are_those_that_the_saved_model_gives(trained: tuple[Path, object]) -> None:
    rows = [json.loads(line) for line in (trained[0] / "held_out.jsonl").read_text().splitlines()]
    assert {row["id"] for row in rows} == {f"label-{i}" for i in range(120) if is_held_out(f"p{i}", 0.25, 1)}
    by_id = {label.id: label for label in LABELS}
    first = by_id[rows[0]["id"]].comparison
    scorer = PreferenceScorer.load(trained[0] / "model")
    messages = first.prompt.conversation.messages
    (alone,) = scorer.score([(messages, first.a.text)])
    assert alone == pytest.approx(rows[0]["score_a"], abs=0.05)  # another batch rounds otherwise
    assert json.loads((trained[0] / "calibration.json").read_text())["n"] == len(rows)


def test_scores_keep_their_order_whatever_the_lengths(trained: tuple[Path, object]) -> None:
    scorer = PreferenceScorer.load(trained[0] / "model")
    messages = LABELS[0].comparison.prompt.conversation.messages
    texts = [GOOD, BAD, GOOD * 9, "", BAD * 5, GOOD]
    together = scorer.score([(messages, text) for text in texts])
    alone = [scorer.score([(messages, text)])[0] for text in texts]
    assert together == pytest.approx(alone, abs=0.1)
    assert together[0] == together[5] > together[1]
    assert scorer.score([]) == []


def test_the_same_seed_writes_the_same_bytes(
    start: Path, trained: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    again = train_preference_model(start, [*LABELS, *UNUSED], SETTINGS, TrainingJob(tmp_path, seed=1))
    assert again == trained[1]
    for name in ("model/model.safetensors", "metrics.jsonl", "held_out.jsonl", "calibration.json", "model/README.md"):
        assert (tmp_path / name).read_bytes() == (trained[0] / name).read_bytes()


def test_all_labels_of_a_prompt_fall_on_one_side() -> None:
    twice = [label(i // 2, 0.8) for i in range(200)]
    data = preference_data(twice, 0.3, seed=5)
    ids = [{one.comparison.prompt.id for one in side} for side in (data.train, data.held_out)]
    assert not ids[0] & ids[1]
    assert 0.15 < len(ids[1]) / 100 < 0.45


def test_a_tie_is_learnt_as_a_half() -> None:
    data = preference_data([label(0, 0.5, "tied")], 0.0, seed=0)
    assert [one.p_a for one in data.train] == [0.5]


def test_nothing_held_out_gives_no_figures(start: Path, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"held_out": 0.0, "epochs": 1})
    found = train_preference_model(start, LABELS[:20], settings, TrainingJob(tmp_path, seed=0))
    assert found["accuracy"] is None and found["held_out"] == 0


def test_labels_of_which_none_says_anything_are_a_clear_error(start: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"none of 3 labels .*'failed': 2"):
        train_preference_model(start, UNUSED, SETTINGS, TrainingJob(tmp_path, seed=0))


@pytest.mark.parametrize("family", ["qwen3", "gemma3"])
def test_other_architectures_make_preference_models_alike(family: str, tmp_path: Path) -> None:
    start = make_tiny_model(family, tmp_path / "start")  # type: ignore[arg-type]
    found = train_preference_model(start, LABELS[:40], SETTINGS, TrainingJob(tmp_path, seed=0))
    assert found["train"]


def test_halves_of_a_batch_are_whole_pairs_and_their_losses_add_up(start: Path) -> None:
    model = Start.load(start)
    pairs = [
        Pair(WeightedTokens.unweighted(range(1, 4 + i)), WeightedTokens.unweighted(range(2, 9 - i)), i / 4)
        for i in range(5)
    ]
    settings = SETTINGS.model_copy(update={"batch_tokens": 4096, "epochs": 1})
    work = PreferenceWork(preference_network(model, 0), pairs, settings, TrainingJob(start, 0), model.pad_token)
    (batch,) = work.batches(0)
    halves = work.halves(batch)
    assert [len(half.targets_P) for half in halves] == [2, 3]
    assert sum(work.loss(half).item() for half in halves) == pytest.approx(work.loss(batch).item(), abs=1e-5)
    assert work.halves(halves[0].pairs(0, 1)) != halves and len(work.halves(halves[0].pairs(0, 1))) == 1
