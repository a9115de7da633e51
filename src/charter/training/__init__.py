"""What fine-tuning, the preference model and reinforcement learning share: batches, log-probabilities, the loop,
checkpoints, and the writing of model folders."""

from charter.training.adapters import Adapter, merge, prepare
from charter.training.batches import TokenBatch, WeightedTokens, collate, pack, plan_batches
from charter.training.checkpoint import Checkpointing
from charter.training.disk import commit_text, committed_folder
from charter.training.hardware import deterministic, start_accelerator
from charter.training.logprobs import answer_logprobs, token_logprobs
from charter.training.loop import Optimisation, Progress, TrainingJob, Work, end_training, silent, train
from charter.training.metrics import read_metrics, rounded_number, total
from charter.training.quiet import without_progress_bar
from charter.training.save import model_card, save_model_folder
from charter.training.start import Start, attend_plainly, pad_token

__all__ = [
    "Adapter",
    "Checkpointing",
    "Optimisation",
    "Progress",
    "Start",
    "TokenBatch",
    "TrainingJob",
    "WeightedTokens",
    "Work",
    "answer_logprobs",
    "attend_plainly",
    "collate",
    "commit_text",
    "committed_folder",
    "deterministic",
    "end_training",
    "merge",
    "model_card",
    "pack",
    "pad_token",
    "plan_batches",
    "prepare",
    "read_metrics",
    "rounded_number",
    "save_model_folder",
    "silent",
    "start_accelerator",
    "token_logprobs",
    "total",
    "train",
    "without_progress_bar",
]
