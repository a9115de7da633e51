from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from charter.constitution import dump_constitution, lint, load_constitution, load_with_lines, read_constitution

PAPER = Path(__file__).parents[2] / "../shared/data/cai-paper/prompts"
DEFAULT = load_constitution("default")
TAGS = {"harmless", "honest", "helpful"}


def shingles(text: str, size: int = 7) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + size]) for start in range(len(words) - size + 1)}


def test_every_principle_is_complete() -> None:
    assert 16 <= len(DEFAULT.principles) <= 30
    for principle in DEFAULT.principles:
        assert principle.critique
        assert principle.source
        assert principle.revision.startswith("Rewrite that response")
        assert re.search(r"\bWhich response\b.*\?$", principle.comparison)
        assert set(principle.tags) <= TAGS
        assert principle.tags


def test_the_three_values_have_comparable_weight() -> None:
    shares = dict.fromkeys(TAGS, 0.0)
    for principle in DEFAULT.principles:
        for tag in principle.tags:
            shares[tag] += principle.weight / len(principle.tags)
    assert min(shares.values()) > 0.25 * sum(shares.values())


def test_it_stands_on_the_sources_it_claims() -> None:
    sources = " ".join(principle.source for principle in DEFAULT.principles)
    for article in (1, 2, 3, 5, 7, 12, 18, 19, 27):
        assert re.search(rf"Universal Declaration of Human Rights, Articles? [0-9, and]*\b{article}\b", sources)
    for name in ("respect for persons", "beneficence", "justice", "Harm reduction", "calibrated", "sycophancy"):
        assert name in sources


def test_lint_finds_nothing_in_it() -> None:
    assert lint(*load_with_lines("default")) == ()


def test_it_survives_being_dumped() -> None:
    assert read_constitution(dump_constitution(DEFAULT))[0] == DEFAULT


def test_its_worked_examples_ask_in_its_own_words_and_show_when_no_change_is_needed() -> None:
    requests = {(principle.critique, principle.revision) for principle in DEFAULT.principles}
    examples = DEFAULT.revision_examples
    assert all((example.critique_request, example.revision_request) in requests for example in examples)
    assert [example.response == example.revision for example in examples] == [False, True, False, True]
    letters = [example.better for example in DEFAULT.comparison_examples]
    assert sorted(letters) == ["a", "a", "a", "b", "b"]


@pytest.mark.skipif(not PAPER.is_dir(), reason="the paper's files are not here")
def test_it_copies_nothing_from_the_paper() -> None:
    files = [json.dumps(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(PAPER.glob("*.json"))]
    assert not shingles(dump_constitution(DEFAULT)) & shingles(" ".join(files))
