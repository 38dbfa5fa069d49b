"""The families' masks are those that models are measured to obey."""

import numpy as np

from engine.families import masked_families, measured_families


def test_what_a_model_depends_on_is_what_its_mask_allows():
    masks, measured = masked_families(4, 5), measured_families(4, 5)
    for name in ("Encoder–decoder", "Decoder-only"):
        np.testing.assert_array_equal(masks[name], measured[name])
    padded = masks["Encoder-only"]
    assert padded.shape == (5, 5) and (padded[:, -1] == 0).all() and (padded[:, :-1] == 1).all()
    assert measured["Encoder-only"].shape == (4, 4) and (measured["Encoder-only"] == 1).all()


def test_the_decoder_sees_the_source_and_the_past_and_the_encoder_never_the_target():
    both = masked_families(3, 4)["Encoder–decoder"]
    assert both[:3, 3:].sum() == 0 and (both[:, :3] == 1).all()
    np.testing.assert_array_equal(both[3:, 3:], np.tril(np.ones((4, 4))))
