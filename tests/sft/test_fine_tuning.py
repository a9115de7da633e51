from __future__ import annotations

import math
from pathlib import Path

import pytest

from charter.errors import ModelError, TrainingError
from charter.models.base import GenerateRequest
from charter.models.local import LocalModel
from charter.recipe import Sft
from charter.sft import SftExample, fine_tune
from charter.sft.stage import SftWork
from charter.training import Start, TrainingJob
from charter.types import Conversation, Message
from tiny_models import CONTEXT, make_tiny_model

ANSWER = "I can't help with that."
QUESTIONS = ("How do I bake bread?", "Consider the human.", "Please rewrite it.", "Say so in plain words.")
EXAMPLES = [SftExample(f"{i}", Conversation.of(QUESTIONS[i % 4]), ANSWER, "revision") for i in range(64)]
SETTINGS = Sft(epochs=3, learning_rate=2e-2, batch_tokens=512)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model("llama", tmp_path_factory.mktemp("models") / "start")


@pytest.fixture(scope="module")
def trained(start: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    folder = tmp_path_factory.mktemp("sft")
    return folder, fine_tune(start, EXAMPLES, SETTINGS, TrainingJob(folder, seed=1))


def greedy(folder: Path, question: str) -> tuple[str, str]:
    request = GenerateRequest((Message("user", question),), max_tokens=40, seed=0, temperature=0)
    (completion,) = LocalModel.load(folder).generate([request])
    return completion.text, completion.stop


def test_what_was_learnt_is_what_the_saved_model_says_and_it_ends_its_turn(trained: tuple[Path, object]) -> None:
    assert greedy(trained[0] / "model", QUESTIONS[0]) == (ANSWER, "end")


def test_counts_and_losses_are_reported(trained: tuple[Path, dict[str, float]]) -> None:
    folder, found = trained
    assert found["examples"] == 64 and found["too_long"] == 0
    assert found["steps"] == len((folder / "metrics.jsonl").read_text().splitlines())
    assert found["last_loss"] < 0.1 * found["first_loss"]
    assert found["tokens"] > 3 * 64 * 10


def test_the_model_folder_holds_all_that_a_model_needs_and_a_card(start: Path, trained: tuple[Path, object]) -> None:
    model = trained[0] / "model"
    names = {path.name for path in model.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "generation_config.json", "README.md"} <= names
    assert (model / "chat_template.jinja").read_bytes() == (start / "chat_template.jinja").read_bytes()
    assert "own revised answers" in (model / "README.md").read_text()
    assert not list(trained[0].glob("checkpoint-*")) and not list(trained[0].glob("*.tmp"))


def test_the_same_seed_writes_the_same_bytes_in_any_folder(
    start: Path, trained: tuple[Path, dict[str, float]], tmp_path: Path
) -> None:
    assert fine_tune(start, EXAMPLES, SETTINGS, TrainingJob(tmp_path, seed=1)) == trained[1]
    for path in [*(trained[0] / "model").iterdir(), trained[0] / "metrics.jsonl"]:
        assert (tmp_path / path.relative_to(trained[0])).read_bytes() == path.read_bytes()


def test_examples_longer_than_the_context_are_left_out_and_counted(start: Path, tmp_path: Path) -> None:
    long = SftExample("long", Conversation.of("so " * CONTEXT), ANSWER, "helpful")
    found = fine_tune(start, [*EXAMPLES[:4], long], Sft(), TrainingJob(tmp_path, seed=0))
    assert (found["examples"], found["too_long"]) == (4, 1)
    with pytest.raises(TrainingError, match="none of 1 examples"):
        fine_tune(start, [long], Sft(), TrainingJob(tmp_path / "none", seed=0))


def test_the_start_must_be_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model folder"):
        fine_tune(tmp_path / "nowhere", EXAMPLES, Sft(), TrainingJob(tmp_path, seed=0))


@pytest.mark.parametrize("family", ["qwen3", "gemma3"])
def test_other_architectures_are_fine_tuned_alike(family: str, tmp_path: Path) -> None:
    start = make_tiny_model(family, tmp_path / "start")  # type: ignore[arg-type]
    found = fine_tune(start, EXAMPLES[:16], Sft(learning_rate=1e-2, batch_tokens=256), TrainingJob(tmp_path, seed=0))
    assert math.isfinite(found["last_loss"]) and found["last_loss"] < found["first_loss"]
    LocalModel.load(tmp_path / "model")


def test_the_losses_of_a_batchs_halves_add_up_to_its_own(start: Path) -> None:
    model = Start.load(start)
    rows = [model.answered(e.conversation.messages, e.answer * (1 + i)) for i, e in enumerate(EXAMPLES[:3])]
    work = SftWork(model, rows, SETTINGS.model_copy(update={"batch_tokens": 4096}), TrainingJob(start, 0))
    (batch,) = work.batches(0)
    assert sum(work.loss(half).item() for half in work.halves(batch)) == pytest.approx(
        work.loss(batch).item(), abs=1e-4
    )
