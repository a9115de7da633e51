"""Arguments and options that several commands take, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, as charter run or init made it.")]
RecipeFile = Annotated[
    Path | None, typer.Argument(metavar="RECIPE", help="A recipe in YAML; the small world's default run if none.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Overrides a field of the recipe; may be given often."),
]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="DIR", help="The start: a Hugging Face model folder, or 'world'."),
]
PromptsOption = Annotated[
    str | None,
    typer.Option(
        "--prompts",
        metavar="FILE|DIR",
        help="Prompts: JSONL, JSON, CSV, Parquet, Arrow or plain lines, a folder of them, or 'world'. "
        "--set prompts.column=NAME names their column, --set prompts.kind=helpful says what they are.",
    ),
]
ConstitutionOption = Annotated[
    str | None,
    typer.Option("--constitution", metavar="NAME|FILE", help="A shipped constitution, a YAML file, or the paper's."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Writes JSON to stdout.")]
