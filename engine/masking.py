"""Masked language modelling: hide some tokens of a text and guess them from what stands on both sides.

The task that BERT, an encoder, was pretrained on (Devlin et al. 2019, section 3.1; the idea is Taylor's cloze test of
1953). Only the hidden tokens are scored, so a text of T tokens gives about 0.15 T targets, where next-token prediction
gives T.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.errors import ConfigError
from engine.language import _

HIDDEN = 0.15
"""The share of the tokens that is asked for."""
REPLACED, RANDOM = 0.8, 0.1
"""Of those: how many become the mask, and how many another token; the rest stay as they are, and are asked for."""
IGNORED = -100
"""The target of a position that is not asked for."""
VALIDATION_SEED = (0, -1)
"""Hides the same tokens of the validation text at every evaluation and in every run; no step has the number −1."""


def hide_tokens(ids: Tensor, mask_id: int, seed: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """What the model reads and what it is asked for, (B, T) int64 each, for texts `ids` (B, T) int64.

    `mask_id` is the entry after the last token of the vocabulary. The same seed (of the training, number of the batch)
    hides the same tokens. Raises ConfigError for an id that is no token.

    >>> x, y = hide_tokens(torch.arange(1000)[None], 1000, (0, 0))
    >>> 100 < int((y != IGNORED).sum()) < 200
    True
    """
    if ids.numel() and int(ids.max()) >= mask_id:
        raise ConfigError(
            _(
                "a token id is {int}, but the tokens end before the mask, {mask_id}.",
                int=int(ids.max()),
                mask_id=mask_id,
            )
        )
    generator = torch.Generator().manual_seed((seed[0] * 1_000_003 + seed[1] + 1) * 2 + 1)
    asked = torch.rand(ids.shape, generator=generator) < HIDDEN
    kind = torch.rand(ids.shape, generator=generator)
    other = torch.randint(mask_id, ids.shape, generator=generator)
    inputs = torch.where(asked & (kind < REPLACED), mask_id, ids)
    inputs = torch.where(asked & (kind >= REPLACED) & (kind < REPLACED + RANDOM), other, inputs)
    return inputs, torch.where(asked, ids, IGNORED)
