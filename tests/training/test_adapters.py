from __future__ import annotations

from pathlib import Path

import pytest
import torch

from charter.errors import TrainingError
from charter.models.base import GenerateRequest
from charter.models.local import LocalModel
from charter.preference import PreferenceScorer, train_preference_model
from charter.recipe import Lora, Preference, Sft, Training
from charter.sft import SftExample, fine_tune
from charter.training import Start, TrainingJob
from charter.training.adapters import adapt, trained_parameters
from charter.types import Candidate, Comparison, Conversation, Message, PreferenceLabel, Prompt, Verdict
from tiny_models import make_tiny_model

ANSWER, OTHER = "I can't help with that.", "Mix flour, water, yeast and salt."
EXAMPLES = [SftExample(f"{i}", Conversation.of(f"Question {i % 4}?"), ANSWER, "revision") for i in range(64)]
SETTINGS = Sft(epochs=8, learning_rate=2e-2, batch_tokens=512)
LORA = Training(lora=Lora(rank=8, alpha=16), gradient_checkpointing=True, micro_batch_tokens=128)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model("llama", tmp_path_factory.mktemp("models") / "start")


def logits(module: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return module(input_ids=torch.arange(40).view(2, 20)).logits


def shaken(start: Path) -> tuple[Start, object, torch.Tensor, torch.Tensor]:
    """A model with adapters that were moved at random, and its logits before and after."""
    model = Start.load(start, LORA)
    before = logits(model.module)
    adapter = adapt(model.module, Lora(rank=4), seed=0)
    assert torch.equal(logits(model.module), before), "an adapter changes nothing at first"
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in trained_parameters(model.module).values():
            parameter.add_(torch.randn_like(parameter) / 3)
    return model, adapter, before, logits(model.module)


def test_an_adapter_can_be_switched_off_and_merged(start: Path) -> None:
    model, adapter, before, after = shaken(start)
    assert not torch.allclose(before, after, atol=0.5)
    with adapter.switched_off():  # pyright: ignore[reportAttributeAccessIssue]
        assert torch.equal(logits(model.module), before)
    assert torch.equal(logits(model.module), after)
    adapter.merge()  # pyright: ignore[reportAttributeAccessIssue]
    assert torch.allclose(logits(model.module), after, atol=5e-3)
    assert not any("lora" in name for name, _ in model.module.named_parameters())


def test_only_adapters_are_trained_and_the_same_seed_draws_the_same(start: Path) -> None:
    drawn = []
    for _ in range(2):
        model = Start.load(start, LORA)
        adapt(model.module, Lora(), seed=3)
        trained = trained_parameters(model.module)
        assert trained and all("lora_" in name for name in trained)
        assert not any("lm_head" in name or "embed" in name for name in trained)
        drawn.append(trained)
    assert all(torch.equal(drawn[0][name], drawn[1][name]) for name in drawn[0])


def test_layers_that_do_not_exist_are_a_users_error(start: Path) -> None:
    with pytest.raises(TrainingError, match=r"training\.lora\.targets \(nonsense\)"):
        adapt(Start.load(start, LORA).module, Lora(targets=("nonsense",)), seed=0)


def test_fine_tuning_with_adapters_writes_a_whole_model_that_has_learnt(start: Path, tmp_path: Path) -> None:
    found = fine_tune(start, EXAMPLES, SETTINGS, TrainingJob(tmp_path, seed=1, settings=LORA))
    assert found["last_loss"] < 0.5 * found["first_loss"]
    request = GenerateRequest((Message("user", "Question 1?"),), max_tokens=40, seed=0, temperature=0)
    assert LocalModel.load(tmp_path / "model").generate([request])[0].text == ANSWER


def test_a_preference_model_learns_with_adapters_and_a_head_of_its_own(start: Path, tmp_path: Path) -> None:
    prompt = Prompt("p", Conversation.of("Question?"), "helpful", "any", "test", "train")
    sides = [Candidate(text, "sl_cai", "model") for text in (ANSWER, OTHER)]
    labels = [
        PreferenceLabel(
            f"label-{i}",
            Comparison(f"c{i}", prompt, sides[i % 2], sides[1 - i % 2]),
            (),
            "labelled",
            Verdict(0.9 - 0.8 * (i % 2), 0.1 + 0.8 * (i % 2)),
        )
        for i in range(60)
    ]
    settings = Preference(epochs=3, learning_rate=1e-2, batch_tokens=1024, held_out=0.0)
    train_preference_model(start, labels, settings, TrainingJob(tmp_path, seed=1, settings=LORA))
    better, worse = PreferenceScorer.load(tmp_path / "model").score(
        [(prompt.conversation.messages, text) for text in (ANSWER, OTHER)]
    )
    assert better > worse + 1
