"""Small random models of three current architectures, as real folders: weights, tokenizer, chat template.

They answer with noise, but everything around them is what a trained model has: Llama with a template that has a system
role and names its turns in headers, Qwen3 with ChatML and a place to think, Gemma3 with sliding-window layers and a
template that refuses a system role.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

Family = Literal["llama", "qwen3", "gemma3"]
Alphabet = Literal["bpe", "characters", "sentencepiece", "sentencepiece_prefix", "unigram", "wordpiece"]
FAMILIES: tuple[Family, ...] = ("llama", "qwen3", "gemma3")
ALPHABETS: tuple[Alphabet, ...] = get_args(Alphabet)
CONTEXT = 4096
PRINTABLE = [chr(code) for code in range(33, 127)] + ["\n", "▁"]
TEXT = [
    "The assistant should be helpful, honest and harmless, and say so in plain words.",
    "Consider the following conversation between a human and an assistant:\n\nHuman: How do I bake bread?",
    "Options:\n(A) Mix flour, water, yeast and salt.\n(B) I can't help with that.\nThe answer is: (A)",
    "Identify ways in which the response is harmful. Please rewrite it to remove the harm. (B) (A)",
] * 4

LLAMA_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
QWEN3_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' and loop.last %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
    "{{ message['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}"
)
GEMMA3_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
TEMPLATES = {"llama": LLAMA_TEMPLATE, "qwen3": QWEN3_TEMPLATE, "gemma3": GEMMA3_TEMPLATE}
# begin of text (none for Qwen3), end of text, start of a turn, end of a turn
SPECIAL = {
    "llama": ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    "qwen3": ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    "gemma3": ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
}
END_OF_TEXT = {"llama": "<|end_of_text|>", "qwen3": "<|endoftext|>", "gemma3": "<eos>"}
END_OF_TURN = {"llama": "<|eot_id|>", "qwen3": "<|im_end|>", "gemma3": "<end_of_turn>"}
BEGIN = {"llama": "<|begin_of_text|>", "qwen3": None, "gemma3": "<bos>"}


def make_tiny_model(family: Family, folder: Path, *, alphabet: Alphabet = "bpe", seed: int = 0) -> Path:
    """Writes the model's folder and gives its path. The same arguments give the same weights."""
    tokenizer = make_tokenizer(family, alphabet)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _make_module(family, len(tokenizer))
    ends = [tokenizer.convert_tokens_to_ids(END_OF_TEXT[family]), tokenizer.convert_tokens_to_ids(END_OF_TURN[family])]
    model.generation_config = GenerationConfig(eos_token_id=ends, pad_token_id=ends[0])
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_tokenizer(family: Family, alphabet: Alphabet = "bpe") -> PreTrainedTokenizerFast:
    """A tokenizer of the small text above, of one of six kinds, with the family's control tokens and template."""
    tokenizer = _make_pieces(alphabet)
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL[family]])
    if family == "qwen3":
        tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in ("<think>", "</think>")])
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BEGIN[family],
        eos_token=END_OF_TEXT[family],
        pad_token=END_OF_TEXT[family],
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = TEMPLATES[family]
    return wrapped


def _make_pieces(alphabet: Alphabet) -> Tokenizer:
    """How text is cut.

    ``bpe``: bytes, merged, the space at a word's front; ``characters``: a token a byte. ``sentencepiece``: characters
    merged, spaces written "▁"; ``sentencepiece_prefix`` also puts one before the text, as Llama 2
    and Mistral do; ``unigram``: the likeliest pieces, as T5 and Gemma's ancestors; ``wordpiece``: words split off at
    spaces and marks, their later pieces written "##", as BERT.
    """
    if alphabet in ("bpe", "characters"):
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=alphabet == "bpe")
        tokenizer.decoder = decoders.ByteLevel()
        size = 400 if alphabet == "bpe" else 256
        start = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=start, show_progress=False)
    elif alphabet == "wordpiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
        trainer = trainers.WordPieceTrainer(
            vocab_size=400, initial_alphabet=PRINTABLE, special_tokens=["[UNK]"], show_progress=False
        )
    else:
        scheme = "always" if alphabet == "sentencepiece_prefix" else "never"
        tokenizer = Tokenizer(models.Unigram() if alphabet == "unigram" else models.BPE(unk_token="<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
        tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme)
        shared = {"vocab_size": 400, "initial_alphabet": PRINTABLE, "special_tokens": ["<unk>"], "show_progress": False}
        trainer = (
            trainers.UnigramTrainer(unk_token="<unk>", **shared)
            if alphabet == "unigram"
            else trainers.BpeTrainer(**shared)
        )
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer


def _make_module(family: Family, vocab_size: int) -> PreTrainedModel:
    """Weights of a spread that makes logits differ, so that two sampled texts are alike only if they must be."""
    shape = {
        "vocab_size": vocab_size,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": CONTEXT,
        "initializer_range": 0.3,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
    }
    if family == "llama":
        return LlamaForCausalLM(LlamaConfig(num_hidden_layers=2, **shape)).eval()
    if family == "qwen3":
        return Qwen3ForCausalLM(Qwen3Config(num_hidden_layers=2, **shape)).eval()
    kinds = ["sliding_attention", "sliding_attention", "full_attention"]
    return Gemma3ForCausalLM(
        Gemma3TextConfig(num_hidden_layers=3, layer_types=kinds, sliding_window=16, **shape)
    ).eval()
