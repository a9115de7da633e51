from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from charter.constitution import lint, rendered, rendered_findings
from charter.types import ComparisonExample, Constitution, Principle

KIND = Principle(
    id="kind",
    title="Kind",
    text="A response speaks to people with kindness.",
    critique="Quote the unkind words of your last response.",
    revision="Rewrite that response with kind words.",
    comparison="Which response speaks to people more kindly?",
    source="us",
    tags=("harmless", "helpful"),
)
TRUE = Principle(
    id="true",
    title="True",
    text="A response states facts that can be checked.",
    critique="Name the claims that are false.",
    revision="Rewrite that response so that each claim is a fact.",
    comparison="Which response holds more checked facts?",
    source="us",
    tags=("honest",),
)


def of(*principles: Principle, **fields: object) -> Constitution:
    return replace(Constitution("c", "1", "", principles), **fields)


def messages(constitution: Constitution) -> str:
    return "\n".join(f"{row.level} {row.principle_id} {row.message}" for row in lint(constitution))


def test_a_clean_constitution_has_no_findings() -> None:
    assert lint(of(KIND, TRUE)) == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"text": KIND.text.upper()}, "error true its text is the same as that of 'kind'"),
        ({"comparison": KIND.comparison}, "error true its comparison is the same as that of 'kind'"),
        ({"text": KIND.text.replace("with", "in")}, "warning true its text says nearly the same as that of 'kind'"),
        ({"source": ""}, "warning true names no source"),
        ({"tags": ()}, "warning  no principle is tagged honest"),
        ({"tags": ()}, "note true has no tag"),
        ({"text": "A response does not lie. It avoids errors."}, "warning true its text says only what not to do"),
        ({"revision": "Remove every false claim."}, "warning true its revision says only what not to do"),
        ({"revision": ""}, "error true has a critique request and no revision request"),
        ({"critique": ""}, "error true has a revision request and no critique request"),
        ({"revision": "Paint it green."}, "warning true its revision request shares no word"),
        ({"critique": "Name each claim. " * 40}, "warning true its critique has 120 words"),
        ({"comparison": "Which response is more appropriate?"}, "note true its comparison rests on appropriate"),
        ({"comparison": "Which response fits this principle?"}, "warning true its comparison points elsewhere"),
        ({"comparison": "Which one? Options:"}, "its comparison ends in 'Options:'"),
        ({"comparison": "Which\u202e one?"}, "its comparison holds hidden characters"),
        ({"comparison": ""}, "note  1 of 2 principles speak only to revision"),
        ({"critique": "", "revision": ""}, "note  1 of 2 principles speak only to judges"),
        ({"weight": 0.01}, "warning true drawn for 0.99% of revisions: too rarely to matter"),
        ({"weight": 0.0}, "note true its weight is 0"),
    ],
)
def test_each_weakness_is_found(change: dict[str, object], expected: str) -> None:
    assert expected in messages(of(KIND, replace(TRUE, **change)))


def test_weaknesses_of_the_whole_are_found() -> None:
    judges_only = replace(KIND, critique="", revision="")
    assert "error  no principle has critique and revision requests" in messages(of(judges_only))
    assert "error  no principle has a comparison question" in messages(of(replace(KIND, comparison="")))
    assert "the priority 'brave' is no principle's tag" in messages(of(KIND, TRUE, priorities=("brave",)))
    always_a = tuple(ComparisonExample("c", "a", "b", "a") for _ in range(3))
    assert "(A) is better in 3 of 3" in messages(of(KIND, TRUE, comparison_examples=always_a))


def test_findings_carry_the_line_where_it_is_known() -> None:
    found = lint(of(KIND, replace(TRUE, source="")), {"true": 12})
    assert [(row.principle_id, row.line) for row in found] == [("true", 12)]


def test_what_is_shown_steers_no_terminal_and_is_no_markup() -> None:
    hostile = replace(KIND, text="[red]x[/red] \x1b[2J\u202e", source="[link=x]", critique="a\nb [bold]")
    console = Console(record=True, width=100, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(rendered(of(hostile, TRUE, preamble="Hello\x07.")))
        console.print(rendered_findings(lint(of(hostile, TRUE))))
    shown = capture.get()
    assert "[red]x[/red] \\x1b[2J\\u202e" in shown
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown
    assert "\x07" not in shown
    assert "50.0% of revisions" in shown


def test_no_findings_are_shown_as_such() -> None:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(rendered_findings(()))
    assert "No findings" in capture.get()
