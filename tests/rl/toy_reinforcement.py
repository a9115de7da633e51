"""A policy to reinforce that a test can kill, and a scorer that is a rule."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from charter.recipe import Rl, Sft
from charter.rl import Observer, reinforce
from charter.sft import SftExample, fine_tune
from charter.training import Checkpointing, TrainingJob
from charter.types import Conversation, Message, Prompt, Rollout
from tiny_models import make_tiny_model

PROMPTS = [Prompt(f"p{i}", Conversation.of(f"Question {i}?"), "red_team", "any", "test", "train") for i in range(10)]
SETTINGS = Rl(steps=6, prompts_per_step=4, samples_per_prompt=4, learning_rate=3e-3, max_tokens=12, max_kl=1000)
PLAIN, EVASIVE = "Say so in plain words.", "I can't help with that."


def policy_of_two_minds(folder: Path) -> Path:
    """A policy that says PLAIN about as often as EVASIVE, and little else."""
    start = make_tiny_model("llama", folder / "random")
    pairs = [(prompt, answer) for prompt in PROMPTS for answer in (PLAIN, EVASIVE)]
    examples = [SftExample(f"{prompt.id} {answer}", prompt.conversation, answer, "helpful") for prompt, answer in pairs]
    fine_tune(start, examples, Sft(epochs=40, learning_rate=1e-2, batch_tokens=1024), TrainingJob(folder, seed=0))
    return folder / "model"


class LikesPlainWords:
    """Scores an answer by a rule that a policy can learn to please."""

    digest = "likes plain words"

    def score(self, answers: Sequence[tuple[Sequence[Message], str]]) -> list[float]:
        return [float("plain" in text) for _, text in answers]


def reinforce_in(folder: Path, start: Path, die_at: int | None = None) -> dict[str, object]:
    """Trains in ``folder``, writing each step's rollouts beside. Kills its own process after step ``die_at``."""

    def progress(step: int, total: int, metrics: Mapping[str, float]) -> None:
        assert total == SETTINGS.steps and "reward" in metrics
        if step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def record(step: int, rollouts: Sequence[Rollout]) -> None:
        folder.mkdir(exist_ok=True)
        file = folder / f"rollouts-{step}"
        if file.exists():
            assert file.read_text() == repr(rollouts)
        file.write_text(repr(rollouts))

    torch.set_num_threads(1)
    job = TrainingJob(folder, seed=2, progress=progress, checkpointing=Checkpointing(every_steps=2))
    return reinforce(start, LikesPlainWords(), PROMPTS, SETTINGS, job, Observer(record=record))
