"""Models in this process: any Hugging Face causal LM folder, on CPU or GPU, or a policy in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from charter.errors import ModelError
from charter.models.base import ChoiceLogprobs, ChoiceRequest, GenerateRequest
from charter.models.choices import Fork, other_mass, score
from charter.models.folder import ModelFolder
from charter.models.generation import Job, Written, write
from charter.models.memory import Weights, require_memory
from charter.models.network import Network
from charter.models.rendering import chat_format, decode_answer, encode, render_text, render_tokens
from charter.models.thinking import count_thoughts, cut_thoughts
from charter.types import Completion, Message

SMALL = 200_000_000  # parameters up to which a CPU holds weights in float32, in which it steps faster
ENDLESS = 10**9  # tokenizers that know no longest text name a number beyond this


@dataclass(frozen=True, slots=True)
class Sample:
    """A completion, the tokens that the model was shown, and those that it drew, with the one that ended the answer.

    The first ``thoughts`` of those drawn are no part of the answer.
    """

    completion: Completion
    prompt: tuple[int, ...]
    drawn: tuple[int, ...]
    thoughts: int = 0


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A causal LM with its tokenizer, as a ``Model``. ``ends`` are the tokens that end an answer."""

    network: Network
    tokenizer: PreTrainedTokenizerBase
    digest: str
    context_tokens: int
    ends: frozenset[int]

    @classmethod
    def load(cls, path: ModelFolder | Path | str, *, exact: bool = False) -> LocalModel:
        """The model in a folder, on the GPU if there is one. A folder that was checked before isn't digested again.

        Weights keep the precision in which they are stored, save that on a CPU those of a small model are held in
        float32. ``exact`` computes everything in float32. Raises ``ModelError`` for a folder that can't be used.
        """
        folder = path if isinstance(path, ModelFolder) else ModelFolder.check(path)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        held = device.type == "cpu" and Weights.of(folder).numbers <= SMALL
        require_memory(folder, 4 if exact or held else None, device, "load")
        module, tokenizer = _load_module(folder, exact), _load_tokenizer(folder)
        _require_attention(module, folder)
        if held:
            module.float()
        cast("torch.nn.Module", module).to(device)
        return cls.wrap(module, tokenizer, folder.digest, exact=exact)

    @classmethod
    def wrap(
        cls, module: torch.nn.Module, tokenizer: PreTrainedTokenizerBase, digest: str, *, exact: bool = False
    ) -> LocalModel:
        """A module that is there already, such as a policy in training, as it is whenever it is asked.

        ``digest`` is the caller's name for its state; whoever trains it wraps it anew, under another digest.
        """
        network = Network(module, exact)
        return cls(network, tokenizer, digest, _context_tokens(network, tokenizer), _ends(module, tokenizer))

    @property
    def module(self) -> torch.nn.Module:
        return self.network.module

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Length of the rendered messages; up to where an answer begins, if it is the assistant's turn."""
        asks = messages[-1].role != "assistant"
        return len(render_tokens(self.tokenizer, messages, for_generation=asks))

    def generate(self, requests: Sequence[GenerateRequest]) -> list[Completion]:
        """An answer a request, in order. ``tokens`` counts the end-of-turn token if one was written.

        An answer also ends (``length``) where the context is full. Raises ``ModelError``, before anything is computed,
        if a prompt leaves no room for an answer.
        """
        return [sample.completion for sample in self.sample(requests)]

    def sample(self, requests: Sequence[GenerateRequest]) -> list[Sample]:
        """As ``generate``, with the tokens: a policy in training learns from those, not from their text cut anew."""
        texts = [render_text(self.tokenizer, request.messages, request.prefill) for request in requests]
        prompts = self._encode(texts)
        for prompt in prompts:
            self._require_room(prompt, 1)
        jobs = [self._job(request, prompt) for request, prompt in zip(requests, prompts, strict=True)]
        written = write(self.network, jobs, self.ends)
        return [
            Sample(
                self._completion(request, job, wrote),
                job.prompt,
                wrote.drawn,
                count_thoughts(wrote.drawn, chat_format(self.tokenizer).thinking),
            )
            for request, job, wrote in zip(requests, jobs, written, strict=True)
        ]

    def choice_logprobs(self, requests: Sequence[ChoiceRequest]) -> list[ChoiceLogprobs]:
        """The choices' log-probabilities, in order. Raises ``ModelError`` if a prompt leaves no room for a choice."""
        texts = [render_text(self.tokenizer, request.messages, request.prefill) for request in requests]
        leads = ["" if request.prefill else chat_format(self.tokenizer).lead for request in requests]
        prompts = self._encode(texts)
        chosen = self._encode(
            [
                text + lead + choice
                for text, lead, request in zip(texts, leads, requests, strict=True)
                for choice in request.choices
            ]
        )
        given = iter(chosen)
        forks = [
            Fork.at(prompt, [next(given) for _ in request.choices])
            for prompt, request in zip(prompts, requests, strict=True)
        ]
        for fork in forks:
            self._require_room(fork.stem, max(map(len, fork.branches)))
        scores = score(self.network, forks)
        return [
            ChoiceLogprobs(logprobs, other_mass(logprobs), len(prompt))
            for logprobs, prompt in zip(scores, prompts, strict=True)
        ]

    def _encode(self, texts: list[str]) -> list[list[int]]:
        """Tokens of each text; equal ones are tokenised once."""
        distinct = list(dict.fromkeys(texts))
        tokens = dict(zip(distinct, encode(self.tokenizer, distinct), strict=True))
        return [tokens[text] for text in texts]

    def _require_room(self, prompt: Sequence[int], answer: int) -> None:
        if not prompt:
            raise ModelError("the model's chat template renders a conversation as nothing", "Mend its chat template.")
        if len(prompt) + answer > self.context_tokens:
            raise ModelError(
                f"a prompt of {len(prompt)} tokens leaves no room for an answer: the model's context is "
                f"{self.context_tokens} tokens",
                "Shorten the prompt, or take a model with a longer context.",
            )

    def _job(self, request: GenerateRequest, prompt: list[int]) -> Job:
        def suffices(tokens: list[int]) -> bool:
            whole = self._text(request, prompt, tokens, ended=False)
            form = chat_format(self.tokenizer)
            _, text = cut_thoughts(whole, form.thinking, opened=form.opens and not request.prefill)
            return any(stop in text for stop in request.stop)

        limit = min(request.max_tokens, self.context_tokens - len(prompt))
        return Job(tuple(prompt), limit, request.seed, request.temperature, suffices if request.stop else None)

    def _completion(self, request: GenerateRequest, job: Job, written: Written) -> Completion:
        whole = self._text(request, job.prompt, written.tokens, ended=written.stop == "end")
        form = chat_format(self.tokenizer)
        thoughts, text = cut_thoughts(whole, form.thinking, opened=form.opens and not request.prefill)
        cuts = [text.index(stop) for stop in request.stop if stop in text]
        return Completion(
            text=text[: min(cuts)] if cuts else text,
            tokens=len(written.tokens) + (written.stop == "end"),
            prompt_tokens=len(job.prompt),
            stop=written.stop,
            model=self.digest,
            thoughts=thoughts,
        )

    def _text(self, request: GenerateRequest, prompt: Sequence[int], tokens: Sequence[int], *, ended: bool) -> str:
        return decode_answer(self.tokenizer, prompt, tokens, prefilled=bool(request.prefill), ended=ended)


