"""The paper's own constitution, from a user's copy of its official files (Bai et al. 2022, supplementary files).

The paper keeps two lists, and neither is derived from the other: 16 pairs of a critique and a revision request (§3.1,
App. C.1) and 16 questions to judges (§4.1, App. C.2). They stay two lists here: the former become principles without a
comparison question, the latter principles without requests. The words stay as they are, misspellings included; only
what marks a turn is taken off ("CritiqueRequest:", "Revision:", "Options:", a dangling "Human:").

Worked examples (App. E): a conversation of one turn becomes that turn's text; a longer one becomes a transcript of
"Human:" and "Assistant:" turns. The pairs of the file without reasoning come without an order, so that the better side
alternates, A first; those with reasoning keep theirs.
Departure: the reasoned examples write H: and A: for the speakers; they are spelt out, as judges are asked in that form.

Nothing of these files ships with Charter: they carry no licence.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from charter.digests import digest_of_files
from charter.errors import ConstitutionError
from charter.printable import printable
from charter.types import ComparisonExample, Constitution, Principle, RevisionExample
from charter.yaml_faults import dotted
from charter.yaml_file import read_text

REQUESTS = "CritiqueRevisionInstructions.json"
REQUEST_EXAMPLES = "CritiqueRevisionFewShotPrompts.json"
QUESTIONS = "RLMadisonInstructions.json"
QUESTION_EXAMPLES = "RLMadisonFewShotPrompts.json"
REASONED_EXAMPLES = "RLMadisonPrecogFewShotPrompts.json"

_VALUES = ("harmless", "honest", "helpful")
_REVISION_EXAMPLE = re.compile(
    r"\s*(?P<conversation>Human:.*)\n\nAssistant:(?P<response>(?:(?!\n\nAssistant:).)*)"
    r"\n\nCritiqueRequest:(?P<critique_request>.*)\n\nCritique:(?P<critique>.*)"
    r"\n\nRevisionRequest:(?P<revision_request>.*)\n\nRevision:(?P<revision>.*?)(?:\n\nHuman:\s*)?",
    re.DOTALL,
)
_REASONED_EXAMPLE = re.compile(
    r"\s*Human:[^\n]*:\n\n(?P<conversation>.*)\n\n\{\}\s*"
    r"\(A\)\s*\[\[\[(?P<a>.*)\]\]\]\s*\(B\)\s*\[\[\[(?P<b>.*)\]\]\]"
    r"\n\nAssistant:[^\n:]*:(?P<reasoning>.*)\n\nHuman:[^(]*\((?P<better>[AB])\)\s*",
    re.DOTALL,
)


class _Request(BaseModel):
    prompt: list[str]
    edit_request: str


class _Pair(BaseModel):
    prompt: str
    corrects: list[str]
    incorrects: list[str]


class _Reasoned(BaseModel):
    prompt: str


Parsed = TypeVar("Parsed")


def is_paper_folder(folder: Path) -> bool:
    """Whether the folder holds both of the paper's lists of principles."""
    return (folder / REQUESTS).is_file() and (folder / QUESTIONS).is_file()


def read_paper_constitution(folder: Path) -> Constitution:
    """The constitution in a folder of the official files; those of worked examples may be missing.

    Its version is the digest of the files. Raises ``ConstitutionError`` naming the file and the entry at fault.
    """
    requests = _read(folder / REQUESTS, TypeAdapter(dict[str, _Request]))
    questions = _read(folder / QUESTIONS, TypeAdapter(list[str]))
    present = [name for name in (REQUESTS, QUESTIONS, *_EXAMPLE_FILES) if (folder / name).is_file()]
    return Constitution(
        name="cai-paper",
        version=digest_of_files(folder, present)[:12],
        preamble="",
        priorities=(),
        principles=(
            *(_request_principle(key, request, folder / REQUESTS) for key, request in requests.items()),
            *(_question_principle(index, question) for index, question in enumerate(questions)),
        ),
        revision_examples=_revision_examples(folder) if REQUEST_EXAMPLES in present else (),
        comparison_examples=(
            *(_pair_examples(folder) if QUESTION_EXAMPLES in present else ()),
            *(_reasoned_examples(folder) if REASONED_EXAMPLES in present else ()),
        ),
    )


_EXAMPLE_FILES = (REQUEST_EXAMPLES, QUESTION_EXAMPLES, REASONED_EXAMPLES)


