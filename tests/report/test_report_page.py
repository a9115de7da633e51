"""The page as a whole: whole, safe, the same twice, and there for whatever is there."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_runs import RECIPE, completion, make_run, prompts, steps, table

import charter.report
from charter import evaluate, pipeline
from charter.errors import DamageError
from charter.records import Run, verify
from charter.report import write_report
from charter.report.names import FLAG_LABELS, METRICS, STAGES
from charter.revision import hygiene
from charter.types import RevisionChain

SECTIONS = ("run", "policies", "rounds", "preference", "rl", "labels", "hygiene", "examples", "cost")
HOSTILE = "<script>alert(1)</script></style></svg>--><img src=x onerror=y>\x1b[31m\u202e\u2066 $x^{$ {{ 7 * 7 }} \"'&"


class Page(HTMLParser):
    """A page's elements with their attributes, its text apart from styles, and the styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = self.styles = ""
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open == "style":
            self.styles += data
        else:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open if tag != self._open else ""

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] or "" for _, attributes in self.elements if attribute in attributes]

    @property
    def shape(self) -> set[tuple[str, tuple[str, ...]]]:
        return {(tag, tuple(attributes)) for tag, attributes in self.elements}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    run = make_run(tmp_path_factory.mktemp("plain") / "run")
    text = write_report(run).read_text(encoding="utf-8")
    assert verify(run) == []
    return text


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    rows = table() | {HOSTILE: table()["rl_cai"] | {HOSTILE: table()["rl_cai"]["helped"]}}
    run = make_run(
        tmp_path_factory.mktemp("hostile") / "run", HOSTILE, constitution_name=HOSTILE, rows=rows, stopped=HOSTILE
    )
    return write_report(run).read_text(encoding="utf-8")


def test_a_finished_run_gives_every_section_with_its_picture(plain: str) -> None:
    page = Page(plain)
    assert [value for value in page.values("id") if value in SECTIONS] == list(SECTIONS)
    assert sum(tag == "svg" for tag, _ in page.elements) == 6
    assert sum(attributes.get("role") == "img" for _, attributes in page.elements) == 6
    assert "isn’t finished" not in page.text
    assert not any(attributes.get("class") == "absent" for _, attributes in page.elements)
    for words in ("78.0 %", "69.6 to 86.4", "n 120, 2 unusable", "+420", "cut off by max_tokens", "words by rl_cai"):
        assert words in page.text


def test_the_page_loads_nothing_and_forbids_loading(plain: str) -> None:
    page = Page(plain)
    policies = [given["content"] for _, given in page.elements if given.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    ]
    assert not re.search(r"https?://|@import", plain)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & {
        tag for tag, _ in page.elements
    }
    assert page.values("src") == []
    assert {value[:1] for value in page.values("href")} == {"#"}
    assert set(re.findall(r"url\((.)", plain)) <= {"#"}


def test_ids_are_unique_and_every_reference_leads_to_one(plain: str) -> None:
    page = Page(plain)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    references = [value[1:] for value in page.values("href")] + re.findall(r"url\(#([^)]*)\)", plain)
    labels = [name for value in page.values("aria-labelledby") for name in value.split()]
    assert set(references) | set(labels) <= set(ids)


def test_hostile_text_makes_no_element_and_steers_nothing(plain: str, hostile: str) -> None:
    page = Page(hostile)
    assert page.shape <= Page(plain).shape
    assert HOSTILE[:25] in page.text  # it is shown, as text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", hostile)
    assert "\\x1b[31m\\u202e" in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert "script" not in page.styles


def test_all_colours_of_pictures_are_the_themes(plain: str) -> None:
    pictures = re.findall(r"<svg.*?</svg>", plain, re.DOTALL)
    assert not any(re.search(r": *#[0-9a-f]{3,6}\b", picture) for picture in pictures)
    for used in set(re.findall(r"var\(--([a-z-]+)\)", "".join(pictures))):
        assert plain.count(f"--{used}: #") == 2  # light and dark


def test_the_same_records_give_the_same_bytes_wherever_they_lie(plain: str, tmp_path: Path) -> None:
    assert write_report(make_run(tmp_path / "elsewhere")).read_text(encoding="utf-8") == plain


