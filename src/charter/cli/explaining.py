"""``charter why``: from a record back to all that made it."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.tree import Tree

from charter.cli.console import block, line, put, put_line
from charter.cli.options import AsJson, RunFolder
from charter.cli.stages_read import is_complete, why_skipped
from charter.constitution import draw_for_revision
from charter.job import constitution_of
from charter.lineage import Node, Sources, trace
from charter.models.folder import ModelFolder
from charter.records import Run
from charter.stage_names import PREFERENCE, RL, SFT

DIGEST = 64  # characters of a digest in full; people are shown the first few
SHOWN = 12

RecordId = Annotated[str, typer.Argument(metavar="ID", help="Of a prompt, chain, pair, label, rollout or answer.")]


def why(run: RunFolder, record_id: RecordId, as_json: AsJson = False) -> None:
    """Walks back from a record: to its policy, that policy's training, the labels, the principles and the judge.

    charter show names the ids. An answer to a held-out prompt has no label or chain of its own prompt: then the stages
    that made its policy are shown without them.
    """
    found = Run.open(run)
    tree = trace(found, sources_of(found), record_id)
    if as_json:
        put_line(json.dumps(dataclasses.asdict(tree), indent=2))
        return
    put(_grown(tree, None))


def sources_of(run: Run) -> Sources:
    """What the walk back needs besides the records. A trained model's digest is taken of its files as they are now."""
    constitution, seed = constitution_of(run), run.manifest.seed
    stages = [run.stage(name) for name in (SFT, PREFERENCE, RL)]
    trained = [stage for stage in stages if is_complete(stage) and not why_skipped(stage)]
    return Sources(
        constitution,
        {stage.name: ModelFolder.check(stage.path / "model").digest for stage in trained},
        lambda prompt_id, number: draw_for_revision(constitution, seed, prompt_id, number),
    )


def _grown(node: Node, above: Tree | None) -> Tree:
    label = _label(node)
    tree = Tree(label) if above is None else above.add(label)
    for child in node.because:
        _grown(child, tree)
    return tree


def _label(node: Node) -> RenderableType:
    facts = Grid.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in node.facts.items():
        if value is not None:
            facts.add_row(line(name), block(_shown(value)))
    return Group(line(f"{node.kind} {node.name}", "bold"), facts)


def _shown(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case list():
            return "\n".join(map(str, value)) or "nothing"
        case str() if len(value) == DIGEST and " " not in value:
            return f"{value[:SHOWN]}…"
        case _:
            return str(value)
