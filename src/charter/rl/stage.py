"""Reinforcement learning from AI feedback: RL-CAI (Bai et al. 2022, §4.2), by RLOO (Ahmadian et al. 2024).

Each step: draw prompts; sample several answers to each with the current policy; score them with the preference model;
take off the weighted KL to the start; compare each answer with the others of its prompt; and move the policy towards
the better ones (``work.py``, in this order). It stops early when the policy has moved further than ``max_kl``. At the
end the weights may be taken part of the way back to the start's (``interpolation.py``).

Departures from the paper:

* RLOO instead of PPO. The baseline is the mean reward of the prompt's other answers, so there is no value network; an
  answer is one action; each answer serves one update, so no ratio is clipped. The paper samples one answer a prompt.
* The KL penalty is part of the reward, as in the paper, estimated by the log-ratio of the sampled answer alone. Its
  weight is the recipe's (0.02), the paper's 0.001: small models move faster.
* An unfinished answer is penalised (``reward.py``); the paper doesn't say what it does.
* Log-probabilities are at temperature 1, at whatever temperature the answer was sampled.
* Training goes over given prompts; the paper adds model-generated ones.
* With ``interpolation`` below 1 the policy is a point between the start and what training came to (WARP). The metrics
  are those of training, so of the weights before that.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from charter.digests import digest_of
from charter.errors import TrainingError
from charter.models.rendering import render_tokens
from charter.recipe import Rl
from charter.rl.interpolation import interpolate
from charter.rl.work import MICRO_BATCH_TOKENS, Observer, ReinforceWork, Scorer
from charter.training import (
    Adapter,
    Optimisation,
    Start,
    TrainingJob,
    end_training,
    merge,
    model_card,
    prepare,
    save_model_folder,
    total,
    train,
)
from charter.types import Prompt

NO_OBSERVER = Observer()


def reinforce(
    start: Path,
    scorer: Scorer,
    prompts: Sequence[Prompt],
    settings: Rl,
    job: TrainingJob,
    observer: Observer = NO_OBSERVER,
) -> dict[str, Any]:
    """Trains the policy in ``start`` against ``scorer`` and writes ``job.folder``'s ``model/`` and ``metrics.jsonl``.

    Returns counts (``prompts``, ``too_long``, ``steps``, ``answers``, ``tokens`` trained on, ``generated_tokens``),
    ``stopped`` (why it ended early, or empty), and ``first_score``, ``last_score``, ``first_kl``, ``last_kl``. A prompt
    that leaves less room than ``settings.max_tokens`` in the model's context is left out. Raises ``TrainingError`` if
    none is left.
    """
    policy = Start.load(start, job.settings)
    usable = [
        prompt for prompt in prompts if _prompt_tokens(policy, prompt) + settings.max_tokens <= policy.context_tokens
    ]
    if not usable:
        raise TrainingError(
            f"reinforcement learning has none of {len(prompts)} prompts to answer: the model takes "
            f"{policy.context_tokens} tokens, answers of {settings.max_tokens} included",
            "Give it shorter prompts or lower rl.max_tokens.",
        )
    adapter = prepare(policy.module, job.settings, job.seed)
    reference = adapter or copy.deepcopy(policy.module).requires_grad_(False)
    budget = job.settings.micro_batch_tokens or MICRO_BATCH_TOKENS
    work = ReinforceWork(policy, reference, scorer, usable, settings, job.seed, observer, budget)
    identity = digest_of(
        [policy.digest, scorer.digest, settings.model_dump(), job.settings.model_dump(), job.seed, usable]
    )
    metrics = train(policy.module, work, settings.steps, Optimisation(settings.learning_rate), job, identity)
    merge(adapter)
    if settings.interpolation < 1:
        began = Start.load(start, job.settings).module if isinstance(reference, Adapter) else reference
        interpolate(policy.module, began, settings.interpolation)
    counts = {
        "prompts": len(usable),
        "too_long": len(prompts) - len(usable),
        "steps": len(metrics),
        "answers": len(metrics) * settings.prompts_per_step * settings.samples_per_prompt,
        "tokens": total(metrics, "tokens"),
        "generated_tokens": total(metrics, "generated_tokens"),
    }
    save_model_folder(policy.module, start, job.folder / "model", _card(policy, scorer, counts, settings))
    end_training(job)
    return {**counts, "stopped": work.stopped, **_ends_of(metrics)}


def _prompt_tokens(policy: Start, prompt: Prompt) -> int:
    return len(render_tokens(policy.tokenizer, prompt.conversation.messages))


def _ends_of(metrics: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """How it began and how it ended; nothing if the very first step stopped it."""
    if not metrics:
        return {}
    first, last = metrics[0], metrics[-1]
    return {
        f"{place}_{name}": row[name] for place, row in (("first", first), ("last", last)) for name in ("score", "kl")
    }


def _card(policy: Start, scorer: Scorer, counts: Mapping[str, Any], settings: Rl) -> str:
    facts = {
        "start (digest)": policy.digest,
        "preference model (digest)": scorer.digest,
        **counts,
        **settings.model_dump(),
    }
    purpose = "A policy that was trained by reinforcement learning from AI feedback, by Charter."
    return model_card("RL-CAI policy", purpose, facts)