@pytest.mark.parametrize("done", [0, 2, 6])
def test_an_unfinished_run_gives_what_is_there_and_says_what_is_missing(tmp_path: Path, done: int) -> None:
    names = list(STAGES)
    run = make_run(tmp_path / "run", stages=names[:done]) if done else Run.create(tmp_path / "run", "seed: 1\n", "")
    page = Page(write_report(run).read_text(encoding="utf-8"))
    assert "This run isn’t finished." in page.text
    missing = page.text.partition("Missing:")[2].partition(".")[0]
    assert [name in missing for name in names] == [False] * done + [True] * (len(names) - done)
    assert [value for value in page.values("id") if value in SECTIONS] == list(SECTIONS)


def test_a_stage_at_work_shows_what_it_has_committed(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", stages=["1-prompts"])
    with run:
        stage = run.stage("2-revisions")
        stage.begin({})
        prompt = prompts("words")[0]
        stage.write_part(0, [RevisionChain("one", prompt, completion("left as it is"), (), "t", 0)])
        training = run.stage("7-rl")
        training.begin({})
        rows = "".join(f"{row}\n".replace("'", '"') for row in steps(3))
        (training.path / "metrics.jsonl").write_text(rows + '{"step": 3, "sco')
    text = write_report(run).read_text(encoding="utf-8")
    assert "2-revisions (unfinished)" in text
    assert "Not finished: 3 steps so far." in text


def test_a_policy_that_keeps_a_share_of_rls_way_is_not_said_to_be_the_last_steps(tmp_path: Path) -> None:
    said = "it keeps a share of 0.3."
    whole = make_run(tmp_path / "whole", recipe=RECIPE + "rl:\n  interpolation: 1.0\n")
    part = make_run(tmp_path / "part", recipe=RECIPE + "rl:\n  interpolation: 0.3\n")
    assert "keeps a share" not in write_report(whole).read_text(encoding="utf-8")
    assert said in write_report(part).read_text(encoding="utf-8")


def test_a_run_of_a_version_with_fewer_settings_shows_those_that_it_has(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", recipe=RECIPE + "rl:\n  steps: 60\n  learning_rate: 0.0002\n")
    text = Page(write_report(run).read_text(encoding="utf-8")).text
    assert re.search(r"RL\s*steps 60, rate 0.0002", text)


def test_a_stage_that_was_skipped_says_why(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", stages=["1-prompts", "8-matches"], rows={"sl_cai": {}})
    with run:
        stage = run.stage("6-preference")
        stage.begin({})
        (stage.path / "figures.json").write_text('{"skipped": "no <b>usable</b> label"}')
        stage.finish({"tokens": 0}, 0, 1.0, ["figures.json"])
    page = Page(write_report(run).read_text(encoding="utf-8"))
    assert page.text.count("6-preference was skipped: no <b>usable</b> label.") == 2  # above, and in its place
    assert "The table holds no figure" in page.text


def test_damaged_records_give_no_report(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    for name in ("2-revisions/part-00000.parquet", "8-matches/table.json", "7-rl/metrics.jsonl", "recipe.yaml"):
        path = run.path / name
        content = path.read_bytes()
        path.write_bytes(content.replace(b"1", b"2") + b" ")
        with pytest.raises(DamageError, match=Path(name).name):
            write_report(run)
        path.write_bytes(content)


def test_a_file_of_another_shape_is_damage(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", rows={"rl_cai": {"helped": {"mean": 1e999}}})
    with pytest.raises(DamageError, match=r"table\.json"):
        write_report(run)


def test_names_are_those_that_the_stages_give() -> None:
    assert list(STAGES) == list(pipeline.STAGES)
    axes = [f"{axis.name}_elo" for axis in evaluate.AXES]
    assert [metric.name for metric in METRICS] == [
        *(metric.name for metric in evaluate.METRICS), evaluate.ON_GRAMMAR, *axes,
    ]  # fmt: skip
    assert set(FLAG_LABELS) == set(hygiene.FLAGS)


def test_the_report_imports_no_stage_and_no_torch() -> None:
    allowed = {"types", "stage_names", "records", "errors", "printable", "seeds", "report", "yaml_file"}
    for path in Path(charter.report.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.startswith("torch") for name in names)
            assert {name.split(".")[1] for name in names if name.startswith("charter.")} <= allowed, path