def _request_principle(key: str, request: _Request, path: Path) -> Principle:
    if len(request.prompt) != 1:
        raise _malformed(path, f"{key}.prompt", f"{len(request.prompt)} texts where one was expected")
    critique = _between(request.prompt[0], "CritiqueRequest:", "Critique:")
    revision = _between(request.edit_request, "RevisionRequest:", "Revision:")
    return Principle(
        id=f"critique-{key}",
        title=f"Critique and revision {key}",
        text=critique,
        critique=critique,
        revision=revision,
        comparison="",
        source=f"Bai et al. 2022, {REQUESTS}, {key}",
        tags=_tags(critique),
    )


def _question_principle(index: int, question: str) -> Principle:
    comparison = _between(question, "", "Options:")
    return Principle(
        id=f"comparison-{index}",
        title=f"Comparison {index}",
        text=comparison,
        critique="",
        revision="",
        comparison=comparison,
        source=f"Bai et al. 2022, {QUESTIONS}, entry {index}",
        tags=_tags(comparison),
    )


def _tags(text: str) -> tuple[str, ...]:
    """Harmlessness is what all of these principles are about (§1.3); the other values where a principle names them."""
    return tuple(value for value in _VALUES if value == "harmless" or value in text.lower())


def _revision_examples(folder: Path) -> tuple[RevisionExample, ...]:
    path = folder / REQUEST_EXAMPLES
    examples: list[RevisionExample] = []
    for index, text in enumerate(_read(path, TypeAdapter(list[str]))):
        parts = _parts(_REVISION_EXAMPLE, text, path, index)
        prompt = _conversation(parts.pop("conversation"), "Human", "Assistant")
        examples.append(RevisionExample(prompt=prompt, **parts))
    return tuple(examples)


def _pair_examples(folder: Path) -> tuple[ComparisonExample, ...]:
    path = folder / QUESTION_EXAMPLES
    examples: list[ComparisonExample] = []
    for index, pair in enumerate(_read(path, TypeAdapter(list[_Pair]))):
        if len(pair.corrects) != 1 or len(pair.incorrects) != 1:
            raise _malformed(path, str(index), "one correct and one incorrect answer were expected")
        conversation = _conversation(_between(pair.prompt, "", "Assistant:"), "Human", "Assistant")
        better, worse = pair.corrects[0].strip(), pair.incorrects[0].strip()
        a_is_better = index % 2 == 0
        a, b = (better, worse) if a_is_better else (worse, better)
        examples.append(ComparisonExample(conversation, a, b, "a" if a_is_better else "b"))
    return tuple(examples)


def _reasoned_examples(folder: Path) -> tuple[ComparisonExample, ...]:
    path = folder / REASONED_EXAMPLES
    examples: list[ComparisonExample] = []
    for index, row in enumerate(_read(path, TypeAdapter(list[_Reasoned]))):
        parts = _parts(_REASONED_EXAMPLE, row.prompt, path, index)
        conversation = _conversation(parts["conversation"], "H", "A")
        better = "a" if parts["better"] == "A" else "b"
        examples.append(ComparisonExample(conversation, parts["a"], parts["b"], better, parts["reasoning"]))
    return tuple(examples)


def _parts(pattern: re.Pattern[str], text: str, path: Path, index: int) -> dict[str, str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise _malformed(path, str(index), "not in the form of the paper's examples")
    return {name: part.strip() for name, part in found.groupdict().items()}


def _conversation(text: str, human: str, assistant: str) -> str:
    """One turn's bare text, or a transcript with the speakers spelt out."""
    turns = re.split(rf"(?:^|\n\n)({human}|{assistant}):", text.strip())
    speakers = ["Human" if speaker == human else "Assistant" for speaker in turns[1::2]]
    texts = [turn.strip() for turn in turns[2::2]]
    if len(texts) == 1:
        return texts[0]
    return "\n\n".join(f"{speaker}: {turn}" for speaker, turn in zip(speakers, texts, strict=True))


def _between(text: str, start: str, end: str) -> str:
    """``text`` without the marks of its turn."""
    return text.strip().removeprefix(start).removesuffix(end).strip()


def _read(path: Path, adapter: TypeAdapter[Parsed]) -> Parsed:
    try:
        return adapter.validate_json(read_text(path, ConstitutionError))
    except ValidationError as found:
        detail: Any = found.errors(include_url=False)[0]
    raise _malformed(path, dotted(detail["loc"]), detail["msg"])


def _malformed(path: Path, entry: str, problem: str) -> ConstitutionError:
    where = f", entry {printable(entry)}" if entry else ""
    return ConstitutionError(f"{printable(str(path))}{where}: {problem}", "Compare it with the paper's official file.")
