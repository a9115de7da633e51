from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charter.errors import PromptError
from charter.prompts import PromptFile, prompt_id, read_prompts
from charter.prompts.turns import conversation_from, turns_of_transcript
from charter.types import Conversation, Message

HH = Path(__file__).parents[2] / "../shared/data/hh-rlhf/harmless-base-test-half.jsonl.gz"


def read(folder: Path, *rows: object, name: str = "p.jsonl", column: str | None = None) -> PromptFile:
    path = folder / name
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return read_prompts(path, column=column)


def contents(file: PromptFile) -> list[list[tuple[str, str]]]:
    return [[(turn.role, turn.content) for turn in prompt.conversation.messages] for prompt in file.prompts]


def hh(chosen: str, rejected: str) -> dict[str, str]:
    return {"chosen": chosen, "rejected": rejected}


def test_a_pair_in_hh_format_is_read_up_to_the_last_shared_human_turn(tmp_path: Path) -> None:
    start = "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: Why?\nTell me."
    file = read(
        tmp_path,
        hh(f"{start}\n\nAssistant: Because.", f"{start}\n\nAssistant: No."),
        hh("\n\nHuman: Same\n\nAssistant: answer", "\n\nHuman: Same\n\nAssistant: answer"),
        hh("\n\nHuman: One\n\nAssistant: x\n\nHuman: y", "\n\nHuman: One\n\nAssistant: z\n\nHuman: y"),
    )
    assert contents(file) == [
        [("user", "Hi"), ("assistant", "Yes?"), ("user", "Why?\nTell me.")],
        [("user", "Same")],
        [("user", "One")],
    ]
    assert {(row.kind, row.source, row.split) for row in file.prompts} == {("red_team", "p.jsonl", "train")}


def test_prompts_messages_and_named_columns_are_read(tmp_path: Path) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
    ]
    file = read(
        tmp_path,
        {"prompt": "Plain", "kind": "helpful", "category": "c", "chosen": "a", "rejected": "b"},
        {"prompt": messages},
        {"prompt": "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant:"},
        {"prompt": [{"role": "user", "content": "listed"}]},
    )
    assert contents(file) == [
        [("user", "Plain")],
        [("system", "Be brief."), ("user", "Hi")],
        [("user", "a"), ("assistant", "b"), ("user", "c")],
        [("user", "listed")],
    ]
    assert (file.prompts[0].kind, file.prompts[0].category, file.prompts[1].kind) == ("helpful", "c", "red_team")
    assert contents(read(tmp_path, {"messages": messages})) == [[("system", "Be brief."), ("user", "Hi")]]
    assert contents(read(tmp_path, {"prompt": "no", "goal": "yes"}, column="goal")) == [[("user", "yes")]]


def test_plain_lines_are_prompts_and_blank_ones_are_not(tmp_path: Path) -> None:
    file = read(tmp_path, "\ufeffFirst {} line", "", "  ", "Second", name="p.txt")
    assert contents(file) == [[("user", "First {} line")], [("user", "Second")]]
    assert file.skipped == ()


def test_gzip_is_read(tmp_path: Path) -> None:
    path = tmp_path / "p.txt.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\n"))
    assert len(read_prompts(path).prompts) == 2
    path.write_bytes(gzip.compress(b"one\ntwo\n" * 1000)[:-12])
    with pytest.raises(PromptError, match="not whole gzip"):
        read_prompts(path)
    path.write_bytes(b"one\n")
    with pytest.raises(PromptError, match="not whole gzip"):
        read_prompts(path)


def test_duplicates_are_dropped_and_counted(tmp_path: Path) -> None:
    file = read(tmp_path, "same", "other", " same ", name="p.txt")
    assert (len(file.prompts), file.duplicates) == (2, 1)
    assert file.prompts[0].id == prompt_id(Conversation.of("same"))


