from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from charter.errors import ModelError
from charter.models import memory
from charter.models.base import ChoiceRequest, GenerateRequest
from charter.models.folder import ModelFolder
from charter.models.local import LocalModel
from charter.models.memory import Weights, in_halves, require_memory
from charter.models.network import Network
from charter.models.rows import Rows
from charter.training import Start
from charter.types import Message
from tiny_models import make_tiny_model

CPU_REFUSES = "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model("llama", tmp_path_factory.mktemp("tiny"))


def test_weights_are_counted_without_loading_them(folder: Path) -> None:
    module = AutoModelForCausalLM.from_pretrained(folder)
    found = Weights.of(ModelFolder.check(folder))
    assert found.numbers == sum(parameter.numel() for parameter in module.parameters())
    assert found.stored_bytes == 4 * found.numbers


@pytest.mark.parametrize("load", [LocalModel.load, Start.load])
def test_a_model_that_does_not_fit_says_what_it_needs_before_it_loads(
    folder: Path, monkeypatch: pytest.MonkeyPatch, load: object
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda _: 1000)
    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", pytest.fail)
    with pytest.raises(ModelError, match=r"takes .* GiB for its 0\.\d million weights, and 0\.0 GiB are free"):
        load(folder)  # pyright: ignore[reportCallIssue, reportUnknownVariableType]


def test_a_model_that_fits_is_let_through(folder: Path) -> None:
    require_memory(ModelFolder.check(folder), 4, torch.device("cpu"), "load")
    assert (memory.free_bytes(torch.device("cpu")) or 1) > 0


def test_weights_that_are_no_safetensors_are_a_users_error(tmp_path: Path) -> None:
    for content in (b"", b"\xff" * 64, b"\x02" + b"\0" * 7 + b"{"):
        (tmp_path / "model.safetensors").write_bytes(content)
        with pytest.raises(ModelError, match="isn't a safetensors file"):
            Weights.of(ModelFolder(tmp_path, "", ("model.safetensors",)))


@given(st.lists(st.integers()), st.integers(1, 9))
def test_halving_gives_every_item_its_result_in_order(items: list[int], room: int) -> None:
    def compute(part: Sequence[int]) -> list[int]:
        if len(part) > room:
            raise RuntimeError(CPU_REFUSES)
        return [2 * item for item in part]

    with pytest.MonkeyPatch.context() as patch:  # giving memory back takes milliseconds, here a thousand times
        patch.setattr(memory, "release_memory", lambda: None)
        assert in_halves(items, compute) == [2 * item for item in items]


def test_one_item_too_large_is_a_users_error_and_other_errors_pass() -> None:
    def refuse(_: Sequence[int]) -> list[int]:
        raise torch.OutOfMemoryError("CUDA out of memory")

    def fail(_: Sequence[int]) -> list[int]:
        raise RuntimeError("shapes don't fit")

    with pytest.raises(ModelError, match="batch of one"):
        in_halves([1, 2, 3], refuse)
    with pytest.raises(RuntimeError, match="shapes"):
        in_halves([1, 2, 3], fail)


def test_answers_and_choices_are_the_same_where_a_batch_ran_out_of_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = LocalModel.load(folder, exact=True)
    asked = [GenerateRequest((Message("user", f"Question {n}?" * (1 + n % 3)),), 12, seed=n) for n in range(9)]
    choices = [ChoiceRequest(request.messages, (" (A)", " (B)"), "The answer is:") for request in asked]
    answers, logprobs = model.generate(asked), model.choice_logprobs(choices)
    step = Network.step
    refused: list[int] = []

    def cramped(self: Network, rows: Rows, tokens: torch.Tensor) -> torch.Tensor:
        if len(tokens) > 2:
            refused.append(len(tokens))
            raise RuntimeError(CPU_REFUSES)
        return step(self, rows, tokens)

    monkeypatch.setattr(Network, "step", cramped)
    assert model.generate(asked) == answers
    again = model.choice_logprobs(choices)
    assert [found.logprobs for found in again] == [pytest.approx(found.logprobs, abs=1e-5) for found in logprobs]
    assert refused
