from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charter.errors import RecipeError
from charter.recipe import Prompts, Recipe, Rl
from charter.recipe_file import dump_recipe, load_recipe
from charter.yaml_file import MAX_BYTES, dump_yaml, parse_document

TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(bool), inner, max_size=3),
    max_leaves=8,
)


def load(folder: Path, text: str, *sets: str) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return load_recipe(path, sets)


def complaint(folder: Path, text: str, *sets: str) -> str:
    with pytest.raises(RecipeError) as found:
        load(folder, text, *sets)
    return str(found.value).replace(str(folder / "recipe.yaml"), "FILE")


def test_an_empty_file_and_no_file_are_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "# nothing\n") == load_recipe(None) == Recipe()


def test_a_recipe_and_its_settings_are_read(tmp_path: Path) -> None:
    recipe = load(tmp_path, "rl: {steps: 3, learning_rate: 1e-4}\nname: no", "rl.steps=7", "models.judge=", "seed = 2")
    assert (recipe.rl.steps, recipe.rl.learning_rate, recipe.name, recipe.seed) == (7, 1e-4, "no", 2)
    assert recipe.models.judge is None


@settings(deadline=None)
@given(
    st.builds(
        Recipe,
        name=TEXTS,
        seed=st.integers(0, 2**62),
        constitution=TEXTS,
        prompts=st.builds(Prompts, source=TEXTS, helpful=st.integers(0, 10**6)),
        rl=st.builds(Rl, learning_rate=st.floats(1e-12, 1), kl_weight=st.floats(0, 1e6)),
    )
)
def test_a_dumped_recipe_reads_back_the_same(recipe: Recipe) -> None:
    data = parse_document(dump_recipe(recipe), "dumped", RecipeError).data
    assert Recipe.model_validate(data, strict=True) == recipe


@settings(deadline=None)
@given(PLAIN)
def test_dumped_data_reads_back_the_same(data: object) -> None:
    assert parse_document(dump_yaml(data), "dumped", RecipeError).data == data


def test_an_unknown_field_is_named_with_its_line_and_the_nearest_one(tmp_path: Path) -> None:
    message = complaint(tmp_path, "name: x\nrl:\n  stepps: 3\n")
    assert "FILE, line 3: rl.stepps is not a field of rl; the nearest is rl.steps" in message
    assert "prompts_per_step" in message
    assert "the nearest is revision.rounds" in complaint(tmp_path, "rounds: 3\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rl:\n  steps: 0\n", "line 2: rl.steps should be greater than or equal to 1; given: 0"),
        ("rl:\n  steps: true\n", "line 2: rl.steps should be a whole number; given: True"),
        ("seed: '3'\n", "line 1: seed should be a whole number; given: '3'"),
        ("\nrl:\n", "line 2: rl should be a section with fields of its own; given: None"),
        ("- 1\n", "line 1: the file should be a section with fields of its own"),
        ("sft:\n  revisions: al\n", "line 2: sft.revisions should be 'all' or 'last'; given: 'al'"),
        ("name: x\npreference:\n  held_out: 1\n", "line 3: preference.held_out must leave labels to train on"),
        ("rl:\n  kl_weight: .inf\n", "line 2: rl.kl_weight should be a number; given: '.inf'"),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_line_field_and_what_is(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert expected in complaint(tmp_path, text)


def test_all_faults_are_told_at_once_up_to_a_limit(tmp_path: Path) -> None:
    message = complaint(tmp_path, "rl:\n" + "".join(f"  wrong{n}: 1\n" for n in range(12)))
    assert message.count("is not a field") == 8
    assert "4 more faults" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: [1,\n", "line 3"),
        ("name: x\n\tseed: 1\n", "line 2"),
        ("seed: 1\nrl: {steps: 1}\nseed: 2\n", "line 3: seed is given twice, first on line 1"),
        ("name: &a [1]\nseed: *a\n", "line 2: aliases (*name) are not read"),
        ("name: !!python/object:os.system x\n", "line 1: the tag tag:yaml.org,2002:python/object:os.system"),
        ("name: !!int x\n", "line 1: 'x' is not a YAML int"),
        ("name: a\n? [b]\n: 1\n", "line 2: a key is a word"),
        ("name: a\n---\nname: b\n", "line 2"),
        ("name: a\nconstitution: \x07\n", "line 2: the character U+0007"),
        ("[" * 1000, "nested deeper than"),
        ("seed: " + "9" * 5000, "seed should be a whole number"),
    ],
)
def test_yaml_that_is_not_read_is_refused_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in complaint(tmp_path, text)


def test_a_yaml_bomb_is_refused_at_once(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    started = time.process_time()
    assert "aliases" in complaint(tmp_path, bomb)
    assert time.process_time() - started < 2


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there is no file"):
        load_recipe(tmp_path / "none.yaml")
    with pytest.raises(RecipeError, match="can't be read"):
        load_recipe(tmp_path)
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"seed: 1\nname: caf\xe9\n")
    with pytest.raises(RecipeError, match=r"line 2: not UTF-8 \(byte 0xe9\)"):
        load_recipe(path)
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(RecipeError, match="larger than"):
        load_recipe(path)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("rl.steps", "not of the form FIELD=VALUE"),
        ("=3", "not of the form FIELD=VALUE"),
        ("rl.stepps=3", "no field rl.stepps; the nearest is rl.steps"),
        ("rounds=3", "no field rounds; the nearest is revision.rounds"),
        ("rl=3", "rl is a section"),
        ("rl.steps=[1", "--set rl.steps=[1, line 1"),
        ("rl.steps=a: b", "the value is a mapping"),
        ("rl.steps=0", "--set rl.steps=0: rl.steps should be greater than or equal to 1; given: 0"),
        ("rl.steps=[1, 2]", "rl.steps should be a whole number; given: [1, 2]"),
        ("name=\x1b[2J", "\\x1b"),
    ],
)
def test_a_wrong_setting_is_answered_with_what_is_wrong(tmp_path: Path, setting: str, expected: str) -> None:
    assert expected in complaint(tmp_path, "", setting)


def test_messages_hold_no_terminal_escapes(tmp_path: Path) -> None:
    for text in ('name: ["\\e[2J"]\n', '"\\e[2J": 1\n', 'rl: {"a\\u202e": 1}\n'):
        message = complaint(tmp_path, text)
        assert "\x1b" not in message
        assert "\u202e" not in message


def test_paths_in_a_recipe_are_meant_from_its_folder_and_those_set_from_here(tmp_path: Path) -> None:
    (tmp_path / "prompts.jsonl").touch()
    (tmp_path / "mine.yaml").touch()
    (tmp_path / "default").mkdir()
    (tmp_path / "world").mkdir()
    text = "constitution: mine.yaml\nmodels: {policy: world, judge: elsewhere}\nprompts: {source: prompts.jsonl}\n"
    recipe = load(tmp_path, text)
    assert recipe.constitution == str(tmp_path / "mine.yaml")
    assert recipe.prompts.source == str(tmp_path / "prompts.jsonl")
    assert (recipe.models.policy, recipe.models.judge) == ("world", "elsewhere")
    assert load(tmp_path, "constitution: default\n").constitution == "default"
    assert load(tmp_path, text, "prompts.source=prompts.jsonl").prompts.source == "prompts.jsonl"
