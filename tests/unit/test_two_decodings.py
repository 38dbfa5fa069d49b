"""Greedy decoding beside beam search: the same sentences by both, on the translator that ships."""

import math
from functools import cache
from pathlib import Path

import pytest

from engine.seq2seq import sequence_log_probability, trace_of, translate_greedily
from engine.translation import free_running, held_out_pairs, load_translation, teacher_forced
from engine.two_decodings import (
    decode_both,
    exposure_of,
    feed_both,
    greedy_translation,
    search_beams,
    translate_and_look,
)

EARLY = Path(__file__).resolve().parents[2] / "assets" / "translator" / "checkpoints" / "00000064"


@cache
def checkpoint():
    return load_translation(EARLY)


def test_a_beam_of_one_writes_what_greedy_decoding_writes():
    pairs = tuple(held_out_pairs("german", 4))
    for pair, each in zip(pairs, decode_both(checkpoint(), pairs, 1, 0.6), strict=True):
        assert each.pair == pair and each.by_beam == each.by_greedy
        assert math.isclose(each.gain, 0, abs_tol=1e-3)


def test_only_the_mistakes_of_greedy_decoding_are_searched_where_that_is_asked():
    pairs = tuple(held_out_pairs("german", 6))
    all_of_them = decode_both(checkpoint(), pairs, 2, 0.6)
    wrong = [each.pair for each in all_of_them if each.by_greedy != each.pair.foreign]
    assert [each.pair for each in decode_both(checkpoint(), pairs, 2, 0.6, True)] == wrong


def test_a_search_comes_with_the_greedy_translation_and_its_probability():
    model, vocabulary = checkpoint().model, checkpoint().tokenizer
    source = tuple(vocabulary.encode(held_out_pairs("german", 1)[0].english))
    found = search_beams(checkpoint(), source, 3, 0.6)
    (own,) = translate_greedily(model, [source], model.config.max_length - 1)
    assert found.greedy == greedy_translation(model, source) and list(found.greedy.ids) == own
    assert found.greedy.log_probability == pytest.approx(sequence_log_probability(model, source, own))
    assert all(len(step.open) <= 3 for step in found.steps)


def test_exposure_is_measured_on_all_pairs_that_are_given():
    found = exposure_of(checkpoint(), tuple(held_out_pairs("german", 5)))
    assert found.n_sentences == 5 and 0 <= found.free <= found.forced <= 1


def test_a_translation_comes_with_where_its_decoder_looked():
    model, vocabulary = checkpoint().model, checkpoint().tokenizer
    source = tuple(vocabulary.encode(held_out_pairs("german", 1)[0].english))
    found = translate_and_look(checkpoint(), source)
    assert found.translation == greedy_translation(model, source)
    shown = found.translation.ids[: model.config.max_length - 1]
    assert found.cross.shape == (model.config.n_layers, model.config.n_heads, len(shown) + 1, len(source))
    trace = trace_of(model, source, shown)
    for layer, expected in zip(found.cross, trace.cross, strict=True):
        assert layer == pytest.approx(expected[0].numpy(), abs=1e-6)


def test_a_sentence_is_fed_both_ways():
    model, vocabulary = checkpoint().model, checkpoint().tokenizer
    pair = held_out_pairs("german", 1)[0]
    source, reference = tuple(vocabulary.encode(pair.english)), tuple(vocabulary.encode(pair.foreign))
    forced, free = feed_both(checkpoint(), source, reference)
    assert forced == teacher_forced(model, source, reference)
    assert free == free_running(model, source, reference, model.config.max_length - 1)
