from __future__ import annotations

import json
from pathlib import Path

import pytest

from charter.constitution import (
    draw_for_comparison,
    draw_for_revision,
    dump_constitution,
    load_constitution,
    read_constitution,
)
from charter.errors import ConstitutionError

PAPER = Path(__file__).parents[2] / "../shared/data/cai-paper/prompts"
needs_paper = pytest.mark.skipif(not PAPER.is_dir(), reason="the paper's files are not here")


def own_files(folder: Path) -> Path:
    """Files in the paper's form, in words of our own."""
    request = {
        "prompt": ["\n\nCritiqueRequest: Is it rude?\n\nCritique:"],
        "edit_request": "\n\nRevisionRequest: Make it polite.\n\nRevision:",
    }
    turns = "\n\nHuman: Hi\n\nAssistant: Yo.\n\nHuman: Rude!\n\nAssistant: So what"
    example = f"{turns}\n\nCritiqueRequest: Rude?\n\nCritique: Yes.\n\nRevisionRequest: Mend it.\n\nRevision: Sorry."
    reasoned = (
        "Human: Here (H) and there (A):\n\nH: Hi\n\nA: Hello\n\nH: Bye\n\n{}\n (A) [[[One]]]\n (B) [[[Two\n (B)]]]"
        "\n\nAssistant: Think:\n(A) is short.\n\nHuman:\nSo: (B)"
    )
    contents = {
        "CritiqueRevisionInstructions": {"first": request},
        "RLMadisonInstructions": ["\nWhich is kinder? Options:", "\nWhich is more honest? Options:"],
        "CritiqueRevisionFewShotPrompts": [example, f"{example}\n\nHuman:"],
        "RLMadisonFewShotPrompts": [
            {"prompt": "\n\nHuman: Hi\n\nAssistant:", "corrects": ["good"], "incorrects": ["bad"]},
            {"prompt": "\n\nHuman: Hi\n\nAssistant:", "corrects": ["good"], "incorrects": ["bad"]},
        ],
        "RLMadisonPrecogFewShotPrompts": [{"prompt": reasoned}, {"prompt": f"\n\n{reasoned}"}],
    }
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_decoration_goes_and_words_stay(tmp_path: Path) -> None:
    constitution = load_constitution(own_files(tmp_path))
    request, first, second = constitution.principles
    assert (request.critique, request.revision, request.comparison) == ("Is it rude?", "Make it polite.", "")
    assert (first.comparison, first.critique, first.tags) == ("Which is kinder?", "", ("harmless",))
    assert second.tags == ("harmless", "honest")
    assert constitution.revision_examples[0] == constitution.revision_examples[1]
    example = constitution.revision_examples[0]
    assert example.prompt == "Human: Hi\n\nAssistant: Yo.\n\nHuman: Rude!"
    assert (example.response, example.critique, example.revision) == ("So what", "Yes.", "Sorry.")


def test_pairs_without_an_order_alternate_and_reasoned_ones_keep_theirs(tmp_path: Path) -> None:
    examples = load_constitution(own_files(tmp_path) / "RLMadisonInstructions.json").comparison_examples
    assert [(row.conversation, row.a, row.b, row.better) for row in examples[:2]] == [
        ("Hi", "good", "bad", "a"),
        ("Hi", "bad", "good", "b"),
    ]
    assert examples[2] == examples[3]
    assert examples[2].conversation == "Human: Hi\n\nAssistant: Hello\n\nHuman: Bye"
    assert (examples[2].a, examples[2].b, examples[2].better) == ("One", "Two\n (B)", "b")
    assert examples[2].reasoning == "(A) is short."


def test_files_of_examples_may_be_missing(tmp_path: Path) -> None:
    own_files(tmp_path)
    for name in ("CritiqueRevisionFewShotPrompts", "RLMadisonFewShotPrompts", "RLMadisonPrecogFewShotPrompts"):
        (tmp_path / f"{name}.json").unlink()
    constitution = load_constitution(tmp_path)
    assert constitution.revision_examples == constitution.comparison_examples == ()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("RLMadisonInstructions", "{", "RLMadisonInstructions.json"),
        ("RLMadisonInstructions", '["a", 1]', r"RLMadisonInstructions.json, entry \[1\]"),
        ("CritiqueRevisionInstructions", '{"x": {"prompt": [], "edit_request": ""}}', "entry x.prompt: 0 texts"),
        ("CritiqueRevisionFewShotPrompts", '["Human: hi"]', "entry 0: not in the form"),
        ("RLMadisonPrecogFewShotPrompts", '[{"prompt": "hi"}]', "entry 0: not in the form"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, name: str, content: str, expected: str) -> None:
    own_files(tmp_path)
    (tmp_path / f"{name}.json").write_text(content, encoding="utf-8")
    with pytest.raises(ConstitutionError, match=expected):
        load_constitution(tmp_path)


@needs_paper
def test_the_official_files_are_two_lists_of_sixteen() -> None:
    constitution = load_constitution(str(PAPER))
    assert sum(bool(principle.critique) for principle in constitution.principles) == 16
    assert sum(bool(principle.comparison) for principle in constitution.principles) == 16
    assert all(bool(row.critique) == bool(row.revision) != bool(row.comparison) for row in constitution.principles)
    assert (len(constitution.revision_examples), len(constitution.comparison_examples)) == (5, 11)
    assert [row.better for row in constitution.comparison_examples if row.reasoning] == ["b", "b", "a", "b", "a", "b"]


@needs_paper
def test_no_decoration_is_left_in_the_official_words_and_every_word_is_theirs() -> None:
    constitution = load_constitution(PAPER)
    official = "\n".join(path.read_text(encoding="utf-8") for path in sorted(PAPER.glob("*.json")))
    for row in constitution.principles:
        for text in filter(None, (row.critique, row.revision, row.comparison)):
            assert not any(mark in text for mark in ("Request:", "Options:", "Critique:", "Revision:", "Human:", "\n"))
            assert json.dumps(text)[1:-1] in official or text in official
    assert any("precedings response" in row.critique for row in constitution.principles)
    for example in constitution.revision_examples:
        assert not example.revision.endswith("Human:")
        assert example.critique_request
    assert read_constitution(dump_constitution(constitution))[0] == constitution


@needs_paper
def test_each_of_its_lists_is_drawn_from_where_it_belongs() -> None:
    constitution = load_constitution(PAPER)
    assert all(draw_for_revision(constitution, 0, n).critique for n in range(50))
    assert all(draw_for_comparison(constitution, 0, n).comparison for n in range(50))
