"""The house keeps its plan: who may import whom, which recipes load, which links in the documents lead somewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from charter.recipe_file import load_recipe

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/charter"
BASE = {
    "types", "errors", "seeds", "digests", "printable", "yaml_file", "yaml_faults", "recipe", "recipe_file",
    "judge_form", "revision_form", "transcript", "stage_names",
}  # fmt: skip
INFRASTRUCTURE = {"models", "records"}
READS_PRINCIPLES = {"revision", "feedback", "evaluate", "world"}
TRAINS = {"sft", "preference", "rl", "world"}
STAGES = {"constitution", "prompts", "revision", "sft", "feedback", "preference", "rl", "evaluate", "audit"}
SPECIAL = {
    "models": set[str](),
    "records": set[str](),
    "training": {"models"},
    "executor": {"records"},
    "report": {"records"},
    "serve": {"models"},
    "export": {"records"},
    "viewer": {"records"},
    "lineage": {"records"},
}
ABOVE = {"pipeline", "job", "sources", "execution", "truth", "progress", "cli", "__main__"}  # these join the pieces


def imported_by(path: Path) -> set[str]:
    """The packages and modules of charter that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "charter" else [f"charter.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("charter.")}
    return found


def allowed(part: str) -> set[str]:
    if part in SPECIAL:
        return SPECIAL[part]
    extra = {"constitution"} if part in READS_PRINCIPLES else set[str]()
    return INFRASTRUCTURE | extra | ({"training"} if part in TRAINS else set())


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_stage_imports_no_other_stage(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if part in ABOVE or part == "__init__":
        return
    forbidden = imported_by(path) - BASE - {part, "__version__"} - (set() if part in BASE else allowed(part))
    assert not forbidden, f"{part} may not import {sorted(forbidden)}"


def test_the_layer_rule_can_fail() -> None:
    assert "preference" not in allowed("rl") | BASE
    assert imported_by(PACKAGE / "pipeline.py") & STAGES


def test_no_module_is_a_drawer_for_everything() -> None:
    assert not [path for path in PACKAGE.rglob("*.py") if path.stem in {"utils", "helpers", "common", "misc"}]


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_recipe_loads(path: Path) -> None:
    assert load_recipe(path, ()).name == path.stem


DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_in_documents_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    missing = [t for t in targets if "://" not in t and not (path.parent / t).exists()]
    named = re.findall(r"`((?:src|tests|recipes|docs|benchmarks)/[\w./-]+)`", text)
    assert not missing + [name for name in named if not (ROOT / name).exists()]
