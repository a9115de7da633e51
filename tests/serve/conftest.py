"""A server in a thread, on a free port, with small random models."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from openai import OpenAI
from running_server import running

from charter.models.local import LocalModel
from charter.preference import PreferenceScorer, train_preference_model
from charter.recipe import Preference
from charter.serve import Served
from charter.training import TrainingJob
from charter.types import Candidate, Comparison, Conversation, PreferenceLabel, Prompt, Verdict
from tiny_models import make_tiny_model


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    return LocalModel.load(make_tiny_model("llama", tmp_path_factory.mktemp("serve") / "policy"), exact=True)


@pytest.fixture(scope="session")
def other_policy(tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    return LocalModel.load(make_tiny_model("gemma3", tmp_path_factory.mktemp("serve") / "other", seed=1), exact=True)


@pytest.fixture(scope="session")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> PreferenceScorer:
    """A preference model after a step or two: what it prefers doesn't matter here."""
    folder = tmp_path_factory.mktemp("serve")
    start = make_tiny_model("llama", folder / "start")
    labels: list[PreferenceLabel] = []
    for index in range(6):
        prompt = Prompt(f"p{index}", Conversation.of(f"Question {index}?"), "helpful", "any", "test", "train")
        a, b = Candidate("Mix flour and water.", "sl_cai", "m"), Candidate("No.", "sl_cai", "m")
        labels.append(
            PreferenceLabel(f"l{index}", Comparison(f"c{index}", prompt, a, b), (), "labelled", Verdict(1, 0))
        )
    train_preference_model(start, labels, Preference(epochs=1, held_out=0), TrainingJob(folder, seed=0))
    return PreferenceScorer.load(folder / "model")


@pytest.fixture(scope="session")
def address(policy: LocalModel, other_policy: LocalModel, scorer: PreferenceScorer) -> Iterator[str]:
    with running(Served({"tiny": policy, "other": other_policy}, scorer)) as found:
        yield found


@pytest.fixture(scope="session")
def client(address: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=address, api_key="unused", max_retries=0, timeout=60) as found:
        yield found


@pytest.fixture(scope="session")
def http(address: str) -> Iterator[httpx.Client]:
    """For what OpenAI's client doesn't send."""
    with httpx.Client(base_url=address.removesuffix("/v1"), timeout=60) as found:
        yield found
