"""Stage 3: fine-tuning on the revisions (SL-CAI; Bai et al. 2022, §3.1)."""

from charter.sft.data import SftData, SftExample, sft_data
from charter.sft.stage import fine_tune

__all__ = ["SftData", "SftExample", "fine_tune", "sft_data"]
