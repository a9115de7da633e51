"""Small files of a stage, read from disk: digests verified where the stage is finished, shapes checked always."""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from charter.records import StageFolder
from charter.records.sealed import damage

T = TypeVar("T")
Number = Annotated[float, Field(allow_inf_nan=False)]
Figures = dict[str, Number | int | str | None]
MetricsRow = dict[str, Number]

FIGURES, METRICS, TABLE, CALIBRATION = "figures.json", "metrics.jsonl", "table.json", "calibration.json"


def read_json(stage: StageFolder, name: str, shape: type[T] | Any) -> T | None:
    """The value in a finished stage's JSON file; None where the stage has no such file.

    Raises ``DamageError`` if the file isn't the one recorded or doesn't hold a value of that shape.
    """
    if name not in stage.manifest.files:
        return None
    path = stage.checked(name)
    try:
        return TypeAdapter[T](shape).validate_json(path.read_bytes())
    except ValidationError as error:
        raise damage(path, "does not hold what Charter writes there") from error


def read_metrics(stage: StageFolder) -> list[dict[str, float]]:
    """The rows of a training stage's ``metrics.jsonl``, one a step; the whole ones so far if it is still at work.

    Raises ``DamageError`` as above. A file that no manifest names yet can't be verified, only checked for its shape.
    """
    complete = stage.manifest.complete
    if complete and METRICS not in stage.manifest.files:
        return []
    path = stage.checked(METRICS) if complete else stage.path / METRICS
    if not path.is_file():
        return []
    data = path.read_bytes()
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    try:
        return [TypeAdapter[MetricsRow](MetricsRow).validate_python(json.loads(line)) for line in lines]
    except ValueError as error:  # pydantic's ValidationError and JSON's error are both one
        raise damage(path, "does not hold a step's figures on each line") from error
