"""The command line, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from charter import __version__
from charter.cli import memos, principles, stages, worlds
from charter.cli.boundary import EXIT_CODES, Boundary
from charter.cli.chatting import chat
from charter.cli.console import put_line
from charter.cli.explaining import why
from charter.cli.exporting import export
from charter.cli.reporting import report
from charter.cli.running import init, run
from charter.cli.serving import serve
from charter.cli.showing import show
from charter.cli.tables import table
from charter.cli.verifying import verify

app = typer.Typer(
    cls=Boundary,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a fault of ours shows the plain traceback, without the values of variables
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """The entry point ``charter``."""
    app()


def _show_version(asked: bool) -> None:
    if asked:
        put_line(f"charter {__version__}")
        raise typer.Exit


@app.callback()
def charter(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Says the version, and leaves.")
    ] = False,
) -> None:
    """Trains a language model to follow a written constitution, and shows its work.

    Begin with: charter run
    """
    del version  # its callback has answered


app.command(epilog="Example: charter run recipes/smoke.yaml --out runs/smoke --set rl.steps=20")(run)
app.command(epilog="Example: charter init recipes/default.yaml --out runs/mine")(init)
stages.register(app)
app.command(epilog="Example: charter report runs/mine", rich_help_panel="Stages")(report)
app.command(epilog="Example: charter show runs/mine revisions --limit 3", rich_help_panel="Results")(show)
app.command(epilog="Example: charter table runs/seed0 runs/seed1 runs/seed2", rich_help_panel="Results")(table)
app.command(epilog='Example: charter chat runs/mine "How do I bake bread?"', rich_help_panel="Results")(chat)
app.command(epilog="Example: charter serve runs/mine --policy rl_cai", rich_help_panel="Results")(serve)
app.command(epilog="Example: charter why runs/mine answer-rl_cai-0123456789abcdef", rich_help_panel="Results")(why)
app.command(epilog="Example: charter export runs/mine --to trl --out data/mine", rich_help_panel="Results")(export)
app.command(epilog="Example: charter verify runs/mine --digest", rich_help_panel="Results")(verify)
app.add_typer(principles.app, name="constitution", rich_help_panel="Material")
app.add_typer(memos.app, name="memo", rich_help_panel="Material")
app.add_typer(worlds.app, name="world", rich_help_panel="Material")
