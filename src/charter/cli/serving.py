"""``charter serve``: a run's policies, or any model, for OpenAI's clients; its preference model for trainers."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from charter.cli.boundary import INTERRUPTED
from charter.cli.chatting import TRAINED
from charter.cli.console import say
from charter.cli.stages_read import is_complete, why_skipped
from charter.cli.taken import open_job
from charter.errors import ModelError, ServingError
from charter.job import Job
from charter.models.names import WORLD, model_folder
from charter.printable import printable
from charter.records.manifest import MANIFEST
from charter.stage_names import HELPFUL_ONLY, POLICIES, PREFERENCE

if TYPE_CHECKING:  # torch takes seconds to import, and a mistake in the options should show at once
    from charter.serve import Served

NEEDED = ("starlette", "uvicorn")

Source = Annotated[
    str, typer.Argument(metavar="MODEL|RUN", help="A run's folder, a Hugging Face model folder, or 'world'.")
]
Policy = Annotated[
    str | None,
    typer.Option("--policy", metavar="NAME", help=f"Of a run, only this one: {', '.join(POLICIES)}; all if not said."),
]
Host = Annotated[str, typer.Option("--host", help="The address to listen on; 0.0.0.0 lets other machines in.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")]
KeyEnv = Annotated[
    str | None,
    typer.Option("--api-key-env", metavar="VARIABLE", help="Clients have to show the key that this variable holds."),
]
Exact = Annotated[
    bool,
    typer.Option("--exact", help="Computes all in float32: slower, and a batch's company leaves an answer as it is."),
]


def serve(
    source: Source,
    policy: Policy = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    api_key_env: KeyEnv = None,
    exact: Exact = False,
) -> None:
    """Answers OpenAI's API for a run's policies or a model; and gives rewards by the run's preference model.

    Ctrl-C ends it. docs/serving.md shows clients, and how OpenRLHF and verl ask for rewards.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ServingError(f"serving needs {' and '.join(missing)}", 'Install them: pip install "charter[serve]"')
    key = _key(api_key_env)
    if policy is not None and policy not in POLICIES:
        raise ServingError(f"there is no policy {printable(policy)!r}", f"Name one of {', '.join(POLICIES)}.")

    is_run = (Path(source) / MANIFEST).is_file()
    if policy is not None and not is_run:
        raise ServingError(f"{printable(source)} is no run, and has no policies to choose from", "Leave out --policy.")
    served = _run(open_job(Path(source)), policy, key, exact) if is_run else _model(source, key, exact)

    from charter.serve import LOOPBACK, Listening, make_app

    listening = Listening.bind(make_app(served, only_local=host in LOOPBACK), host, port)
    if host not in LOOPBACK and key is None:
        say("Whoever reaches this address can use it: there is no key (--api-key-env).")
    rewards = "" if served.scorer is None else ", and rewards by the run's preference model"
    say(f"Serving {', '.join(served.policies)}{rewards} at {listening.address}. Ctrl-C ends it.")
    try:
        listening.run()
    except KeyboardInterrupt:
        say("\nStopped.")
        raise typer.Exit(INTERRUPTED) from None


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ServingError(
            f"the variable {printable(variable)} holds no key", "Set it, or leave out --api-key-env to need none."
        )
    return key


def _model(source: str, key: str | None, exact: bool) -> Served:
    folder = model_folder(source)

    from charter.models.local import LocalModel
    from charter.serve import Served

    name = WORLD if source == WORLD else folder.path.resolve().name
    return Served({name: LocalModel.load(folder, exact=exact)}, key=key)


def _run(job: Job, only: str | None, key: str | None, exact: bool) -> Served:
    """The policies that are there, or ``only`` one of them, and the preference model if there is one.

    What is missing is said on stderr, unless it was asked for by name: then it is an error.
    """
    from charter.models.local import LocalModel
    from charter.preference import PreferenceScorer
    from charter.serve import Served

    start = job.start if only in (None, HELPFUL_ONLY) else None
    policies = {HELPFUL_ONLY: LocalModel.load(start, exact=exact)} if start else {}
    for policy, stage in TRAINED.items():
        if only not in (None, policy):
            continue
        folder = job.run.stage(stage)
        model = job.trained(stage) if is_complete(folder) else None
        if model is not None:
            policies[policy] = LocalModel.load(model, exact=exact)
            continue
        why = f"{policy} is not here: {why_skipped(folder) or f'{stage} is not complete'}"
        if only == policy:
            raise ModelError(why, "Finish the run, or serve another of its policies.")
        say(f"{why}.")
    preference = job.trained(PREFERENCE) if is_complete(job.run.stage(PREFERENCE)) else None
    if preference is None:
        say("No rewards: the run has no preference model.")
        return Served(policies, key=key)
    return Served(policies, PreferenceScorer.load(preference.path), key)
