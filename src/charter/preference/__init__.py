"""Stage 6: the preference model, trained on the judge's soft labels (Bai et al. 2022, §4.1)."""

from charter.preference.calibration import Calibration, ReliabilityBin, ScoredLabel, calibrate
from charter.preference.score import PreferenceScorer
from charter.preference.stage import train_preference_model

__all__ = [
    "Calibration",
    "PreferenceScorer",
    "ReliabilityBin",
    "ScoredLabel",
    "calibrate",
    "train_preference_model",
]
