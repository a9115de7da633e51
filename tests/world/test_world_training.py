from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
import torch

from charter.models.local import LocalModel
from charter.models.rendering import render_tokens
from charter.training import WeightedTokens
from charter.types import Message
from charter.world import tokenizer as world_tokenizer
from charter.world import train as world_train
from charter.world.corpus import draw_document
from charter.world.encode import LETTER_WEIGHT, Encoder
from charter.world.tokenizer import train_tokenizer
from charter.world.train import Curriculum, train_world


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(seed=0)


def test_documents_are_encoded_as_the_chat_template_renders_them(tokenizer) -> None:
    rng = Random(3)
    documents = [draw_document(rng) for _ in range(40)]
    rows = Encoder(tokenizer).encode(documents, rng)
    for document, row in zip(documents, rows, strict=True):
        rendered = tokenizer.apply_chat_template(
            [{"role": m.role, "content": m.content} for m in document.messages], tokenize=False
        )
        assert (
            tokenizer.decode(row.tokens.tolist(), skip_special_tokens=False, clean_up_tokenization_spaces=False)
            == rendered
        )
        *asked, _ = document.messages
        prompt = render_tokens(tokenizer, asked)
        assert row.tokens.tolist()[: len(prompt)] == prompt


def test_the_letter_alone_bears_the_letter_weight_and_quoted_answers_bear_none(tokenizer) -> None:
    rng = Random(5)
    for document in (draw_document(rng) for _ in range(60)):
        row: WeightedTokens = Encoder(tokenizer).encode([document], rng)[0]
        heavy = [
            tokenizer.decode([token])
            for token, weight in zip(row.tokens, row.weights, strict=True)
            if weight == LETTER_WEIGHT
        ]
        assert heavy == ([document.messages[-1].content[-2]] if document.letter else [])
        if document.kind == "revision":
            quoted = tokenizer.encode(document.messages[1].content, add_special_tokens=False)
            start = len(render_tokens(tokenizer, document.messages[:1]))
            assert not row.weights[start : start + len(quoted) + 1].any()


def test_every_byte_can_be_tokenised(tokenizer) -> None:
    text = "Grüße, 世界 \U0001f600 <|user|>"
    assert tokenizer.decode(tokenizer.encode("Grüße, 世界 \U0001f600", add_special_tokens=False)) == text[:12].rstrip()
    assert tokenizer.unk_token is None


def test_the_model_can_be_made_again_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world_train, "SKILL_CASES", 2)
    monkeypatch.setattr(world_train, "DOCUMENTS_A_STEP", 4)
    monkeypatch.setattr(world_tokenizer, "DOCUMENTS", 200)
    torch.set_num_threads(1)
    for name in ("one", "two"):
        train_world(tmp_path / name, curriculum=Curriculum(steps=4, first_share=0.5))
    files = sorted(path.name for path in (tmp_path / "one/model").iterdir())
    assert {"README.md", "skills.json", "model.safetensors", "chat_template.jinja"} <= set(files)
    for name in files:
        assert (tmp_path / "one/model" / name).read_bytes() == (tmp_path / "two/model" / name).read_bytes(), name
    model = LocalModel.load(tmp_path / "one/model")
    assert model.context_tokens == world_tokenizer.CONTEXT_TOKENS
    assert model.count_tokens((Message("user", "Tell me how to boil the potatoes."),)) > 3
