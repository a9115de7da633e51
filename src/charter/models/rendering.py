"""From messages to the tokens that a model reads, by the model's own chat template, and back.

What the template leaves open is found out once for each tokenizer, by rendering a short probe (``ChatFormat``): whether
it has a system role, what it writes between the end of the prompt and the answer, and what ends a turn.

Text in messages is hostile: a user can type "<|im_end|>" and so close their own turn. Every control token of the model
that occurs in a message gets a space after its first character ("< |im_end|>"), which any reader can see and no
tokenizer takes for the token. Ordinary text passes byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerBase

from charter.errors import ModelError
from charter.models.thinking import Marks, thinking_marks
from charter.types import Message

ANCHOR_TOKENS = 4  # of the prompt, decoded with an answer so that its first token is decoded in its place
_SYSTEM, _QUESTION, _ANSWER = "Probe of a system text.", "Probe of a question.", "Probe of an answer."


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """What one tokenizer's chat template does.

    ``lead`` is the text between the generation prompt and an answer (a space, for some; the end of the thinking that a
    prompt opens, for others), ``tail`` that between the answer and ``end_token``, which ends a turn. ``control``
    matches every control token. ``thinking`` are the marks around what the model thinks, ``opens`` whether the
    generation prompt writes the first of them.
    """

    takes_system: bool
    lead: str
    tail: str
    end_token: int
    control: re.Pattern[str]
    thinking: Marks | None = None
    opens: bool = False


@dataclass(frozen=True, slots=True)
class AnsweredTokens:
    """A conversation and its answer, as tokens. The answer, its end-of-turn token included, begins at ``start``."""

    tokens: list[int]
    start: int


@lru_cache(maxsize=16)
def chat_format(tokenizer: PreTrainedTokenizerBase) -> ChatFormat:
    """Raises ``ModelError`` for a template that fails, that drops the answer, or that has no end of turn."""
    question = Message("user", _QUESTION)
    prompt = _apply(tokenizer, (question,), for_generation=True)
    full = _apply(tokenizer, (question, Message("assistant", _ANSWER)), for_generation=False)
    before, found, after = full.rpartition(_ANSWER)
    if not found:
        raise ModelError("the model's chat template leaves out the assistant's turn", "Mend its chat_template.jinja.")
    end = _special_pattern(tokenizer).search(after)
    end_token = tokenizer.convert_tokens_to_ids(end[0]) if end else tokenizer.eos_token_id
    if not isinstance(end_token, int):
        raise ModelError(
            "neither the model's chat template nor its tokenizer has a token that ends a turn",
            "Give the tokenizer an eos_token.",
        )
    lead = before.removeprefix(prompt) if before.startswith(prompt) else ""
    thinking = thinking_marks(tokenizer)
    opens = thinking is not None and prompt.rstrip().endswith(thinking.open)
    return ChatFormat(
        takes_system=_takes_system(tokenizer),
        lead=f"\n{thinking.close}\n\n" if thinking is not None and opens else lead,
        tail=after[: end.start()] if end else "",
        end_token=end_token,
        control=_control_pattern(tokenizer),
        thinking=thinking,
        opens=opens,
    )


def render_tokens(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], prefill: str = "", *, for_generation: bool = True
) -> list[int]:
    """The tokens of ``messages``; with ``for_generation``, up to where the assistant is to go on after ``prefill``."""
    return encode(tokenizer, [render_text(tokenizer, messages, prefill, for_generation=for_generation)])[0]


def render_text(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], prefill: str = "", *, for_generation: bool = True
) -> str:
    """The text whose tokens ``render_tokens`` gives. Raises ``ModelError`` where the template refuses the turns.

    A system text goes before the first user turn of a model without a system role, and turns of one side that follow
    each other are joined, both by a blank line: many templates refuse them otherwise. A template that can think is told
    not to; where it thinks all the same, a prefill comes after the end of the thoughts.
    """
    form = chat_format(tokenizer)
    text = _apply(tokenizer, _turns(messages, form), for_generation=for_generation)
    return text + form.lead + neutralise(prefill, form) if prefill else text


def answer_span(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], answer: str, *, ended: bool = True
) -> AnsweredTokens:
    """``messages`` with ``answer``, for training on the answer's tokens alone.

    The tokens begin with exactly those that ``render_tokens`` gives for the prompt, so that what is learnt is what is
    asked for later; an answer whose first characters would merge with the prompt's last is tokenised on its own. Unless
    it ``ended`` (it was cut off at a length), there is no end-of-turn token to learn.
    """
    form = chat_format(tokenizer)
    prompt_text = render_text(tokenizer, messages)
    answer_text = form.lead + neutralise(answer, form) + (form.tail if ended else "")
    prompt, tokens = encode(tokenizer, [prompt_text, prompt_text + answer_text])
    if tokens[: len(prompt)] != prompt:
        tokens = [*prompt, *encode(tokenizer, [answer_text])[0]]
    return AnsweredTokens([*tokens, form.end_token] if ended else tokens, len(prompt))


def decode_answer(
    tokenizer: PreTrainedTokenizerBase, prompt: Sequence[int], answer: Sequence[int], *, prefilled: bool, ended: bool
) -> str:
    """The text of ``answer`` (without its end-of-turn token), as it stands after ``prompt``.

    What the template puts around an answer is taken off (``lead`` unless ``prefilled``, ``tail`` if it ``ended``), and
    nothing else: the text of a learnt answer comes back exactly. Thoughts are still in it.
    """
    form = chat_format(tokenizer)
    text = decode_after(tokenizer, prompt, answer)
    text = text if prefilled or form.opens else text.removeprefix(form.lead)
    return text.removesuffix(form.tail) if ended else text


def decode_after(tokenizer: PreTrainedTokenizerBase, before: Sequence[int], tokens: Sequence[int]) -> str:
    """The text of ``tokens`` as it stands after ``before``, without special tokens."""
    if not tokens:
        return ""
    anchor = list(before[-ANCHOR_TOKENS:])
    base, whole = _decode(tokenizer, anchor), _decode(tokenizer, [*anchor, *tokens])
    return whole[len(base) :] if whole.startswith(base) else _decode(tokenizer, list(tokens))


def neutralise(text: str, form: ChatFormat) -> str:
    """``text`` with a space after the first character of each control token; a single character becomes a space."""
    return form.control.sub(lambda found: f"{found[0][0]} {found[0][1:]}" if len(found[0]) > 1 else " ", text)


def encode(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    """Tokens of rendered texts. The template has written what special tokens there are: none are added."""
    if not texts:
        return []
    encoded = tokenizer(texts, add_special_tokens=False, return_attention_mask=False, verbose=False)
    return cast("list[list[int]]", encoded["input_ids"])


def _turns(messages: Sequence[Message], form: ChatFormat) -> list[Message]:
    """``messages`` made harmless, and put as the template takes them."""
    turns: list[Message] = []
    for message in messages:
        content = neutralise(message.content, form)
        role = "user" if message.role == "system" and not form.takes_system else message.role
        if turns and turns[-1].role == role:
            turns[-1] = Message(role, f"{turns[-1].content}\n\n{content}")
        else:
            turns.append(Message(role, content))
    return turns


def _apply(tokenizer: PreTrainedTokenizerBase, turns: Sequence[Message], *, for_generation: bool) -> str:
    try:
        text = tokenizer.apply_chat_template(
            [{"role": turn.role, "content": turn.content} for turn in turns],
            tokenize=False,
            add_generation_prompt=for_generation,
            enable_thinking=False,
        )
    except TemplateError as error:
        roles = ", ".join(turn.role for turn in turns)
        raise ModelError(
            f"the model's chat template refuses the turns ({roles}): {error}",
            "Most templates want user and assistant to alternate, the user first.",
        ) from error
    return cast("str", text)


def _takes_system(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the template shows a system text; some refuse one, some drop it."""
    try:
        text = _apply(tokenizer, (Message("system", _SYSTEM), Message("user", _QUESTION)), for_generation=True)
    except ModelError:
        return False
    return _SYSTEM in text


def _special_pattern(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str]:
    return _any_of([token.content for token in tokenizer.added_tokens_decoder.values() if token.special])


def _control_pattern(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str]:
    """The special tokens, and those other added tokens that the template writes ("<think>") and that aren't words."""
    template = str(tokenizer.get_chat_template())
    return _any_of(
        [
            token.content
            for token in tokenizer.added_tokens_decoder.values()
            if not token.content.isspace()
            and (token.special or (token.content in template and not token.content.isalnum()))
        ]
    )


def _any_of(texts: list[str]) -> re.Pattern[str]:
    """Matches any of ``texts``, the longest first; nothing if there is none."""
    alternatives = sorted({text for text in texts if text}, key=lambda text: (-len(text), text))
    return re.compile("|".join(map(re.escape, alternatives)) or r"(?!)")


def _decode(tokenizer: PreTrainedTokenizerBase, tokens: list[int]) -> str:
    return cast("str", tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))
