"""A run on disk: parts, manifests, fingerprints, resuming, verifying. ``run.py`` is where to start reading."""

from charter.records.manifest import RunManifest, StageManifest
from charter.records.parts import PartEntry
from charter.records.problems import Problem
from charter.records.run import Run
from charter.records.schema import schema_of
from charter.records.sealed import FORMAT_VERSION
from charter.records.stage import BeginState, StageFolder
from charter.records.verify import run_digest, verify

__all__ = [
    "FORMAT_VERSION",
    "BeginState",
    "PartEntry",
    "Problem",
    "Run",
    "RunManifest",
    "StageFolder",
    "StageManifest",
    "run_digest",
    "schema_of",
    "verify",
]
