from __future__ import annotations

import copy
import math
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
import torch

from charter.errors import ModelError
from charter.models.base import ChoiceRequest, GenerateRequest
from charter.models.local import LocalModel
from charter.models.network import Network
from charter.models.rendering import answer_span, render_text, render_tokens
from charter.models.rows import Rows
from charter.types import Message
from tiny_models import ALPHABETS, FAMILIES, Alphabet, Family, make_tiny_model

Maker = Callable[..., LocalModel]
QUESTIONS = ["Hi", "How do I bake bread?", "Consider the following conversation between a human and an assistant. " * 2]


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Loads a tiny model, each once a session."""
    kept: dict[tuple[Family, Alphabet], LocalModel] = {}

    def load(family: Family, alphabet: Alphabet = "bpe") -> LocalModel:
        if (family, alphabet) not in kept:
            folder = make_tiny_model(family, tmp_path_factory.mktemp("tiny"), alphabet=alphabet)
            kept[family, alphabet] = LocalModel.load(folder, exact=True)
        return kept[family, alphabet]

    return load


def ask(text: str, seed: int = 0, **options: object) -> GenerateRequest:
    return GenerateRequest((Message("user", text),), **{"max_tokens": 24, "seed": seed, **options})  # pyright: ignore[reportArgumentType]


def requests() -> list[GenerateRequest]:
    """Of several lengths, limits and temperatures, four samples a prompt, in no order of length."""
    several = [
        ask(text, seed, max_tokens=6 + 9 * (seed % 3), temperature=(0.0, 0.7, 1.0, 1.5)[seed % 4])
        for seed, text in enumerate(QUESTIONS * 4)
    ]
    return several[5:] + several[:5]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_request_gets_the_same_text_alone_as_among_others(local: Maker, family: Family) -> None:
    model = local(family)
    together = model.generate(requests())
    assert together == [model.generate([request])[0] for request in requests()]
    assert len({answer.text for answer in together}) > 8


@pytest.mark.parametrize("family", FAMILIES)
def test_another_seed_gives_another_text(local: Maker, family: Family) -> None:
    first, second, again = local(family).generate([ask("Hello", 1), ask("Hello", 2), ask("Hello", 1)])
    assert first == again and first.text != second.text


@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_answers_are_those_of_transformers(local: Maker, family: Family) -> None:
    model = local(family)
    for text, answer in zip(QUESTIONS, model.generate([ask(text, temperature=0.0) for text in QUESTIONS]), strict=True):
        prompt = torch.tensor([render_tokens(model.tokenizer, [Message("user", text)])])
        expected = model.module.generate(
            prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=24
        )  # pyright: ignore
        tokens = expected[0, prompt.shape[1] :].tolist()
        assert answer.text == model.tokenizer.decode(tokens, skip_special_tokens=True)
        assert answer.tokens == len(tokens)
        assert answer.prompt_tokens == prompt.shape[1]
        assert answer.stop == ("end" if tokens[-1] in model.ends else "length")


def trained_to_say(model: LocalModel, text: str, answer: str) -> LocalModel:
    """A copy that has learnt one answer by heart."""
    module = copy.deepcopy(model.module)
    learnt = answer_span(model.tokenizer, [Message("user", text)], answer)
    tokens = torch.tensor([learnt.tokens])
    optimizer = torch.optim.Adam(module.parameters(), lr=2e-2)
    for _ in range(40):
        logits = module(input_ids=tokens).logits[0, learnt.start - 1 : -1]
        torch.nn.functional.cross_entropy(logits, tokens[0, learnt.start :]).backward()
        optimizer.step()
        optimizer.zero_grad()
    return LocalModel.wrap(module, model.tokenizer, "trained", exact=True)


def test_a_learnt_answer_comes_back_exactly_and_ends(local: Maker) -> None:
    model = trained_to_say(local("llama"), "Bread?", "Mix  flour\nand wäter. ")
    answer = model.generate([ask("Bread?", temperature=0.0, max_tokens=60)])[0]
    assert (answer.text, answer.stop, answer.model) == ("Mix  flour\nand wäter. ", "end", "trained")
    rest = model.generate([ask("Bread?", temperature=0.0, max_tokens=60, prefill="Mix  flour\n")])[0]
    assert (rest.text, rest.stop) == ("and wäter. ", "end")


def test_an_answer_stops_before_a_stop_text(local: Maker) -> None:
    model = trained_to_say(local("llama"), "Bread?", "Mix flour. Then wait. Then eat.")
    stopping = ask("Bread?", temperature=0.0, max_tokens=60, stop=("absent", "Then"))
    answer, whole = model.generate([stopping, ask("Bread?", temperature=0.0, max_tokens=60)])
    assert (answer.text, answer.stop) == ("Mix flour. ", "stop_text")
    assert answer.tokens < whole.tokens and whole.text == "Mix flour. Then wait. Then eat."


def test_a_module_in_training_is_left_in_training_and_its_gradients_alone(local: Maker) -> None:
    module = copy.deepcopy(local("llama").module).train()
    model = LocalModel.wrap(module, local("llama").tokenizer, "policy")
    with torch.autocast("cpu", torch.bfloat16):
        model.generate([ask("Hello")])
        logits = module(input_ids=torch.tensor([[5, 6, 7]])).logits
    logits.float().sum().backward()
    assert module.training and all(weight.grad is not None for weight in module.parameters())


def test_rows_that_have_finished_leave_the_batch(local: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    step = Network.step

    def watched(self: Network, rows: Rows, tokens: torch.Tensor) -> torch.Tensor:
        sizes.append(len(tokens))
        return step(self, rows, tokens)

    monkeypatch.setattr(Network, "step", watched)
    answers = local("llama").generate([ask("Hello", seed, max_tokens=2 + 2 * seed) for seed in range(8)])
    assert sizes[0] == 8 and sizes[-1] <= 2 and sizes == sorted(sizes, reverse=True)
    assert len(sizes) == max(len(answer.text) and answer.tokens for answer in answers)


def test_a_prompt_is_read_once_for_all_its_samples(local: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[list[int]] = []
    original = Network.read

    def watched(self: Network, prompts: list[list[int]], copies: list[int], room: int) -> Rows:
        read.append(copies)
        return original(self, prompts, copies, room)

    monkeypatch.setattr(Network, "read", watched)
    local("llama").generate([ask(text, seed) for seed in range(4) for text in ("Hello", "How do I bake bread?")])
    assert read == [[4, 4]]


def test_batches_stay_within_the_budget_and_change_no_answer(local: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = local("gemma3").generate(requests())
    monkeypatch.setattr(Network, "row_budget", lambda _self: 150)  # pyright: ignore[reportUnknownLambdaType]
    monkeypatch.setattr("charter.models.network.READ_TOKENS", {"cpu": 90})
    assert local("gemma3").generate(requests()) == whole


CHOICES = [
    ("(A)", "(B)"),
    (" (A)", " (B)"),
    ("A", "B"),
    (" yes", " no", " maybe so"),
    ("e", "ee"),
    ("ant", "ance"),
    (" ",),
]
PREFILLS = ["", "The answer is:", "The answer is: ", "The answer is (", "The assist"]


def full_logprob(model: LocalModel, stem: int, tokens: list[int]) -> float:
    """The sum over one plain forward pass, of the tokens from ``stem`` on."""
    with torch.inference_mode():
        logprobs = torch.log_softmax(model.module(input_ids=torch.tensor([tokens])).logits[0].double(), -1)
    return sum(float(logprobs[place - 1, tokens[place]]) for place in range(stem, len(tokens)))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_a_choices_logprob_is_the_sum_of_a_full_forward_pass(local: Maker, family: Family, alphabet: Alphabet) -> None:
    model = local(family, alphabet)
    cases = [
        ChoiceRequest((Message("user", QUESTIONS[place % 3]),), choices, prefill)
        for place, (choices, prefill) in enumerate(product(CHOICES, PREFILLS))
    ]
    for case, answer in zip(cases, model.choice_logprobs(cases), strict=True):
        text = render_text(model.tokenizer, case.messages, case.prefill)
        prompt, *whole = model.tokenizer([text, *(text + choice for choice in case.choices)], add_special_tokens=False)[
            "input_ids"
        ]
        alike = list(zip(prompt, *whole, strict=False))
        stem = next((place for place, tokens in enumerate(alike) if len(set(tokens)) > 1), len(alike))
        expected = [full_logprob(model, stem, tokens) for tokens in whole]
        assert answer.logprobs == pytest.approx(expected, abs=2e-4)
        assert answer.other == pytest.approx(min(1, max(0, 1 - sum(map(math.exp, expected)))), abs=1e-4)
        assert answer.prompt_tokens == len(prompt)


def test_a_merge_across_the_boundary_is_really_tested(local: Maker) -> None:
    tokenizer = local("llama").tokenizer
    prompt, whole = (tokenizer.encode(text, add_special_tokens=False) for text in ("The assist", "The assistant"))
    assert whole[: len(prompt)] != prompt


def test_single_token_choices_share_one_row(local: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, ...]] = []
    step = Network.step

    def watched(self: Network, rows: Rows, tokens: torch.Tensor) -> torch.Tensor:
        sizes.append(tuple(tokens.shape))
        return step(self, rows, tokens)

    monkeypatch.setattr(Network, "step", watched)
    message = (Message("user", "Hello"),)
    local("llama").choice_logprobs([ChoiceRequest(message, ("A", "B"), "("), ChoiceRequest(message, ("B", "C"), "(")])
    assert sizes == [(1, 1)]


def test_probabilities_of_all_tokens_leave_nothing_over(local: Maker) -> None:
    model = local("llama", "characters")
    everything = tuple(chr(code) for code in range(32, 127))
    answer = model.choice_logprobs([ChoiceRequest((Message("user", "Hello"),), everything)])[0]
    assert sum(map(math.exp, answer.logprobs)) + answer.other == pytest.approx(1)


def test_a_prompt_that_fills_the_context_is_refused_before_anything_is_computed(
    local: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = local("llama")
    long = "bread " * 5000

    def fail(*_: object) -> None:
        raise AssertionError("computed")

    monkeypatch.setattr(Network, "read", fail)
    with pytest.raises(ModelError, match="leaves no room"):
        model.generate([ask("Hello"), ask(long)])
    with pytest.raises(ModelError, match="leaves no room"):
        model.choice_logprobs([ChoiceRequest((Message("user", long),), ("A", "B"))])


def test_an_answer_ends_where_the_context_does(local: Maker) -> None:
    model = local("qwen3")
    head = model.count_tokens([Message("user", "")])
    answer = model.generate([ask("?" * (model.context_tokens - head - 3), max_tokens=50, seed=3)])[0]
    assert answer.tokens <= 3 and answer.prompt_tokens + answer.tokens <= model.context_tokens


@pytest.mark.parametrize("family", FAMILIES)
def test_counted_tokens_are_those_of_the_prompt(local: Maker, family: Family) -> None:
    model = local(family)
    answer = model.generate([ask("How do I bake bread?", max_tokens=1)])[0]
    assert model.count_tokens([Message("user", "How do I bake bread?")]) == answer.prompt_tokens
    answered = [Message("user", "How do I bake bread?"), Message("assistant", "Mix.")]
    assert model.count_tokens(answered) > answer.prompt_tokens


def test_the_faster_way_agrees_with_the_exact_one(local: Maker) -> None:
    exact = local("llama")
    fast = LocalModel.wrap(exact.module, exact.tokenizer, exact.digest)
    question = ChoiceRequest((Message("user", QUESTIONS[2]),), (" (A)", " (B)"), "The answer is:")
    ours, theirs = (model.choice_logprobs([question])[0].logprobs for model in (fast, exact))
    assert ours == pytest.approx(theirs, rel=0.05)


def test_weights_that_give_no_numbers_are_a_users_error(local: Maker) -> None:
    module = copy.deepcopy(local("llama").module)
    with torch.no_grad():
        next(module.parameters()).fill_(math.nan)
    with pytest.raises(ModelError, match="NaN"):
        LocalModel.wrap(module, local("llama").tokenizer, "broken").generate([ask("Hello")])


def test_nothing_asked_is_nothing_answered(local: Maker) -> None:
    assert local("llama").generate([]) == [] == local("llama").choice_logprobs([])


def test_a_folder_is_found_by_its_path(tmp_path: Path) -> None:
    from charter.models.registry import load_model

    folder = make_tiny_model("qwen3", tmp_path)
    model = load_model(str(folder))
    assert model.context_tokens == 4096 and len(model.digest) == 64
