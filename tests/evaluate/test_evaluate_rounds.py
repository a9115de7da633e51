from __future__ import annotations

from charter.evaluate.rounds import answers_by_round, match_pairs
from charter.types import Completion, Conversation, Prompt, Revision, RevisionChain


def completion(text: str) -> Completion:
    return Completion(text, 1, 1, "end", "m")


def test_every_response_of_a_chain_is_an_answer_of_its_round() -> None:
    prompt = Prompt("p1", Conversation.of("Hi"), "red_team", "c", "s", "evaluation")
    revisions = tuple(Revision("r", "d", completion("bad"), completion(f"round {n}"), ()) for n in (1, 2))
    answers = answers_by_round([RevisionChain("c1", prompt, completion("first"), revisions, "t", 0)])
    assert [(found.policy, found.completion.text) for found in answers] == [
        ("revision_0", "first"),
        ("revision_1", "round 1"),
        ("revision_2", "round 2"),
    ]
    assert len({found.id for found in answers}) == 3


def test_policies_meet_each_other_and_rounds_their_neighbours() -> None:
    assert match_pairs(["helpful_only", "sl_cai", "rl_cai"], rounds=2) == [
        ("helpful_only", "sl_cai"),
        ("helpful_only", "rl_cai"),
        ("sl_cai", "rl_cai"),
        ("helpful_only", "revision_0"),
        ("revision_0", "revision_1"),
        ("revision_1", "revision_2"),
    ]
