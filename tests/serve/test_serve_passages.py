"""Log-probabilities of given tokens, beside a plain forward pass for each text."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from charter.errors import ModelError
from charter.models.local import LocalModel
from charter.models.passages import Passage, score_tokens
from charter.models.raw_text import raw_tokens, token_texts
from tiny_models import FAMILIES, Family, make_tiny_model, make_tokenizer

LENGTHS = (40, 3, 17, 1, 23)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("logits", [None, 5000])
def test_scores_are_those_of_a_plain_forward_pass(
    family: Family, logits: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a text is gone through in several steps, and past a sliding window."""
    if logits is not None:
        monkeypatch.setattr("charter.models.passages.LOGITS", logits)
    model = LocalModel.load(make_tiny_model(family, tmp_path), exact=True)
    generator = torch.Generator().manual_seed(0)
    texts = [tuple(torch.randint(5, 300, (length,), generator=generator).tolist()) for length in LENGTHS]
    passages = [*(Passage(text) for text in texts), Passage(texts[0], 30), Passage(texts[2], 17)]
    for passage, scored in zip(passages, score_tokens(model.network, passages, 4), strict=True):
        with torch.inference_mode():
            rows = model.module(torch.tensor([passage.tokens])).logits[0].float().log_softmax(-1)
        rows = rows[passage.start - 1 : -1]
        assert tuple(found.token for found in scored) == passage.tokens[passage.start :]
        for found, row in zip(scored, rows, strict=True):
            assert found.logprob == pytest.approx(row[found.token].item(), abs=1e-4)
            assert [value for _, value in found.likeliest] == pytest.approx(row.topk(4).values.tolist(), abs=1e-4)


def test_broken_weights_are_said(tmp_path: Path) -> None:
    model = LocalModel.load(make_tiny_model("llama", tmp_path), exact=True)
    next(iter(model.module.parameters())).data.fill_(float("nan"))
    with pytest.raises(ModelError, match="NaN"):
        score_tokens(model.network, [Passage((1, 2, 3))])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_texts_of_tokens_add_up_and_control_tokens_have_their_names(family: Family) -> None:
    tokenizer = make_tokenizer(family)
    text = tokenizer.apply_chat_template([{"role": "user", "content": " Bread, then?"}], tokenize=False)
    tokens = raw_tokens(tokenizer, str(text))
    assert "".join(token_texts(tokenizer, tokens)) == text
    assert token_texts(tokenizer, tokens, 2) == token_texts(tokenizer, tokens)[2:]


def test_a_token_that_the_tokenizer_begins_texts_with_comes_once() -> None:
    tokenizer = make_tokenizer("llama")
    plain = raw_tokens(tokenizer, "Bread")
    begin = tokenizer.bos_token_id
    from tokenizers.processors import TemplateProcessing

    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(  # as Llama's own does
        single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", begin)]
    )
    assert raw_tokens(tokenizer, "Bread") == [begin, *plain]
    assert raw_tokens(tokenizer, "<|begin_of_text|>Bread") == [begin, *plain]
    assert raw_tokens(tokenizer, "") == [begin]
