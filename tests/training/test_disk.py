from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from charter.errors import DamageError, StorageError
from charter.training.disk import commit_text, committed_folder
from charter.training.metrics import MetricsFile, read_metrics, total


def test_a_folder_takes_the_place_of_the_old_one_whole(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with committed_folder(tmp_path / "model") as unfinished:
            (unfinished / text).write_text(text)
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_failure_on_the_way_leaves_the_old_folder(tmp_path: Path) -> None:
    with committed_folder(tmp_path / "model") as unfinished:
        (unfinished / "weights").write_text("old")
    with pytest.raises(ZeroDivisionError), committed_folder(tmp_path / "model") as unfinished:
        (unfinished / "weights").write_text("new")
        raise ZeroDivisionError
    assert (tmp_path / "model" / "weights").read_text() == "old"


def test_what_the_disk_refuses_is_a_storage_error_that_names_the_folder(tmp_path: Path) -> None:
    refused = pytest.raises(StorageError, match=r"could not write .*model: \[Errno 28\]")
    with refused, committed_folder(tmp_path / "model"), Path("/dev/full").open("w", buffering=1) as full:
        full.write("more than there is room for\n")
    assert not (tmp_path / "model").exists()


def test_whoever_can_read_the_folder_can_read_the_weights(tmp_path: Path) -> None:
    with committed_folder(tmp_path / "model") as unfinished:
        save_file({"weight": torch.zeros(2)}, unfinished / "model.safetensors")
        (unfinished / "README.md").write_text("card")
    weights, card = (tmp_path / "model" / name for name in ("model.safetensors", "README.md"))
    assert weights.stat().st_mode == card.stat().st_mode


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    commit_text(tmp_path / "file", "old")
    commit_text(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "new" and len(list(tmp_path.iterdir())) == 1


def test_rows_of_steps_that_a_killed_run_did_beyond_its_checkpoint_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    with MetricsFile(path, keep=0) as metrics:
        for step in range(3):
            metrics.append({"step": step, "loss": 1 / 3, "tokens": 10})
    path.write_bytes(path.read_bytes() + b'{"step": 3, "lo')  # torn
    with MetricsFile(path, keep=2) as metrics:
        assert metrics.append({"step": 2, "loss": 2 / 3, "tokens": 10})["loss"] == 0.666667
    rows = read_metrics(path)
    assert [row["step"] for row in rows] == [0, 1, 2] and total(rows, "tokens") == 30


def test_fewer_rows_than_steps_done_is_damage(tmp_path: Path) -> None:
    with pytest.raises(DamageError, match="holds 0 steps, and its checkpoint was made after 4"):
        MetricsFile(tmp_path / "metrics.jsonl", keep=4)
