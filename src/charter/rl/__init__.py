"""Stage 7: reinforcement learning from AI feedback (RL-CAI; Bai et al. 2022, §4.2)."""

from charter.rl.stage import reinforce
from charter.rl.work import Observer, Scorer

__all__ = ["Observer", "Scorer", "reinforce"]
