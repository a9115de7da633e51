"""A policy to reinforce that a test can kill, and a scorer that is a rule."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from charter.recipe import Rl
from charter.rl import Observer, reinforce
from charter.training import Checkpointing, TrainingJob
from charter.types import Conversation, Message, Prompt, Rollout

PROMPTS = [Prompt(f"p{i}", Conversation.of(f"Question {i}?"), "red_team", "any", "test", "train") for i in range(10)]
SETTINGS = Rl(steps=6, prompts_per_step=4, samples_per_prompt=4, learning_rate=1e-2, max_tokens=8, max_kl=1000)


class LikesSpaces:
    """Scores an answer by its number of spaces: a rule that a policy can learn to please."""

    digest = "likes spaces"

    def score(self, answers: Sequence[tuple[Sequence[Message], str]]) -> list[float]:
        return [float(text.count(" ")) for _, text in answers]


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
    return reinforce(start, LikesSpaces(), PROMPTS, SETTINGS, job, Observer(record=record))
