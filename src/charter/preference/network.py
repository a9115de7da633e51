"""The preference model's network: the policy's, with one score in place of the vocabulary.

The score is read at the last token of the rendered conversation and answer, which ends the turn (Bai et al. 2022a,
App. A.2, reads it at a special end-of-context token).
"""

from __future__ import annotations

import copy
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.functional import linear
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from charter.seeds import derive_seed
from charter.training import Start, TokenBatch, attend_plainly


def preference_network(start: Start, seed: int) -> PreTrainedModel:
    """A network with the start's weights and a new head, drawn from ``seed``.

    The head is small, 1 / (width + 1) (Stiennon et al. 2020, App. B.1), so that training begins with no preference.
    """
    config: Any = copy.deepcopy(start.module.config)
    config.num_labels = 1
    config.get_text_config().pad_token_id = start.pad_token  # by which others find the last token
    network: Any = AutoModelForSequenceClassification.from_config(config, dtype=start.module.dtype)
    network.base_model.load_state_dict(start.module.base_model.state_dict())
    generator = torch.Generator().manual_seed(derive_seed(seed, "head"))
    head: Tensor = network.score.weight
    with torch.no_grad():
        head.copy_(torch.randn(head.shape, generator=generator) / (head.shape[1] + 1))
    ready = cast("PreTrainedModel", network.eval())
    attend_plainly(ready, start.context_tokens)
    return ready


def scores(network: PreTrainedModel, batch: TokenBatch) -> Tensor:
    """The score of each row, float32: shape [B].

    The head computes in float32 under autocast too: bfloat16 has three digits, too few to tell like answers apart.
    """
    module: Any = network
    hidden_BTD: Tensor = module.base_model(input_ids=batch.tokens_BT, use_cache=False).last_hidden_state
    last_BD = hidden_BTD[torch.arange(len(batch.lengths_B), device=hidden_BTD.device), batch.lengths_B - 1]
    with torch.autocast(hidden_BTD.device.type, enabled=False):
        return linear(last_BD.float(), module.score.weight.float())[:, 0]
