"""What the stages' folders and the policies are called: in a run folder, in the table, in the report."""

from __future__ import annotations

PROMPTS, REVISIONS, SFT, COMPARISONS = "1-prompts", "2-revisions", "3-sft", "4-comparisons"
LABELS, PREFERENCE, RL, EVALUATION, MATCHES = "5-labels", "6-preference", "7-rl", "8-evaluation", "8-matches"

HELPFUL_ONLY, SL_CAI, RL_CAI = "helpful_only", "sl_cai", "rl_cai"
POLICIES = (HELPFUL_ONLY, SL_CAI, RL_CAI)