def _load_module(folder: ModelFolder, exact: bool) -> PreTrainedModel:
    """The folder's causal LM. Raises ``ModelError`` for files that don't make one, and for weights that are missing."""
    disable_progress_bar()  # Charter shows its own
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder.path,
            dtype=torch.float32 if exact else "auto",
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"the model in {folder.path} can't be loaded: {error}",
            "It has to be a causal language model that Transformers knows, whole, with weights that fit config.json.",
        ) from error
    module, info = loaded
    missing = sorted(info["missing_keys"])
    if missing:
        raise ModelError(
            f"the weights in {folder.path} lack {len(missing)} of the model's tensors, {missing[0]} first",
            "Save the whole model there, not a part of it or an adapter.",
        )
    return module


def _load_tokenizer(folder: ModelFolder) -> PreTrainedTokenizerBase:
    """Raises ``ModelError`` for files that don't make a tokenizer, or a template that can't be used."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder.path, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the tokenizers library raises plain Exception for a broken file
        raise ModelError(
            f"the tokenizer in {folder.path} can't be loaded: {error}",
            "Save it there again with tokenizer.save_pretrained(folder).",
        ) from error
    chat_format(tokenizer)
    return tokenizer


def _require_attention(module: PreTrainedModel, folder: ModelFolder) -> None:
    """Raises ``ModelError`` for a model some of whose layers keep something else than keys and values."""
    layers = cast("list[Any]", DynamicCache(config=module.config).layers)
    others = sorted({type(layer).__name__ for layer in layers} - {"DynamicLayer", "DynamicSlidingWindowLayer"})
    if others:
        raise ModelError(
            f"the model in {folder.path} has layers that Charter can't run ({', '.join(others)})",
            "Take a model whose layers are full or sliding-window attention.",
        )


def _context_tokens(network: Network, tokenizer: PreTrainedTokenizerBase) -> int:
    """The longest text that the model takes, by its configuration or else its tokenizer."""
    longest = getattr(network.config, "max_position_embeddings", None) or tokenizer.model_max_length
    if longest > ENDLESS:
        raise ModelError(
            "the model doesn't say how long its context is", "Set max_position_embeddings in its config.json."
        )
    return int(longest)


def _ends(module: torch.nn.Module, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """The tokens that end an answer: the template's end of turn, the tokenizer's end of text, the folder's own list."""
    listed: int | list[int] | None = getattr(getattr(module, "generation_config", None), "eos_token_id", None)
    ends = {chat_format(tokenizer).end_token, *([listed] if isinstance(listed, int) else listed or [])}
    return frozenset(ends | ({tokenizer.eos_token_id} if isinstance(tokenizer.eos_token_id, int) else set()))
