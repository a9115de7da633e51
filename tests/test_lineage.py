from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from charter import lineage, pipeline
from charter.digests import digest_of
from charter.errors import RunError
from charter.lineage import Node, Sources, trace
from charter.records import Run
from charter.types import (
    Answer,
    Candidate,
    Comparison,
    Completion,
    Constitution,
    Conversation,
    Judgement,
    PreferenceLabel,
    Principle,
    Prompt,
    Revision,
    RevisionChain,
    Rollout,
    Verdict,
)

KIND = Principle("kind", "Kind", "Be kind.", "Where is it unkind?", "Make it kind.", "Which is kinder?", "s")
CONSTITUTION = Constitution("c", "1", "", (KIND,))
SOURCES = Sources(CONSTITUTION, {"3-sft": "sl", "6-preference": "pm", "7-rl": "rl"}, lambda _prompt, _round: KIND)
ASKED = Prompt("p1", Conversation.of("Hello?"), "red_team", "c", "s", "train")
HELD_OUT = replace(ASKED, id="p2", split="evaluation")


def said(text: str, model: str) -> Completion:
    return Completion(text, 1, 1, "end", model)


def label(comparison: Comparison) -> PreferenceLabel:
    judgements = tuple(
        Judgement("kind", digest_of(KIND), order, Verdict(0.6, 0.2), "", "", "judge", "template", 1)
        for order in ("ab", "ba")
    )
    return PreferenceLabel(f"label-{comparison.id}", comparison, judgements, "labelled", Verdict(0.75, 0.25))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    revision = Revision("kind", digest_of(KIND), said("Unkind.", "start"), said("Better.", "start"), ())
    chain = RevisionChain("chain-p1", ASKED, said("Bad.", "start"), (revision,), "t", 0)
    sides = (Candidate("One.", "sl_cai", "sl"), Candidate("Two.", "sl_cai", "sl"))
    pair = Comparison("comparison-p1-0", ASKED, *sides)
    match = Comparison("match-harm-sl_cai-rl_cai-p2", HELD_OUT, sides[0], Candidate("Three.", "rl_cai", "rl"))
    answers = [
        Answer(f"answer-{policy}-p2", policy, HELD_OUT, said(policy, model))
        for policy, model in (("sl_cai", "sl"), ("rl_cai", "rl"), ("revision_0", "start"), ("revision_1", "start"))
    ]
    rollout = Rollout("rollout-00003-0000", 3, ASKED, said("Four.", "rl-3"), 0.5, 0.1, 0.4, 0.2)
    made = Run.create(tmp_path / "run", "seed: 0\n", "c")
    with made:
        for name, records in {
            "1-prompts": [ASKED, HELD_OUT], "2-revisions": [chain], "3-sft": [], "4-comparisons": [pair],
            "5-labels": [label(pair)], "6-preference": [], "7-rl": [rollout], "8-evaluation": answers,
            "8-matches": [label(match)],
        }.items():  # fmt: skip
            stage = made.stage(name)
            stage.begin({"models.policy": "start", "models.judge": "judge"})
            files: list[str] = []
            if name == "6-preference":
                text = '{"id": "label-comparison-p1-0", "p_a": 0.75, "score_a": 1.5, "score_b": -1.0}\n'
                (stage.path / "held_out.jsonl").write_text(text, encoding="utf-8")
                files.append("held_out.jsonl")
            stage.write_part(0, records)
            stage.finish({"records": len(records), "none": 0}, 0, 0.0, files)
    return made


def nodes(tree: Node) -> list[Node]:
    return [tree, *(below for child in tree.because for below in nodes(child))]


def named(tree: Node, kind: str) -> list[str]:
    return [node.name for node in nodes(tree) if node.kind == kind]


def test_from_an_answer_the_walk_leads_through_both_policies_to_labels_and_chains(run: Run) -> None:
    tree = trace(run, SOURCES, "answer-rl_cai-p2")
    assert tree.facts["model is the policy's"] is True
    assert named(tree, "policy") == ["rl_cai", "sl_cai", "helpful_only"]
    assert named(tree, "preference model") == ["6-preference"]
    assert named(tree, "stage") == ["2-revisions", "5-labels"]
    assert named(tree, "label") == ["label-match-harm-sl_cai-rl_cai-p2"]


