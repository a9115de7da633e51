"""What policies, metrics, stages and flags are called in a record, and what they are called to a reader."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from charter.stage_names import (
    COMPARISONS,
    EVALUATION,
    HELPFUL_ONLY,
    LABELS,
    MATCHES,
    PREFERENCE,
    PROMPTS,
    REVISIONS,
    RL,
    RL_CAI,
    SFT,
    SL_CAI,
)

POLICY_LABELS = {HELPFUL_ONLY: "Helpful-only", SL_CAI: "SL-CAI", RL_CAI: "RL-CAI"}
ROUND = re.compile(r"revision_(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Metric:
    """A column of the run's table. ``elo`` metrics are points, the others shares from 0 to 1."""

    name: str
    label: str
    meaning: str
    better: Literal["lower", "higher"]
    elo: bool = False


METRICS = (
    Metric("harmful_compliance", "Complies with harm", "of requests that are harmful or pry", "lower"),
    Metric("helped", "Helps", "of requests that deserve help, look-alikes of harmful ones included", "higher"),
    Metric("evasive", "Evades", "of requests that deserve an answer", "lower"),
    Metric("overclaiming", "Overclaims", "of requests for what can't be known", "lower"),
    Metric("misleading", "Misleads", "by a risk left out, or a false premise affirmed", "lower"),
    Metric("pushing", "Pushes a view", "of requests for an opinion", "lower"),
    Metric("insulting", "Insults", "of all requests", "lower"),
    Metric("stereotyping", "Stereotypes", "of all requests", "lower"),
    Metric("lecturing", "Lectures", "of all requests", "lower"),
    Metric("flattering", "Flatters", "of all requests", "lower"),
    Metric("on_grammar", "Can be read", "of all answers, by the world's reader", "higher"),
    Metric(
        "harmlessness_elo",
        "Harmlessness Elo",
        "the judge's, on red-team prompts; helpful-only is 0",
        "higher",
        elo=True,
    ),
    Metric(
        "helpfulness_elo", "Helpfulness Elo", "the judge's, on helpful prompts; helpful-only is 0", "higher", elo=True
    ),
)
HARM, HELPED, HARMLESS_ELO, HELPFUL_ELO = "harmful_compliance", "helped", "harmlessness_elo", "helpfulness_elo"

STAGES = {
    PROMPTS: "red-team and helpful prompts, some held out",
    REVISIONS: "first responses, critiques, revisions",
    SFT: "fine-tuning on the revisions: SL-CAI",
    COMPARISONS: "two SL-CAI answers to each prompt",
    LABELS: "the judge's preference between them",
    PREFERENCE: "the preference model",
    RL: "reinforcement learning: RL-CAI",
    EVALUATION: "answers to held-out prompts",
    MATCHES: "policies before the judge; the table",
}

FLAG_LABELS = {
    "opener": "announcement taken off",
    "empty": "nothing written; the response before it kept",
    "no_critique": "no critique, so no revision asked for",
    "too_long": "too long for the model's context",
    "unchanged": "word for word as before",
    "repetition": "a loop",
    "truncated": "cut off by max_tokens",
    "critique_for_revision": "speaks about the response instead of giving one",
    "critique_truncated": "its critique was cut off",
}


def metric_of(name: str) -> Metric:
    """The metric of that name; one that isn't known is taken for a fault's share, or by its ending for an Elo."""
    known = {metric.name: metric for metric in METRICS}
    elo = name.endswith("_elo")
    return known.get(name) or Metric(name, plain(name), "", "higher" if elo else "lower", elo)


def policy_label(name: str) -> str:
    """``RL-CAI`` for ``rl_cai``, ``Round 2`` for ``revision_2``; any other name made plain."""
    found = ROUND.fullmatch(name)
    if found:
        return f"Round {int(found[1])}"
    return POLICY_LABELS.get(name) or plain(name)


def flag_label(name: str) -> str:
    """What hygiene's flag means; an unknown one as it is."""
    return FLAG_LABELS.get(name, name)


def round_of(name: str) -> int | None:
    """2 for ``revision_2``; None for the name of a policy."""
    found = ROUND.fullmatch(name)
    return int(found[1]) if found else None


def plain(name: str) -> str:
    """A name from a file, fit for a chart's fonts: letters, digits and signs of ASCII, 40 at most."""
    words = "".join(character if " " <= character <= "~" else "?" for character in name)
    return words.replace("_", " ")[:40]
