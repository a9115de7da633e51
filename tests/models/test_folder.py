from __future__ import annotations

import json
from pathlib import Path

import pytest

from charter.errors import ModelError
from charter.models.folder import ModelFolder
from charter.models.local import LocalModel
from charter.models.registry import load_model
from tiny_models import make_tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_tiny_model("llama", tmp_path / "model")


def test_a_whole_folder_has_a_digest_of_its_content_alone(folder: Path, tmp_path: Path) -> None:
    again = make_tiny_model("llama", tmp_path / "again")
    other = make_tiny_model("llama", tmp_path / "other", seed=1)
    (again / "README.md").write_text("A card decides no answer.")
    assert ModelFolder.check(folder).digest == ModelFolder.check(again).digest != ModelFolder.check(other).digest


@pytest.mark.parametrize("name", ["chat_template.jinja", "generation_config.json", "tokenizer_config.json"])
def test_each_file_that_decides_an_answer_enters_the_digest(folder: Path, name: str) -> None:
    before = ModelFolder.check(folder).digest
    (folder / name).write_text((folder / name).read_text() + "\n")
    assert ModelFolder.check(folder).digest != before


def test_a_name_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model folder 'meta-llama/Llama-3'"):
        ModelFolder.check("meta-llama/Llama-3")
    with pytest.raises(ModelError, match="no model folder"):
        load_model(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("config.json", "has no config.json"),
        ("model.safetensors", "has no weights"),
        ("tokenizer.json", "has no tokenizer"),
        ("chat_template.jinja", "has no chat template"),
    ],
)
def test_each_part_that_is_missing_is_named(folder: Path, name: str, says: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match=says) as caught:
        LocalModel.load(folder)
    assert caught.value.advice


def test_pickled_weights_alone_are_not_opened(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="only as a pickle"):
        ModelFolder.check(folder)


def test_a_shard_that_the_index_lists_must_be_there(folder: Path) -> None:
    shards = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(shards))
    with pytest.raises(ModelError, match="model-00002-of-00002"):
        ModelFolder.check(folder)


def test_a_model_with_python_code_of_its_own_is_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModelForCausalLM": "m.Model"}}))
    with pytest.raises(ModelError, match="code of its own"):
        ModelFolder.check(folder)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe"])
def test_a_broken_configuration_is_a_users_error(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"config\.json"):
        LocalModel.load(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_file_cut_short_is_a_users_error(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="can't be loaded"):
        LocalModel.load(folder)


def test_weights_of_fewer_layers_than_configured_are_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(ModelError, match="lack 9 of the model's tensors"):
        LocalModel.load(folder)


def test_weights_of_another_shape_are_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 48}))
    with pytest.raises(ModelError, match="can't be loaded"):
        LocalModel.load(folder)


def test_a_model_with_other_layers_than_attention_is_refused(folder: Path) -> None:
    mamba = {"model_type": "mamba", "vocab_size": 405, "hidden_size": 16, "num_hidden_layers": 1, "state_size": 4}
    from transformers import MambaConfig, MambaForCausalLM

    (folder / "model.safetensors").unlink()
    MambaForCausalLM(MambaConfig(**{k: v for k, v in mamba.items() if k != "model_type"})).save_pretrained(folder)
    with pytest.raises(ModelError, match="layers that Charter can't run"):
        LocalModel.load(folder)


def test_a_template_that_fails_is_a_users_error(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{{ raise_exception('not for you') }}")
    with pytest.raises(ModelError, match="not for you"):
        LocalModel.load(folder)
    (folder / "chat_template.jinja").write_text("{% for message in")
    with pytest.raises(ModelError):
        LocalModel.load(folder)
