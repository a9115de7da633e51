"""Makes the reference model again: the helpful-only start, critic, reviser and judge of the small world.

A Llama-shaped network of a few million parameters, trained from nothing on text drawn afresh at every step.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from charter.digests import digest_of
from charter.models.local import LocalModel
from charter.seeds import derive_seed
from charter.training import (
    Optimisation,
    Progress,
    TokenBatch,
    TrainingJob,
    attend_plainly,
    collate,
    committed_folder,
    end_training,
    pack,
    silent,
    token_logprobs,
    train,
    without_progress_bar,
)
from charter.world.card import world_card
from charter.world.corpus import FIRST_MIX, MIX, draw_document
from charter.world.encode import Encoder
from charter.world.skills import measure_skills
from charter.world.tokenizer import CONTEXT_TOKENS, PAD, train_tokenizer

DOCUMENTS_A_STEP = 56  # of every kind, some 6,500 tokens
MICRO_BATCH_TOKENS = 2304  # padded: documents of like length lie together
SKILL_CASES = 600
MUON = Optimisation(learning_rate=8e-3, warmup=0.02, decay="linear", weight_decay=0.05, method="muon")


@dataclass(frozen=True, slots=True)
class Curriculum:
    """How long the training is, and its schedule. The first ``first_share`` of the steps are in the first mix."""

    steps: int = 4500
    optimisation: Optimisation = MUON
    first_share: float = 0.12  # until copying is learnt, all else waits for it


class WorldWork:
    """A step's documents follow from its number, so that training resumes to the same bytes."""

    def __init__(
        self, module: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, seed: int, first_steps: int
    ) -> None:
        self._module = module
        self._first_steps = first_steps
        self._encoder = Encoder(tokenizer)
        self._pad = tokenizer.get_vocab()[PAD]
        self._seed = seed
        self._weight = 1.0
        self._tokens = 0

    def batches(self, step: int) -> Sequence[TokenBatch]:
        rng = Random(derive_seed(self._seed, "documents", step))
        mix = FIRST_MIX if step < self._first_steps else MIX
        documents = [draw_document(rng, mix) for _ in range(DOCUMENTS_A_STEP)]
        rows = self._encoder.encode(documents, rng)
        self._weight = sum(float(row.weights.sum()) for row in rows)
        self._tokens = sum(map(len, rows))
        parts = pack(range(len(rows)), [len(row) for row in rows], MICRO_BATCH_TOKENS)
        return [collate([rows[index] for index in part], self._pad) for part in parts]

    def loss(self, batch: TokenBatch) -> Tensor:
        weights_N = batch.weights_BT[batch.weights_BT != 0]
        return -(token_logprobs(self._module, batch) * weights_N).sum() / self._weight

    def halves(self, batch: TokenBatch) -> Sequence[TokenBatch]:
        return batch.halves()

    def metrics(self, step: int) -> Mapping[str, float]:
        del step
        return {"tokens": self._tokens}


def new_network(tokenizer: PreTrainedTokenizerFast, seed: int) -> LlamaForCausalLM:
    """The untrained network."""
    torch.manual_seed(derive_seed(seed, "network"))
    ids = {name: tokenizer.get_vocab()[f"<|{name}|>"] for name in ("pad", "begin", "end")}
    network = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=256,
            intermediate_size=704,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=4,  # with two, generation is faster, and the judge was worse (docs/log.md)
            max_position_embeddings=CONTEXT_TOKENS,
            tie_word_embeddings=True,
            pad_token_id=ids["pad"],
            bos_token_id=ids["begin"],
            eos_token_id=ids["end"],
        )
    )
    attend_plainly(network, CONTEXT_TOKENS)
    return network


def train_world(
    out: Path, *, seed: int = 0, curriculum: Curriculum | None = None, progress: Progress = silent
) -> dict[str, object]:
    """Trains the model and writes its folder to ``out``/model with its card; returns the measured skills.

    Killed and started again, it goes on from its last checkpoint. Raises ``StorageError``.
    """
    out.mkdir(parents=True, exist_ok=True)
    plan = curriculum or Curriculum()
    tokenizer = train_tokenizer(seed)
    network = new_network(tokenizer, seed)
    job = TrainingJob(out, derive_seed(seed, "training"), progress)
    work = WorldWork(network, tokenizer, seed, round(plan.first_share * plan.steps))
    identity = digest_of([seed, asdict(plan), tokenizer.get_vocab()])
    metrics = train(network, work, plan.steps, plan.optimisation, job, identity)
    folder = out / "model"
    shutil.rmtree(folder, ignore_errors=True)
    with committed_folder(folder) as unfinished, without_progress_bar():
        network.save_pretrained(unfinished)
        tokenizer.save_pretrained(unfinished)
    end_training(job)
    skills = measure_skills(LocalModel.load(folder), SKILL_CASES, seed)
    measured: dict[str, object] = {name: asdict(found) for name, found in skills.items()}
    (folder / "skills.json").write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    tokens = int(sum(row["tokens"] for row in metrics))
    (folder / "README.md").write_text(
        world_card(skills, plan.steps, tokens, network.num_parameters()), encoding="utf-8"
    )
    return measured