def test_rows_with_nothing_to_answer_are_skipped_with_their_reason(tmp_path: Path) -> None:
    user = {"role": "user", "content": "u"}
    file = read(
        tmp_path,
        {"prompt": "  "},
        {"prompt": []},
        {"prompt": [{"role": "assistant", "content": "a"}]},
        {"prompt": [{"role": "assistant", "content": "a"}, user]},
        {"prompt": [user, {"role": "system", "content": "s"}, user]},
        {"prompt": "half \ud83d"},
        {"prompt": None},
        {"prompt": [user, {"role": "tool", "content": "7"}, user]},
        {"prompt": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
        {"prompt": "fine"},
    )
    assert [(row.id, row.reason) for row in file.skipped] == [
        ("line-1", "no user turn"),
        ("line-2", "no user turn"),
        ("line-3", "no user turn"),
        ("line-4", "the assistant speaks first"),
        ("line-5", "a system message after the start"),
        ("line-6", "holds half a character (a lone surrogate)"),
        ("line-7", "nothing in the columns that hold prompts"),
        ("line-8", "holds a tool's turn"),
        ("line-9", "holds more than text"),
    ]
    assert file.num_skipped == 9
    assert contents(file) == [[("user", "fine")]]
    with pytest.raises(PromptError, match=r"holds no prompt: 2 rows were skipped \(2 × no user turn\)"):
        read(tmp_path, {"prompt": ""}, {"prompt": []})
    with pytest.raises(PromptError, match="1 × no user turn"):
        read(tmp_path, hh("\n\nHuman: a\n\nAssistant: x", "\n\nHuman: b\n\nAssistant: x"))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("{", "line 2: not JSON"),
        ("[" * 100_000, "line 2: not JSON"),
        ("[]", "line 2: not a JSON object"),
        ('{"text": "x"}', "line 2: none of prompt, messages, conversations, chosen with rejected, transcript"),
        ('{"prompt": 3}', "line 2: prompt is 3"),
        ('{"prompt": "x", "kind": ["\\u001b"]}', "line 2: kind is ['\\x1b']"),
        ('{"prompt": "x", "category": 1}', "line 2: category is 1"),
        ('{"prompt": [{"role": "boss", "content": "x"}]}', "line 2: prompt holds a message that can't be read"),
        ('{"prompt": [{"role": ["user"], "content": "x"}]}', "line 2: prompt holds a message that can't be read"),
        ('{"prompt": [{"role": "user"}]}', "line 2: prompt holds a message that can't be read"),
        ('{"prompt": ["x"]}', "line 2: prompt holds a message that can't be read"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, row: str, expected: str) -> None:
    with pytest.raises(PromptError) as found:
        read(tmp_path, {"prompt": "fine"}, row)
    assert expected in str(found.value)


def test_files_that_are_not_prompts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.txt"
    with pytest.raises(PromptError, match="there is no prompt file"):
        read_prompts(path)
    path.write_bytes(b"fine\ncaf\xe9\n")
    with pytest.raises(PromptError, match="line 2: not UTF-8"):
        read_prompts(path)
    path.write_bytes(b"")
    with pytest.raises(PromptError, match="holds no prompt at all"):
        read_prompts(path)
    path.write_bytes(b"x" * (9 << 20))
    with pytest.raises(PromptError, match="line 1: longer than"):
        read_prompts(path)
    (tmp_path / "p.xlsx").write_bytes(b"PK")
    with pytest.raises(PromptError, match=r"a file named \*.xlsx"):
        read_prompts(tmp_path / "p.xlsx")
    with pytest.raises(PromptError, match="no column 'goal'"):
        read(tmp_path, {"prompt": "x"}, column="goal")


TURNS = st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text(max_size=5)), max_size=6)


@settings(deadline=None)
@given(TURNS)
def test_what_is_answered_alternates_and_ends_on_the_users_side(turns: list[Message]) -> None:
    conversation = conversation_from(turns)
    if isinstance(conversation, str):
        return
    roles = [turn.role for turn in conversation.messages]
    said = roles[1:] if roles[0] == "system" else roles
    assert said == (["user", "assistant"] * len(said))[: len(said)]
    assert said[-1] == "user"
    assert all(turn.content.strip() for turn in conversation.messages)
    assert conversation_from(conversation.messages) == conversation


def test_a_transcript_keeps_the_words_of_its_turns() -> None:
    turns = turns_of_transcript("\n\nHuman: a\n\nb Human: c\n\nAssistant: d")
    assert [turn.content for turn in turns] == ["a\n\nb Human: c", "d"]


@pytest.mark.skipif(not HH.is_file(), reason="the HH data are not here")
def test_real_red_team_prompts_are_read() -> None:
    file = read_prompts(HH)
    assert (len(file.prompts), file.duplicates, len(file.skipped)) == (1137, 1, 0)
    assert {prompt.kind for prompt in file.prompts} == {"red_team"}
    assert sum(len(prompt.conversation.messages) > 1 for prompt in file.prompts) > 700
    assert not any("\n\nHuman:" in turn.content for prompt in file.prompts for turn in prompt.conversation.messages)
    assert read_prompts(HH) == file
