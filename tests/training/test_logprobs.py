from __future__ import annotations

import pytest
import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from charter.training.batches import WeightedTokens, collate
from charter.training.logprobs import answer_logprobs, token_logprobs

SHAPE = {
    "vocab_size": 50,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
}


def llama() -> PreTrainedModel:
    return LlamaForCausalLM(LlamaConfig(**SHAPE, tie_word_embeddings=True))


def gemma_with_capped_logits() -> PreTrainedModel:
    return Gemma3ForCausalLM(Gemma3TextConfig(**SHAPE, final_logit_softcapping=0.05, pad_token_id=0, sliding_window=4))


ROWS = [
    WeightedTokens.answer([3, 14, 15, 9, 2, 6], 2, 6),
    WeightedTokens.answer([27, 18, 28], 1, 2),
    WeightedTokens.answer([1, 4, 1, 5, 9, 2, 6, 5, 3], 7, 9),
]


@pytest.mark.parametrize("build", [llama, gemma_with_capped_logits])
def test_answer_logprobs_are_those_of_the_models_full_logits_row_by_row(build: object) -> None:
    torch.manual_seed(0)
    module = build().eval()  # type: ignore[operator]
    with torch.no_grad():
        together = answer_logprobs(module, collate(ROWS, pad_token=0))
        for row, found in zip(ROWS, together, strict=True):
            tokens = torch.tensor(row.tokens, dtype=torch.long)[None]
            logprobs = module(input_ids=tokens).logits[0].log_softmax(-1)
            alone = sum(logprobs[t - 1, int(row.tokens[t])] * float(row.weights[t]) for t in range(1, len(row)))
            assert torch.isclose(found, torch.as_tensor(alone), atol=1e-5)


def test_logits_are_computed_only_where_a_token_has_a_weight() -> None:
    module = llama().eval()
    widths: list[int] = []
    projection = module.get_output_embeddings()
    assert projection is not None
    handle = projection.register_forward_hook(lambda _module, _inputs, logits: widths.append(logits.shape[1]))
    found = token_logprobs(module, collate(ROWS, pad_token=0))
    handle.remove()
    assert widths == [7] and found.shape == (7,)


def test_the_models_forward_is_as_before_afterwards() -> None:
    module = llama().eval()
    batch = collate(ROWS, pad_token=0)
    token_logprobs(module, batch)
    assert module(input_ids=batch.tokens_BT).logits.shape == (3, 9, 50)


def test_gradients_reach_the_weights() -> None:
    module = llama().train()
    answer_logprobs(module, collate(ROWS, pad_token=0)).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
