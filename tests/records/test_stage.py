"""A stage's folder: begun, interrupted, taken up, finished; and what it refuses."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from charter.errors import DamageError, FingerprintError, InvariantError, RunError
from charter.records import Run, StageFolder
from charter.types import Message

FINGERPRINT = {"prompts": "aa", "recipe.revision": "bb"}


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with Run.create(tmp_path / "run", "seed: 7\n", "name: c\n") as run:
        yield run


def messages(start: int, count: int = 3) -> list[Message]:
    return [Message("user", f"text {number}") for number in range(start, start + count)]


def finished(run: Run, name: str = "1-things") -> StageFolder:
    stage = run.stage(name)
    assert stage.begin(FINGERPRINT) == "new"
    stage.write_part(0, messages(0))
    stage.write_part(1, messages(3))
    (stage.path / "model" / "deep").mkdir(parents=True)
    (stage.path / "model" / "config.json").write_text("{}")
    (stage.path / "model" / "deep" / "weights").write_text("w")
    (stage.path / "metrics.jsonl").write_text("{}\n")
    stage.finish({"things": 6}, tokens=42, seconds=1.5, files=[*stage.files_under("model"), "metrics.jsonl"])
    return stage


def test_a_finished_stage_is_complete_and_reads_in_order(run: Run) -> None:
    finished(run)
    again = run.stage("1-things")
    assert again.begin(FINGERPRINT) == "complete"
    assert list(again.read(Message)) == messages(0, 6)
    assert again.manifest.counts == {"things": 6}
    assert sorted(again.manifest.files) == ["metrics.jsonl", "model/config.json", "model/deep/weights"]
    assert sorted(path.name for path in again.path.iterdir()) == [
        "manifest.json", "metrics.jsonl", "model", "part-00000.parquet", "part-00001.parquet",
    ]  # fmt: skip


def test_an_interrupted_stage_is_taken_up_where_it_stopped(run: Run) -> None:
    stage = run.stage("1-things")
    stage.begin(FINGERPRINT)
    stage.write_part(0, messages(0))
    again = run.stage("1-things")
    assert again.begin(FINGERPRINT) == "partial"
    assert (again.has_part(0), again.has_part(1)) == (True, False)
    assert list(again.read(Message)) == messages(0)
    with pytest.raises(RunError, match="not finished"):
        _ = again.digest


def test_what_differs_in_a_fingerprint_is_named_with_the_ways_on(run: Run) -> None:
    stage = finished(run)
    with pytest.raises(FingerprintError) as raised:
        run.stage("1-things").begin({"prompts": "aa", "recipe.revision": "CC", "judge": "dd"})
    message = str(raised.value)
    assert "judge is new, recipe.revision changed" in message
    assert "prompts" not in message
    assert "--out" in message and f"remove {stage.path}" in message and "stages after it" in message
    with pytest.raises(FingerprintError, match=r"prompts is no longer there"):
        run.stage("1-things").begin({"recipe.revision": "bb"})


def test_an_incomplete_stage_made_from_something_else_is_refused_too_and_left_alone(run: Run) -> None:
    stage = run.stage("1-things")
    stage.begin(FINGERPRINT)
    stage.write_part(0, messages(0))
    (stage.path / ".part-00001.parquet.tmp").write_text("half")
    with pytest.raises(FingerprintError, match="prompts changed"):
        run.stage("1-things").begin(FINGERPRINT | {"prompts": "zz"})
    assert (stage.path / ".part-00001.parquet.tmp").exists()


def test_what_a_killed_process_left_is_never_read_and_is_removed(run: Run) -> None:
    stage = run.stage("1-things")
    stage.begin(FINGERPRINT)
    stage.write_part(0, messages(0))
    (stage.path / ".part-00001.parquet.tmp").write_text("half")
    (stage.path / "part-00001.parquet").write_bytes((stage.path / "part-00000.parquet").read_bytes())
    assert list(run.stage("1-things").read(Message)) == messages(0)
    again = run.stage("1-things")
    assert again.begin(FINGERPRINT) == "partial"
    assert sorted(path.name for path in again.path.iterdir()) == ["manifest.json", "part-00000.parquet", "parts.jsonl"]


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_line_of_the_journal_torn_anywhere_costs_its_part_and_no_other(run: Run, cut: int) -> None:
    stage = run.stage("1-things")
    stage.begin(FINGERPRINT)
    stage.write_part(0, messages(0))
    stage.write_part(1, messages(3))
    journal = stage.path / "parts.jsonl"
    journal.write_bytes(journal.read_bytes()[:-cut])
    again = run.stage("1-things")
    again.begin(FINGERPRINT)
    assert (again.has_part(0), again.has_part(1)) == (True, False)
    again.write_part(1, messages(3))
    again.finish({"things": 6}, 0, 1.0)
    assert list(run.stage("1-things").read(Message)) == messages(0, 6)


def test_a_journal_line_that_was_edited_is_damage(run: Run) -> None:
    stage = run.stage("1-things")
    stage.begin(FINGERPRINT)
    stage.write_part(0, messages(0))
    journal = stage.path / "parts.jsonl"
    journal.write_text(journal.read_text().replace('"rows": 3', '"rows": 4'))
    with pytest.raises(DamageError, match=r"parts\.jsonl was changed"):
        run.stage("1-things").begin(FINGERPRINT)


def test_a_part_is_written_once(run: Run) -> None:
    stage = run.stage("1-things")
    stage.begin(FINGERPRINT)
    stage.write_part(0, messages(0))
    with pytest.raises(InvariantError, match="written once"):
        stage.write_part(0, messages(0))


def test_a_stage_is_begun_before_it_is_written(run: Run) -> None:
    with pytest.raises(InvariantError, match="call begin"):
        run.stage("1-things").write_part(0, messages(0))
    stage = finished(run)
    with pytest.raises(InvariantError, match="call begin"):
        stage.write_part(2, messages(0))


def test_a_part_without_records_counts_as_committed(run: Run) -> None:
    stage = run.stage("1-things")
    stage.begin(FINGERPRINT)
    stage.write_part(0, [])
    stage.write_part(1, messages(0))
    assert stage.has_part(0)
    stage.finish({"things": 3}, 0, 1.0)
    assert list(run.stage("1-things").read(Message)) == messages(0)


def test_a_stage_with_a_hole_or_a_nameless_file_is_not_finished(run: Run) -> None:
    stage = run.stage("1-things")
    stage.begin(FINGERPRINT)
    stage.write_part(1, messages(0))
    with pytest.raises(InvariantError, match=r"its parts are \[1\]"):
        stage.finish({}, 0, 1.0)
    stage.write_part(0, messages(0))
    (stage.path / "scratch").write_text("x")
    with pytest.raises(InvariantError, match="scratch"):
        stage.finish({}, 0, 1.0)


def test_the_digest_covers_what_was_computed_and_not_how_long_it_took(tmp_path: Path) -> None:
    def digest(folder: str, seconds: float, count: int = 3, tokens: int = 5, text: str = "m") -> str:
        with Run.create(tmp_path / folder, "seed: 1\n", "name: c\n") as other:
            stage = other.stage("1-things")
            stage.begin(FINGERPRINT)
            stage.write_part(0, messages(0, count))
            (stage.path / "metrics.jsonl").write_text(text)
            stage.finish({"things": 3}, tokens, seconds, ["metrics.jsonl"])
            return stage.digest

    assert digest("a", 1.0) == digest("b", 2.0)
    assert (
        len({digest("c", 1.0), digest("d", 1.0, count=4), digest("e", 1.0, tokens=6), digest("f", 1.0, text="n")}) == 4
    )


def test_seconds_add_up_over_sessions(run: Run) -> None:
    stage = run.stage("1-things")
    stage.begin(FINGERPRINT)
    stage.write_part(0, messages(0))
    stage.write_part(1, messages(3))
    again = run.stage("1-things")
    again.begin(FINGERPRINT)
    again.finish({}, 0, 100.0)
    earlier = sum(entry.seconds for entry in again.manifest.parts)
    assert earlier > 0
    assert again.manifest.seconds == pytest.approx(100.0 + earlier)


def test_a_stage_that_must_start_over_is_cleared_and_keeps_its_seconds(run: Run) -> None:
    stage = run.stage("3-sft")
    stage.begin(FINGERPRINT)
    stage.write_part(0, messages(0))
    (stage.path / "model").mkdir()
    (stage.path / "model" / "half").write_text("x")
    again = run.stage("3-sft")
    assert again.begin(FINGERPRINT) == "partial"
    again.clear()
    assert not again.has_part(0)
    assert [path.name for path in again.path.rglob("*") if path.is_file()] == ["manifest.json"]
    again.write_part(0, messages(5))
    again.finish({}, 0, 100.0)
    assert again.manifest.seconds > 100.0
    assert list(again.read(Message)) == messages(5)


def test_a_model_folder_is_checked_before_use(run: Run) -> None:
    stage = finished(run)
    assert stage.checked("model") == stage.path / "model"
    assert stage.checked("metrics.jsonl").read_text() == "{}\n"
    with pytest.raises(RunError, match="has no mod"):
        stage.checked("mod")
    (stage.path / "model" / "adapter_config.json").write_text("{}")
    with pytest.raises(DamageError, match=r"adapter_config\.json is extra"):
        stage.checked("model")
    (stage.path / "model" / "adapter_config.json").unlink()
    (stage.path / "model" / "config.json").write_text("{ }")
    with pytest.raises(DamageError, match=r"model/config\.json is damaged"):
        stage.checked("model")
    (stage.path / "model" / "config.json").unlink()
    with pytest.raises(DamageError, match=r"model/config\.json is missing"):
        stage.checked("model")


def test_a_stage_that_lost_its_manifest_is_not_taken_for_a_new_one(run: Run) -> None:
    stage = finished(run)
    (stage.path / "manifest.json").unlink()
    with pytest.raises(DamageError, match=r"manifest\.json is missing"):
        run.stage("1-things").begin(FINGERPRINT)


def test_a_stage_under_another_name_is_damage(run: Run) -> None:
    finished(run).path.rename(run.path / "2-others")
    with pytest.raises(DamageError, match="is that of 1-things"):
        _ = run.stage("2-others").digest


def test_a_manifest_never_leads_out_of_its_folder(run: Run) -> None:
    stage = run.stage("1-things")
    stage.begin(FINGERPRINT)
    with pytest.raises(ValueError, match="outside"):
        stage.finish({}, 0, 1.0, files=["../recipe.yaml"])


def test_records_stream_so_that_memory_does_not_grow_with_their_number(run: Run) -> None:
    def peak(name: str, num_parts: int) -> int:
        stage = run.stage(name)
        stage.begin(FINGERPRINT)
        for index in range(num_parts):
            stage.write_part(index, messages(index * 100, 100))
        tracemalloc.start()
        assert sum(1 for _ in stage.read(Message)) == num_parts * 100
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak("1-warm-up", 1)
    assert peak("2-long", 40) < 1.5 * peak("3-short", 4)


FULL_DISK = """
import resource, sys
from pathlib import Path
from charter.errors import StorageError
from charter.records import Run, verify
from charter.types import Message

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def part(index, size=1):
    return [Message("user", f"{index} {number * 7919 % 1000003}") for number in range(size)]

