"""``charter memo``: the answers of servers that are kept, and forgetting some."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Grid

from charter.cli.console import line, put, put_line
from charter.errors import MemoError
from charter.models.memo import MEMO, Memo

app = typer.Typer(no_args_is_help=True, help="Shows the answers of servers that are kept, or forgets some.")

Named = Annotated[
    Path, typer.Argument(metavar="RUN|FILE", help="A run's folder, or the file that its recipe names as memo.")
]
Models = Annotated[
    list[str], typer.Option("--model", metavar="NAME", help="Whose calls to forget; may be given often.")
]


@app.command(epilog="Example: charter memo info runs/mine")
def info(memo: Named) -> None:
    """Says how many completed calls there are of each model.

    A call that is kept is not made, nor paid for, again.
    """
    found = _opened(memo)
    grid = Grid(box=None, pad_edge=False)
    for name in ("model", "digest"):
        grid.add_column(name)
    for name in ("calls", "characters"):
        grid.add_column(name, justify="right")
    for kept in found.kept():
        grid.add_row(line(kept.model), line(kept.digest[:12]), f"{kept.calls:,}", f"{kept.characters:,}")
    put(grid)
    put_line(f"{found.path}: {found.path.stat().st_size:,} bytes")


@app.command(epilog="Example: charter memo prune runs/mine --model my-org/judge-70b")
def prune(memo: Named, model: Models) -> None:
    """Forgets all calls of a model, and gives their space back. A run that needs them again pays for them again."""
    found = _opened(memo)
    there = {kept.model for kept in found.kept()}
    unknown = [name for name in model if name not in there]
    if unknown:
        raise MemoError(
            f"{found.path} holds no calls of {', '.join(unknown)}", f"It has: {', '.join(sorted(there)) or 'none'}."
        )
    put_line(f"{found.prune(model):,} calls forgotten.")


def _opened(path: Path) -> Memo:
    """The memo that is there: looking makes none. Raises ``MemoError``."""
    file = path / MEMO if path.is_dir() else path
    if not file.is_file():
        raise MemoError(f"there is no memo {file}", "A run has one once it has asked a server.")
    return Memo(file)
