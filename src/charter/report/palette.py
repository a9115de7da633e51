"""Colours: one a policy everywhere, told apart by colour-blind readers, legible on light and on dark paper.

The policies' hues are Okabe and Ito's (2008), darkened or lightened until each stands out from the paper by 3 to 1 or
more (WCAG 2.2, 1.4.11); their shapes differ too, so that no figure relies on colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from charter.stage_names import HELPFUL_ONLY, RL_CAI, SL_CAI

LIGHT = {
    "paper": "#ffffff",
    "panel": "#f4f6f8",
    "ink": "#1b1f24",
    "muted": "#59636e",
    "grid": "#d8dee4",
    "link": "#0b5cad",
    "mark": "#fff0b8",
    "helpful-only": "#d55e00",
    "sl-cai": "#0072b2",
    "rl-cai": "#00805d",
    "other": "#9a3f7c",
}
DARK = {
    "paper": "#14171b",
    "panel": "#1e2329",
    "ink": "#e6e9ed",
    "muted": "#a4adb8",
    "grid": "#3a424c",
    "link": "#7cc0ff",
    "mark": "#4d4212",
    "helpful-only": "#f58a45",
    "sl-cai": "#5ab4ec",
    "rl-cai": "#2fcb9f",
    "other": "#e58fc4",
}
# What a chart is drawn in before each colour gives way to the page's variable of that name: no colour of either theme.
SENTINELS = {name: f"#01fe{index:02x}" for index, name in enumerate(LIGHT)}

Colours = Mapping[str, str]

_OF_POLICY = {HELPFUL_ONLY: "helpful-only", SL_CAI: "sl-cai", RL_CAI: "rl-cai"}
_MARKERS = {HELPFUL_ONLY: "s", SL_CAI: "o", RL_CAI: "D"}


def colour_of(policy: str) -> str:
    """The name of a policy's colour."""
    return _OF_POLICY.get(policy, "other")


def marker_of(policy: str) -> str:
    """A policy's shape, in Matplotlib's notation."""
    return _MARKERS.get(policy, "^")