with Run.create(Path(sys.argv[1]), "seed: 1\\n", "name: c\\n") as run:
    stage = run.stage("1-things")
    stage.begin({"prompts": "aa"})
    stage.write_part(0, part(0))

    limit(4096)  # a part too large
    try:
        stage.write_part(1, part(1, 20000))
        raise SystemExit("a part beyond the limit was written")
    except StorageError as error:
        assert "part-00001.parquet: File too large" in str(error), error
    assert not stage.has_part(1) and list(stage.path.glob(".*")) == [] and verify(run) == []

    try:  # a journal too large: its last line is torn
        for index in range(1, 1000):
            stage.write_part(index, part(index))
        raise SystemExit("a journal beyond the limit was written")
    except StorageError as error:
        assert "parts.jsonl: File too large" in str(error), error
    assert (stage.path / "parts.jsonl").stat().st_size == 4096 and verify(run) == []
    assert [*stage.read(Message)] == [record for done in range(index) for record in part(done)]

    limit(resource.RLIM_INFINITY)  # room again, in the same process
    stage.write_part(index, part(index))
    stage.finish({}, 0, 1.0)
    assert [*run.stage("1-things").read(Message)] == [record for done in range(index + 1) for record in part(done)]
    assert verify(run) == []
"""


def test_a_full_disk_is_a_storage_error_and_what_was_committed_stays_valid(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path / "run")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
