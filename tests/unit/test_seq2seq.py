"""The encoder–decoder against torch's own attention, closed forms and exhaustive search."""

from itertools import product

import numpy as np
import pytest
import torch

from engine.errors import ConfigError
from engine.seq2seq import (
    END,
    PAD,
    START,
    MultiHeadAttention,
    Seq2Seq,
    Seq2SeqConfig,
    Seq2SeqTrace,
    beam_search,
    pad,
    translate_greedily,
)

SOURCES = [[5, 9, 4, 7], [8, 3], [6, 6, 6, 6, 6, 3]]
TARGETS = [[START, 4, 5, END], [START, 9, END], [START, 3, 3, 8, 7, END]]


def tiny(norm="before", **settings) -> Seq2Seq:
    config = Seq2SeqConfig(
        **{"vocab_size": 12, "max_length": 10, "d_model": 16, "n_heads": 2, "norm": norm, **settings}
    )
    return Seq2Seq(config, seed=3).eval()


@pytest.mark.parametrize("crossed", [False, True])
def test_attention_is_that_of_torch_with_the_same_weights(crossed):
    torch.manual_seed(0)
    ours, theirs = MultiHeadAttention(24, 4), torch.nn.MultiheadAttention(24, 4, batch_first=True)
    with torch.no_grad():
        parts = (ours.query, ours.key, ours.value)
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        theirs.out_proj.load_state_dict(ours.projection.state_dict())
    x = torch.randn(2, 5, 24)
    memory = torch.randn(2, 7, 24) if crossed else x
    visible = torch.rand(5, memory.shape[1]) < 0.6
    visible[:, 0] = True
    maps = []
    expected, weights = theirs(x, memory, memory, attn_mask=~visible, average_attn_weights=False)
    torch.testing.assert_close(ours(x, memory, visible), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours(x, memory, visible, maps), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(maps[0], weights.detach(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("norm", ["before", "after"])
def test_the_decoder_never_looks_ahead_and_the_encoder_looks_everywhere(norm):
    model = tiny(norm)
    source, target = pad([[5, 9, 4, 7]]), pad([[START, 4, 5, 6, 7]])
    changed_later = target.clone()
    changed_later[0, 3:] = 8
    with torch.no_grad():
        before, after = model(source, target), model(source, changed_later)
        torch.testing.assert_close(before[:, :3], after[:, :3])
        assert not torch.allclose(before[:, 3:], after[:, 3:])
        changed_source = source.clone()
        changed_source[0, -1] = 3
        encoded, other = model.encode(source), model.encode(changed_source)
    assert not torch.allclose(encoded[:, 0], other[:, 0])


@pytest.mark.parametrize("norm", ["before", "after"])
def test_padding_changes_nothing(norm):
    model = tiny(norm)
    with torch.no_grad():
        together = model(pad(SOURCES), pad(TARGETS))
        for row, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
            alone = model(pad([source]), pad([target]))[0]
            torch.testing.assert_close(together[row, : len(target)], alone, atol=1e-5, rtol=1e-5)


def test_a_trace_holds_every_map_and_its_rows_sum_to_one():
    model, trace = tiny(), Seq2SeqTrace()
    with torch.no_grad():
        traced = model(pad(SOURCES), pad(TARGETS), trace=trace)
        torch.testing.assert_close(traced, model(pad(SOURCES), pad(TARGETS)), atol=1e-5, rtol=1e-5)
    assert [len(maps) for maps in (trace.encoder, trace.decoder, trace.cross)] == [2, 2, 2]
    assert trace.cross[0].shape == (3, 2, 6, 6)
    for maps in (*trace.encoder, *trace.decoder, *trace.cross):
        np.testing.assert_allclose(maps.sum(-1), 1, atol=1e-6)
    assert (trace.cross[0][1, :, :, 2:] == 0).all()  # the second source has two tokens


def test_the_loss_counts_every_target_token_once_and_no_padding():
    model = tiny()
    with torch.no_grad():
        together = model.loss(pad(SOURCES), pad(TARGETS)).item()
        single = [(model.loss(pad([s]), pad([t])).item(), len(t) - 1) for s, t in zip(SOURCES, TARGETS, strict=True)]
    assert together == pytest.approx(sum(loss * n for loss, n in single) / sum(n for _, n in single), rel=1e-5)


def test_it_learns_to_reverse_what_it_reads():
    generator = torch.Generator().manual_seed(0)
    model = tiny(d_model=32, vocab_size=9, max_length=8)
    optimizer = torch.optim.AdamW(model.parameters(), 4e-3)
    model.train()
    for _ in range(250):
        rows = torch.randint(3, 9, (32, 4), generator=generator)
        target = torch.cat([torch.full((32, 1), START), rows.flip(1), torch.full((32, 1), END)], dim=1)
        optimizer.zero_grad()
        model.loss(rows, target).backward()
        optimizer.step()
    rows = torch.randint(3, 9, (50, 4), generator=generator).tolist()
    right = sum(out == row[::-1] for out, row in zip(translate_greedily(model, rows), rows, strict=True))
    assert right >= 45


def log_probability(model, source, ids) -> float:
    with torch.no_grad():
        logits = model(pad([source]), pad([[START, *ids]]))[0].log_softmax(-1)
    return sum(logits[place, token].item() for place, token in enumerate([*ids, END]))


def test_a_wide_beam_finds_what_exhaustive_search_finds():
    model = tiny(vocab_size=6, max_length=4)
    for source in ([3, 4], [5, 5, 3]):
        every = [list(ids) for n in range(3) for ids in product((PAD, START, 3, 4, 5), repeat=n)]
        best = max(every, key=lambda ids: log_probability(model, source, ids))
        found = next(each for each in beam_search(model, source, 64, length_penalty=0.0) if each.finished)
        assert list(found.ids) == best
        assert found.log_probability == pytest.approx(log_probability(model, source, best), abs=1e-4)


def test_a_beam_of_one_without_penalty_is_greedy_and_a_wider_one_is_at_least_as_probable():
    model = tiny()
    for source in SOURCES:
        (greedy,) = translate_greedily(model, [source])
        one = beam_search(model, source, 1, length_penalty=0.0)[0]
        assert [i for i in one.ids if i not in (PAD, START)] == greedy
        wide = beam_search(model, source, 8, length_penalty=0.0)[0]
        if one.finished and wide.finished:
            assert wide.log_probability >= one.log_probability - 1e-5


def test_impossible_shapes_and_too_long_sentences_are_explained():
    with pytest.raises(ConfigError, match="multiple of n_heads"):
        Seq2SeqConfig(10, d_model=10, n_heads=3)
    with pytest.raises(ConfigError, match="longer than the 10"):
        tiny().encode(pad([[3] * 11]))
