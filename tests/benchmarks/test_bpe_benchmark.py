"""BPE training against Hugging Face `tokenizers`, both in one run: `make bench`, or pytest with --benchmark-enable.

Same text, same pattern, same number of merges. `tokenizers` is fed lines, the faster of its ways to take a text, and
may use every core; ours uses one. Compare the minima within a group: the machine's other work only ever adds time.
"""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from engine.corpus import load_corpus
from engine.tokenizer import BPETokenizer

pytestmark = pytest.mark.slow
SIZES = pytest.mark.parametrize("n_chars", [1_000_000, 5_000_000], ids=["1MB", "5MB"])
MERGES = pytest.mark.parametrize("n_merges", [1_000, 5_000])


@pytest.fixture(scope="module")
def shakespeare() -> str:
    return load_corpus("shakespeare")


@SIZES
@MERGES
def test_train_ours(benchmark: BenchmarkFixture, shakespeare: str, n_chars: int, n_merges: int) -> None:
    benchmark.group = f"BPE training, {n_chars:,} characters, {n_merges:,} merges"
    text = shakespeare[:n_chars]
    tokenizer = benchmark.pedantic(BPETokenizer.train, args=(text, 257 + n_merges), rounds=7, warmup_rounds=1)
    assert len(tokenizer.merges) == n_merges


@SIZES
@MERGES
def test_train_huggingface(benchmark: BenchmarkFixture, shakespeare: str, n_chars: int, n_merges: int) -> None:
    benchmark.group = f"BPE training, {n_chars:,} characters, {n_merges:,} merges"
    lines = shakespeare[:n_chars].splitlines(keepends=True)

    def train() -> Tokenizer:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=256 + n_merges, initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator(lines, trainer)
        return tokenizer

    tokenizer = benchmark.pedantic(train, rounds=7, warmup_rounds=1)
    assert tokenizer.get_vocab_size() == 256 + n_merges


def test_encode_a_whole_corpus(benchmark: BenchmarkFixture, shakespeare: str) -> None:
    tokenizer = BPETokenizer.train(shakespeare[:1_000_000], 1257)
    ids = benchmark(tokenizer.encode_array, shakespeare)
    assert tokenizer.decode(ids) == shakespeare
