"""Who may look at whom in the three families of transformers: by their masks, and measured on small random models.

Every answer is a matrix of 0 and 1, float64: row i is an output, column j a token that it can depend on. In that of the
encoder–decoder the source's tokens come first, then the target's; in that of the encoder the last token is padding.
"""

from __future__ import annotations

import numpy as np
import torch

from engine.gpt import GPT, GPTConfig, attention_mask
from engine.seq2seq import PAD, START, Seq2Seq, Seq2SeqConfig, causal_mask, measured_visibility, pad, padding_mask

_FIRST, _REPLACEMENT, _VOCAB_SIZE = 3, 19, 20  # ids from 3 on are words; the last one is in no text


def masked_families(n_source: int, n_target: int) -> dict[str, np.ndarray]:
    """What the masks allow: "Encoder–decoder" (S + T)², "Decoder-only" (T − 1)², "Encoder-only" (S + 1)²."""
    both = np.zeros((n_source + n_target, n_source + n_target))
    both[:, :n_source] = padding_mask(pad([range(_FIRST, _FIRST + n_source)]))[0, 0, 0]
    both[n_source:, n_source:] = causal_mask(n_target)
    padded = padding_mask(pad([[*range(_FIRST, _FIRST + n_source), PAD]]))[0, 0, 0]
    return {
        "Encoder–decoder": both,
        "Decoder-only": attention_mask(n_target - 1, n_target - 1).numpy().astype(float),
        "Encoder-only": padded.expand(n_source + 1, n_source + 1).numpy().astype(float),
    }


@torch.inference_mode()
def measured_families(n_source: int, n_target: int) -> dict[str, np.ndarray]:
    """The same, found by replacing one token after the other in small models and looking which outputs change.

    The encoder is measured without padding: (S, S).
    """
    model = Seq2Seq(Seq2SeqConfig(_VOCAB_SIZE, d_model=16, n_heads=2)).eval()
    decoder = GPT(GPTConfig(_VOCAB_SIZE, context_length=16, n_layers=2, n_heads=2, d_model=16)).eval()
    source, target = list(range(_FIRST, _FIRST + n_source)), [START, *range(10, 9 + n_target)]
    fixed_source, fixed_target = torch.tensor([source]), torch.tensor([target])
    of_source = measured_visibility(model.encode, source, _REPLACEMENT).numpy()
    both = np.zeros((n_source + n_target, n_source + n_target))
    both[:n_source, :n_source] = of_source
    both[n_source:, :n_source] = measured_visibility(lambda ids: model(ids, fixed_target), source, _REPLACEMENT)
    both[n_source:, n_source:] = measured_visibility(lambda ids: model(fixed_source, ids), target, _REPLACEMENT)
    return {
        "Encoder–decoder": both,
        "Decoder-only": measured_visibility(decoder, target[1:], _REPLACEMENT).numpy().astype(float),
        "Encoder-only": of_source.astype(float),
    }