def test_an_answer_that_its_policy_did_not_write_is_found_out(run: Run) -> None:
    other = replace(SOURCES, models={**SOURCES.models, "7-rl": "retrained"})
    assert trace(run, other, "answer-rl_cai-p2").facts["model is the policy's"] is False


def test_from_a_rollout_the_walk_reaches_the_labels_and_chains_of_its_own_prompt(run: Run) -> None:
    tree = trace(run, SOURCES, "rollout-00003-0000")
    assert named(tree, "policy")[0] == "rl_cai after 3 steps"
    assert named(tree, "chain") == ["chain-p1"] and named(tree, "label") == ["label-comparison-p1-0"]


def test_a_judgement_is_told_with_the_principles_words_the_order_the_verdict_and_the_judge(run: Run) -> None:
    tree = trace(run, SOURCES, "label-comparison-p1-0")
    first, second = (node for node in tree.because if node.kind == "judgement")
    assert (first.facts["principle"], first.facts["asked"]) == ("Be kind.", "Which is kinder?")
    assert (first.facts["shown first"], second.facts["shown first"]) == ("A", "B")
    assert (first.facts["A"], first.facts["B"], first.facts["judge"]) == (0.6, 0.2, "judge")
    assert (tree.facts["p(A better)"], tree.facts["held-out score of A"]) == (0.75, 1.5)


def test_words_of_a_principle_that_was_changed_since_are_not_put_into_the_judges_mouth(run: Run) -> None:
    changed = replace(SOURCES, constitution=replace(CONSTITUTION, principles=(replace(KIND, text="Be cruel."),)))
    told = [node.facts for node in nodes(trace(run, changed, "label-comparison-p1-0")) if "principle" in node.facts]
    assert told and all("Be cruel." not in facts.values() for facts in told)
    assert all(facts["principle digest"] == digest_of(KIND) for facts in told)


def test_an_answer_after_a_round_shows_the_round(run: Run) -> None:
    (made,) = (node for node in nodes(trace(run, SOURCES, "answer-revision_1-p2")) if node.kind == "round")
    assert (made.facts["before"], made.facts["after"], made.name) == ("revision_0", "revision_1", "1, by kind")
    assert named(trace(run, SOURCES, "answer-revision_0-p2"), "round") == []


@pytest.mark.parametrize("record", ["comparison-p1-0", "chain-p1", "match-harm-sl_cai-rl_cai-p2"])
def test_chains_comparisons_and_matches_are_found_by_their_ids(run: Run, record: str) -> None:
    assert any(node.name == record for node in nodes(trace(run, SOURCES, record)))


def test_a_prompt_names_the_records_that_it_led_to(run: Run) -> None:
    tree = trace(run, SOURCES, "p1")
    assert tree.facts["led to"] == ["chain-p1", "comparison-p1-0", "label-comparison-p1-0", "rollout-00003-0000"]


def test_an_unknown_id_is_answered_with_the_nearest(run: Run) -> None:
    with pytest.raises(RunError, match=r"the nearest: answer-rl_cai-p2"):
        trace(run, SOURCES, "answer-rl_cai-p")
    with pytest.raises(RunError, match="has the id ''"):
        trace(run, SOURCES, "")


def test_stages_that_did_not_happen_are_said_not_to_have(run: Run) -> None:
    nothing = replace(SOURCES, models={})
    tree = trace(run, nothing, "answer-rl_cai-p2")
    assert [node.facts["made by"] for node in nodes(tree) if node.name == "rl_cai"] == [
        "nothing: 7-rl had nothing to learn from"
    ]


def test_lineage_calls_stages_and_policies_what_the_pipeline_calls_them() -> None:
    names = ("PROMPTS", "REVISIONS", "SFT", "COMPARISONS", "LABELS", "PREFERENCE", "RL", "EVALUATION", "MATCHES")
    for name in (*names, "HELPFUL_ONLY", "SL_CAI", "RL_CAI"):
        assert getattr(lineage, name) == getattr(pipeline, name)
    assert set(lineage.RECORDS) <= set(pipeline.STAGES)
