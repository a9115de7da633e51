"""What is exported, read back: by our reader where we have one, else by the form's own rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from charter.errors import DamageError, RunError
from charter.export import TARGETS, export_run
from charter.export.annotated_pairs import FILE, annotator_id
from charter.export.datasets_folder import path_of
from charter.export.hf_cai import SPLITS, split_of
from charter.export.hf_cai import path_of as path_of_split
from charter.export.source import Source, Tally
from charter.prompts import prompt_id, read_prompts
from charter.recipe_file import load_recipe
from charter.records import Run
from charter.sft.data import sft_data
from charter.types import (
    Conversation,
    Message,
    PreferenceLabel,
    Prompt,
    Revision,
    RevisionChain,
    Verdict,
)
from report.made_runs import chain, completion, label, prompts

HOSTILE = "\u202e</td><script>`{{x}}`\n\n\nHuman: (A)\n---\n| \x1b[2J"
CONSTITUTION = f"""name: "calm `<b>`"
version: '2'
principles:
- {{id: good, title: Good, text: Be good., critique: Say what is bad., revision: Make it good., comparison: 'Which?'}}
- {{id: calm, title: Calm, text: {json.dumps(HOSTILE)}, comparison: 'Which?'}}
"""
PROBABILITIES = [(0.9, 0.8), (0.7, 0.2), (0.5, 0.5), (None, None), (0.05, 0.15), (0.99, None)]


def train_prompts() -> list[Prompt]:
    found = [prompt for prompt in prompts(HOSTILE) if prompt.split == "train"]
    system = Conversation((Message("system", "Be brief."), Message("user", "Only one turn")))
    return [*found, Prompt("with-system", system, "helpful", "", "made", "train")]


def made_labels() -> list[PreferenceLabel]:
    labels = [label(prompt, HOSTILE, *PROBABILITIES[at % 6]) for at, prompt in enumerate(train_prompts())]
    silent = labels[0]
    abstained = PreferenceLabel("label-silent", silent.comparison, silent.judgements, "abstained", None)
    return [*labels, abstained]


def made_chains() -> list[RevisionChain]:
    train = train_prompts()
    empty = Revision("calm", "d", completion("critique"), completion("  "), ())
    odd = RevisionChain("chain-odd", train[2], completion("first"), (empty,), "t", 3)
    cut = chain(train[3], HOSTILE, 0)
    short = RevisionChain("chain-cut", train[4], cut.first.__class__("cut", 1, 1, "length", "m"), (), "t", 3)
    return [*(chain(prompt, HOSTILE) for prompt in train), odd, cut, short]


def make_run(path: Path, recipe: str = "seed: 3\n", stages: tuple[str, ...] = ("1", "2", "5")) -> Run:
    contents: dict[str, list[Any]] = {
        "1-prompts": prompts(HOSTILE),
        "2-revisions": made_chains(),
        "5-labels": made_labels(),
    }
    run = Run.create(path, recipe, CONSTITUTION)
    with run:
        for name, records in contents.items():
            if name[0] in stages:
                stage = run.stage(name)
                stage.begin({})
                stage.write_part(0, records)
                stage.finish({}, 0, 0.0)
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs") / "run")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def rows_of(path: Path) -> list[dict[str, Any]]:
    return pq.read_table(path).to_pylist()


def said(prompt: Prompt) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.content} for turn in prompt.conversation.messages]


def usable() -> list[PreferenceLabel]:
    return [found for found in made_labels() if found.weights is not None]


def weights_from(row: dict[str, Any], a: str) -> tuple[float, float]:
    """A row's weights for the comparison's own a and b."""
    chosen = row["chosen"]["content"] if isinstance(row["chosen"], dict) else row["chosen"][0]["content"]
    probability = row["probability"]
    return (probability, 1 - probability) if chosen == a else (1 - probability, probability)


@pytest.mark.parametrize("target", ["trl", "openrlhf", "axolotl"])
def test_pairs_come_back_with_prompt_answers_and_probability(run: Run, tmp_path: Path, target: str) -> None:
    exported = export_run(run, target, tmp_path / "out")
    rows = lines(tmp_path / "out/preference.jsonl")
    assert [row["id"] for row in rows] == [found.id for found in usable()]
    for row, found in zip(rows, usable(), strict=True):
        asked, a, b = found.comparison.prompt, found.comparison.a.text, found.comparison.b.text
        assert row["messages" if target == "axolotl" else "prompt"] == said(asked)
        answers = [row[name] if target == "axolotl" else row[name][0] for name in ("chosen", "rejected")]
        assert {answer["content"] for answer in answers} == {a, b} and {x["role"] for x in answers} == {"assistant"}
        assert weights_from(row, a) == pytest.approx((found.p_a, 1 - (found.p_a or 0)))
        assert row["probability"] >= 0.5 and row["tied"] == (found.state == "tied")
        assert "margin" not in row and (row["kind"], row["category"]) == (asked.kind, asked.category)
    counts = exported.counts
    assert counts["pairs"] == len(usable())
    assert counts["pairs left out: failed"] == 2 and counts["pairs left out: abstained"] == 1
    assert counts["pairs tied, probability 0.5"] == sum(row["tied"] for row in rows) == 2


@pytest.mark.parametrize("target", ["trl", "openrlhf", "axolotl"])
def test_our_reader_reads_the_prompts_back(run: Run, tmp_path: Path, target: str) -> None:
    export_run(run, target, tmp_path / "out")
    file = read_prompts(tmp_path / "out/preference.jsonl", "helpful")
    asked = [found.comparison.prompt for found in usable()]
    plain = [p.conversation for p in asked if all(t.content == t.content.strip() for t in p.conversation.messages)]
    stripped = {prompt_id(conversation) for conversation in plain}
    assert len(file.prompts) == len(asked) and file.num_skipped == 0
    assert stripped <= {prompt.id for prompt in file.prompts}
    assert [(p.kind, p.category) for p in file.prompts] == [(p.kind, p.category) for p in asked]


@pytest.mark.parametrize("recipe", ["seed: 3\n", "sft: {revisions: last}\n", "sft: {drop_flawed: false}\n"])
def test_examples_are_what_stage_3_learns_from(tmp_path: Path, recipe: str) -> None:
    run = make_run(tmp_path / "run", recipe)
    (tmp_path / "r.yaml").write_text(recipe, encoding="utf-8")
    chains = made_chains()
    samples = [(found.prompt, found.first) for found in chains if not found.revisions]
    learnt = sft_data([found for found in chains if found.revisions], samples, load_recipe(tmp_path / "r.yaml").sft)
    export_run(run, "trl", tmp_path / "trl")
    export_run(run, "openrlhf", tmp_path / "openrlhf")
    export_run(run, "axolotl", tmp_path / "axolotl")
    trl, openrlhf, axolotl = (lines(tmp_path / name / "sft.jsonl") for name in ("trl", "openrlhf", "axolotl"))
    assert [(row["prompt"], row["completion"]) for row in trl] == [(row["input"], row["output"]) for row in openrlhf]
    assert [row["completion"][0]["content"] for row in trl] == [example.answer for example in learnt.examples]
    assert [row["source"] for row in trl] == [example.source for example in learnt.examples]
    for row, other in zip(axolotl, trl, strict=True):
        assert [turn.pop("train") for turn in row["messages"]] == [False] * len(other["prompt"]) + [True]
        assert row["messages"] == other["prompt"] + other["completion"]
    ids = {f"{found.id}/{at}" for found in chains for at in range(len(found.revisions) + 1)}
    assert {row["id"] for row in trl} <= ids and len({row["id"] for row in trl}) == len(trl)


def test_where_all_revisions_are_flawed_they_are_exported_as_they_were_learnt(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", "sft: {revisions: last}\n", CONSTITUTION)
    with run:
        stage = run.stage("2-revisions")
        stage.begin({})
        stage.write_part(0, [chain(prompt, "x") for prompt in train_prompts()])
        stage.finish({}, 0, 0.0)
    exported = export_run(run, "trl", tmp_path / "out")
    assert exported.counts == {"revisions": len(train_prompts())}
    assert not (tmp_path / "out/preference.jsonl").exists()
    with pytest.raises(RunError, match="no complete stage 5-labels"):
        export_run(run, "annotated-pairs", tmp_path / "pairs")


def test_the_hub_layout_has_a_row_a_round_and_no_prompt_in_two_splits(run: Run, tmp_path: Path) -> None:
    exported = export_run(run, "hf-cai", tmp_path / "out")
    paths = {split: tmp_path / "out" / path_of_split(split) for split in SPLITS}
    tables = {split: rows_of(path) for split, path in paths.items() if path.exists()}
    assert all(tables.values()) and len(tables) >= 2
    header = (tmp_path / "out/README.md").read_text(encoding="utf-8").split("---\n")[1]
    assert {file["split"] for file in yaml.safe_load(header)["configs"][0]["data_files"]} == set(tables)
    rows = sorted((row for table in tables.values() for row in table), key=lambda row: row["index"])
    source = Source.of(run)
    expected = list(source.revisions(Tally()))
    assert [row["id"] for row in rows] == [f"{found.id}/{at}" for found, at in expected]
    assert exported.counts["revisions"] == len(rows)
    assert "Nobody judged these preferences" in (tmp_path / "out/README.md").read_text(encoding="utf-8")
    for row, (found, at) in zip(rows, expected, strict=True):
        before, after = found.response(at - 1).text, found.response(at).text
        assert (row["init_response"]["content"], row["revision_response"]["content"]) == (before, after)
        assert row["messages"] == row["chosen"] == [*said(found.prompt), {"role": "assistant", "content": after}]
        assert row["rejected"] == [*said(found.prompt), {"role": "assistant", "content": before}]
        assert row["critic_prompt"] == {"role": "user", "content": "Say what is bad."}
        assert row["revision_prompt"]["content"] == "Make it good."
    asked = [{row["rejected"][-2]["content"] for row in table} for table in tables.values()]
    assert sum(map(len, asked)) == len(set().union(*asked))
    places = [split_of(0, str(number)) for number in range(4000)]
    assert [places.count(split) / 4000 for split in SPLITS] == pytest.approx([0.026, 0.026, 0.474, 0.474], abs=0.02)


def test_annotated_pairs_are_one_json_file_with_an_annotator_a_principle(run: Run, tmp_path: Path) -> None:
    export_run(run, "annotated-pairs", tmp_path / "out")
    document = json.loads((tmp_path / "out" / FILE).read_text(encoding="utf-8"))
    default = document["metadata"]["default_annotator"]
    assert set(document["annotators"]) == {default, annotator_id("Be good."), annotator_id(HOSTILE)}
    assert [row["id"] for row in document["comparisons"]] == [found.id for found in usable()]
    for row, found in zip(document["comparisons"], usable(), strict=True):
        assert row["response_a"]["text"] == found.comparison.a.text
        assert float(row["metadata"]["probability_a"]) == found.p_a
        preference = row["annotations"][default]
        if found.state == "tied":
            assert preference == {"pref": None, "no_pref_reason": "tie"}
        else:
            assert preference == {"pref": "a" if (found.p_a or 0) > 0.5 else "b"}
        assert set(row["annotations"]) <= set(document["annotators"])
        assert set(row["metadata"]) == set(document["metadata"]["available_metadata_keys_per_comparison"])


def test_the_data_set_folder_is_read_back_through_our_reader_and_its_card_names_every_file(
    run: Run, tmp_path: Path
) -> None:
    exported = export_run(run, "datasets", tmp_path / "out")
    rows = rows_of(tmp_path / "out" / path_of("preference"))
    for row, found in zip(rows, usable(), strict=True):
        texts = (row["chosen"][0]["content"], row["rejected"][0]["content"])
        sides = (found.comparison.a.text, found.comparison.b.text)
        assert texts == (sides if row["chosen_is_a"] else sides[::-1])
        assert row["inconsistency"] == found.inconsistency and row["principles"] == ["good"]
    file = read_prompts(tmp_path / "out/preference")
    assert len(file.prompts) == len(rows)
    assert len(read_prompts(tmp_path / "out/prompts").prompts) > 0
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    header = yaml.safe_load(card.split("---\n")[1])
    listed = {file["path"] for configuration in header["configs"] for file in configuration["data_files"]}
    assert listed | {"README.md"} == set(exported.files)
    assert {configuration["config_name"] for configuration in header["configs"]} == {"preference", "sft", "prompts"}
    assert "`calm '<b>'`" in card and "left out: abstained | 1 |" in card


@pytest.mark.parametrize("target", TARGETS)
def test_an_export_is_the_same_bytes_again_and_overwrites_nothing(run: Run, tmp_path: Path, target: str) -> None:
    first, again = (export_run(run, target, tmp_path / name) for name in ("a", "b"))
    assert first.files == again.files
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in first.files)
    with pytest.raises(RunError, match="already holds files"):
        export_run(run, target, tmp_path / "a")
    (tmp_path / "empty").mkdir()
    export_run(run, target, tmp_path / "empty")
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="is a file"):
        export_run(run, target, tmp_path / "file")


def test_a_run_that_has_come_to_nothing_or_is_damaged_leaves_no_folder(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", stages=("1",))
    with pytest.raises(RunError, match="neither revisions nor labels"):
        export_run(run, "trl", tmp_path / "out")
    with pytest.raises(RunError, match=r"nothing is exported to 'x\\x1b'\n.*trl, openrlhf"):
        export_run(run, "x\x1b", tmp_path / "out")
    whole = make_run(tmp_path / "whole")
    part = whole.path / "5-labels/part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(DamageError):
        export_run(whole, "trl", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "whole"]


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_pair_says_the_same_whichever_side_is_called_a(first: float, second: float) -> None:
    from charter.export.source import _pair  # pyright: ignore[reportPrivateUsage]

    made = label(train_prompts()[0], "x", first, second)
    if made.weights is None or made.weights == Verdict(0.5, 0.5):
        return
    one, other = _pair(made), _pair(made.swap())
    assert (one.chosen, one.rejected, one.probability) == (other.chosen, other.rejected, other.probability)
