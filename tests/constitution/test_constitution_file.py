from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charter.constitution import (
    constitution_digest,
    dump_constitution,
    load_constitution,
    load_with_lines,
    principle_digest,
    read_constitution,
    shipped_constitutions,
)
from charter.errors import ConstitutionError
from charter.types import ComparisonExample, Constitution, Principle, RevisionExample

SMALL = """\
name: small
version: "1"
principles:
  - id: kind
    title: Kind
    text: A response is kind.
    critique: Is it kind?
    revision: Make it kind.
  - id: truth
    title: "True"
    text: A response is true.
    comparison: Which response is truer?
    weight: 2
    tags: [honest]
"""

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30).map(str.strip)
SOME = TEXT.filter(bool)
PAIR = st.tuples(SOME, SOME)


@st.composite
def constitutions(draw: st.DrawFn) -> Constitution:
    ids = draw(
        st.lists(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True), min_size=1, max_size=3, unique=True)
    )
    principles: list[Principle] = []
    for name in ids:
        critique, revision = draw(PAIR | st.just(("", "")))
        principles.append(
            Principle(
                id=name,
                title=draw(SOME),
                text=draw(SOME),
                critique=critique,
                revision=revision,
                comparison=draw(TEXT if critique else SOME),
                source=draw(TEXT),
                weight=draw(st.floats(0.001, 1000)),
                tags=tuple(draw(st.lists(SOME, max_size=2))),
            )
        )
    return Constitution(
        name=draw(SOME),
        version=draw(SOME),
        preamble=draw(TEXT),
        principles=tuple(principles),
        priorities=tuple(draw(st.lists(SOME, max_size=2))),
        revision_examples=tuple(draw(st.lists(st.builds(RevisionExample, *[SOME] * 6), max_size=2))),
        comparison_examples=tuple(
            draw(st.lists(st.builds(ComparisonExample, SOME, SOME, SOME, st.sampled_from("ab"), TEXT), max_size=2))
        ),
    )


def complaint(text: str) -> str:
    with pytest.raises(ConstitutionError) as found:
        read_constitution(text)
    return str(found.value)


@settings(max_examples=60, deadline=None)
@given(constitutions())
def test_a_dumped_constitution_reads_back_the_same(constitution: Constitution) -> None:
    assert read_constitution(dump_constitution(constitution))[0] == constitution


def test_lines_of_principles_are_kept() -> None:
    constitution, lines = read_constitution(SMALL)
    assert lines == {"kind": 4, "truth": 9}
    assert constitution.principle("truth").tags == ("honest",)
    assert constitution.principle("kind").comparison == ""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("id: truth", "id: kind"), "line 9: the id 'kind' is taken (text, line 4)"),
        (("text: A response is kind.", "text: ' '"), "line 6: principles[0].text must not be empty"),
        (("text: A response is kind.", "txt: A response is kind."), "line 6: principles[0].txt is not a field"),
        (("    critique: Is it kind?\n", ""), "line 4: principle 'kind' has a revision request and no critique"),
        (("    revision: Make it kind.\n", ""), "line 4: principle 'kind' has a critique request and no revision"),
        (("    comparison: Which response is truer?\n", ""), "line 9: principle 'truth' has neither"),
        (("weight: 2", "weight: -1"), "line 13: principles[1].weight should be greater than or equal to 0"),
        (("weight: 2", "weight: .nan"), "line 13: principles[1].weight should be a number"),
        (('version: "1"', "version: 1"), "line 2: version should be text (put it in quotes); given: 1"),
        (("version", "verison"), "line 2: verison is not a field; the nearest is version"),
        (("id: kind", "id: ki nd"), "line 4: principles[0].id should match pattern"),
    ],
)
def test_a_faulty_constitution_is_refused_with_line_and_field(change: tuple[str, str], expected: str) -> None:
    assert expected in complaint(SMALL.replace(*change))


def test_a_constitution_needs_a_principle_with_weight() -> None:
    head = 'name: x\nversion: "1"\n'
    assert "line 3: there are no principles" in complaint(f"{head}principles: []\n")
    assert "principles is missing" in complaint(head)
    weightless = SMALL.replace("weight: 2", "weight: 0").replace("text: A response is kind.", "text: k\n    weight: 0")
    assert "line 3: no principle has a positive weight" in complaint(weightless)


def test_digests_follow_content() -> None:
    constitution, _ = read_constitution(SMALL)
    changed, _ = read_constitution(SMALL.replace("Is it kind?", "Is it kind, really?"))
    assert constitution_digest(constitution) == constitution_digest(read_constitution(SMALL)[0])
    assert constitution_digest(constitution) != constitution_digest(changed)
    assert principle_digest(constitution.principles[0]) != principle_digest(changed.principles[0])
    assert principle_digest(constitution.principles[1]) == principle_digest(changed.principles[1])


def test_an_unknown_name_is_answered_with_the_shipped_ones() -> None:
    assert "default" in shipped_constitutions()
    with pytest.raises(ConstitutionError, match=r"(?s)no constitution 'defualt'.*the nearest name is default.*Shipped"):
        load_constitution("defualt")


def test_a_constitution_loads_from_a_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SMALL, encoding="utf-8")
    assert load_constitution(path) == load_constitution(str(path)) == read_constitution(SMALL)[0]
    assert load_with_lines(path)[1]["truth"] == 9
    with pytest.raises(ConstitutionError, match="without the paper's files"):
        load_constitution(tmp_path)
