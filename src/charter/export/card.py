"""The README.md of an export: what it holds, what was left out, what made it. For the Hub, a data card with its header.

Names come from recipes and constitutions that anyone may have written: they stand in code spans, where nothing is
markup, and the header is YAML that a library writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from charter.export.source import Source, Tally
from charter.printable import printable

TITLES = {
    "trl": "for TRL",
    "openrlhf": "for OpenRLHF",
    "axolotl": "for Axolotl",
    "hf-cai": "in the layout of HuggingFaceH4/cai-conversation-harmless",
    "annotated-pairs": "as annotated pairs",
    "datasets": "as a data set",
}

JUDGED = (
    "A preference is a judge model's, not a person's. `probability` is what the judge gave to `chosen` being the "
    "better answer, averaged over its judgements; a label of it beats a hard one (Bai et al. 2022, §4.3). Ties are "
    "kept, with probability 0.5 and `tied` true: leave them out where a trainer takes hard labels alone. Comparisons "
    "on which the judge abstained or could not be read are not here; they are counted above."
)
ABOUT = {
    "hf-cai": "Nobody judged these preferences: `chosen` is a revision, `rejected` the answer that it revised. The "
    "judge's labels, with their probabilities, are in the other forms of this export.",
    "annotated-pairs": "The default annotator is a judge model, not a person; `probability_a` is what it gave to "
    "`response_a` being the better answer, averaged over its judgements. A tie is no preference, with that as its "
    "reason. Comparisons on which the judge abstained or could not be read are not here; they are counted above.",
}


def card(source: Source, target: str, use: str, tally: Tally, files: Iterable[str]) -> str:
    """The whole text. The same run gives the same one: no date, no path."""
    manifests = [stage.manifest for stage in source.run.stages()]
    complete = [manifest for manifest in manifests if manifest.complete]
    constitution, recipe = source.constitution, source.recipe
    lines = [
        *_header(target, files),
        f"# Constitutional AI data {TITLES[target]}",
        "",
        f"Made by Charter from the run {_code(recipe.name)} (seed {recipe.seed}), by the constitution "
        f"{_code(constitution.name)}, version {_code(constitution.version)}, with "
        f"{len(constitution.principles)} principles.",
        "",
        "| what | count |",
        "| --- | ---: |",
        *(f"| {name} | {count:,} |" for name, count in tally.items() if count),
        "",
        ABOUT.get(target, JUDGED),
        "",
        "Prompts may be attacks, and first answers and rejected ones may be harmful: that is what they are for. Every "
        "row's `id` names its record in the run.",
        "",
        "## Use",
        "",
        use,
        "",
        "## Made from",
        "",
        "| stage | digest |",
        "| --- | --- |",
        *(f"| {manifest.stage} | `{manifest.digest}` |" for manifest in complete),
        "",
    ]
    return "\n".join(lines)


def _header(target: str, files: Iterable[str]) -> list[str]:
    """The Hub's header, for the targets that it reads: which files are which configuration's which split."""
    if target not in ("datasets", "hf-cai"):
        return []
    configurations: dict[str, list[dict[str, str]]] = {}
    for file in files:
        folder, split = file.split("/")[0], Path(file).name.partition("-")[0]
        name = "default" if folder == "data" else folder
        configurations.setdefault(name, []).append({"split": split, "path": file})
    data = {
        "tags": ["constitutional-ai", "preference", "synthetic"],
        "configs": [{"config_name": name, "data_files": listed} for name, listed in configurations.items()],
    }
    return ["---", yaml.safe_dump(data, sort_keys=False).rstrip(), "---", ""]


def _code(text: str) -> str:
    plain = printable(text).replace("`", "'")
    return f"`{plain}`"
