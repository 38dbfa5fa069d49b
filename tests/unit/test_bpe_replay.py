"""The recorded training: any moment of it is what training that far would have given."""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bpe import split_pieces
from engine.bpe_replay import Replay, record_training
from engine.corpus import load_corpus
from engine.errors import TokenizerError
from engine.tokenizer import END_OF_TEXT, BPETokenizer

TEXT = load_corpus("stories")[:30_000]


@pytest.fixture(scope="module")
def replay() -> Replay:
    return record_training(TEXT, 200)


@pytest.mark.parametrize("n", [0, 1, 7, 199, 200])
def test_the_tokenizer_of_a_moment_is_the_one_trained_that_far(replay: Replay, n: int) -> None:
    trained = BPETokenizer.train(TEXT, 257 + n)
    assert replay.tokenizer(n).merges == trained.merges
    length = len(trained.encode(TEXT, allowed_special="all"))
    assert replay.n_tokens(n) == length
    assert replay.bytes_per_token(n) == pytest.approx(len(TEXT.encode()) / length)


@pytest.mark.parametrize("n", [0, 1, 40, 200])
def test_the_pair_counts_of_a_moment_are_those_of_a_recount(replay: Replay, n: int) -> None:
    trained = replay.tokenizer(n)
    counts: Counter[tuple[int, int]] = Counter()
    for piece in (piece for story in TEXT.split(END_OF_TEXT) for piece in split_pieces(story)):
        counts.update(pairwise(trained.encode(piece)))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    assert replay.pairs(n) == ranked[:10]


def test_each_step_merges_the_first_of_the_pairs_before_it(replay: Replay) -> None:
    assert replay.step(0) is None
    for n in range(200):
        step = replay.step(n + 1)
        assert step is not None and (step.pair, step.count) == replay.pairs(n)[0]
        assert replay.count(step.new_id) == step.count
        assert replay.token_bytes(step.new_id) == step.token == b"".join(map(replay.token_bytes, step.pair))


def test_a_text_that_runs_out_of_pairs_ends_early() -> None:
    replay = record_training("low lower lowest low", 500)
    assert 0 < replay.n_merges < 20
    assert replay.pairs(replay.n_merges) == []
    assert replay.riddle(replay.n_merges) == []
    assert replay.n_tokens(replay.n_merges) == 4


def test_special_tokens_in_the_text_count_one_each() -> None:
    replay = record_training(f"aé{END_OF_TEXT}b", 5)
    assert replay.n_start == 5
    assert replay.n_bytes == len(f"aé{END_OF_TEXT}b".encode())


def test_a_riddle_always_holds_the_answer_and_stays_the_same(replay: Replay) -> None:
    places = set()
    for n in range(200):
        choices = replay.riddle(n)
        assert choices == replay.riddle(n)
        assert sorted(choices) == sorted(pair for pair, _ in replay.pairs(n)[:5])
        places.add(choices.index(replay.pairs(n)[0][0]))
    assert places == {0, 1, 2, 3, 4}


# Letters that only the newest Unicode knows are split differently by libraries that know an older one.
@given(st.text(st.characters(exclude_categories=["Cs", "Cn"]), min_size=1))
def test_any_text_can_be_recorded(text: str) -> None:
    replay = record_training(text, 20)
    ids = replay.tokenizer(replay.n_merges).encode(text, allowed_special="all")
    assert len(ids) == replay.n_tokens(replay.n_merges)


@pytest.mark.parametrize("n", [-1, 201])
def test_a_moment_that_was_not_recorded_is_named(replay: Replay, n: int) -> None:
    for use in (replay.n_tokens, replay.pairs, replay.step, replay.tokenizer):
        with pytest.raises(TokenizerError, match=f"no merge {n}"):
            use(n)


def test_an_id_that_no_merge_made_is_named(replay: Replay) -> None:
    for bad in (-1, 456, 10**9):
        with pytest.raises(TokenizerError, match=f"id {bad}"):
            replay.token_bytes(bad)


def test_any_moment_of_two_thousand_merges_on_a_megabyte_is_there_at_once() -> None:
    replay = record_training(load_corpus("stories")[:1_000_000], 2000)
    start = time.perf_counter()
    for n in (2000, 1, 1000, 1999, 0):
        replay.pairs(n)
        replay.n_tokens(n)
        replay.tokenizer(n).encode(TEXT[:600])
    assert time.perf_counter() - start < 0.5
