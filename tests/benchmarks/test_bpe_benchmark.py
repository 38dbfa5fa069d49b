"""BPE training against Hugging Face `tokenizers`: same text, same pattern, same number of merges, interleaved.

`tokenizers` is fed an iterator of lines and splits with its built-in GPT-2 pattern, the faster of its two ways; it may
use every core, ours uses one. The ratio is that of the fastest rounds: the machine's other work only ever adds time.
"""

import time

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from engine.corpus import load_corpus
from engine.tokenizer import BPETokenizer

ROUNDS = 7


@pytest.fixture(scope="module")
def shakespeare() -> str:
    return load_corpus("shakespeare")


@pytest.mark.slow
@pytest.mark.parametrize("n_chars", [1_000_000, 5_000_000], ids=["1MB", "5MB"])
@pytest.mark.parametrize("n_merges", [1_000, 5_000])
def test_bpe_training_speed(benchmark, shakespeare, n_chars, n_merges):
    text = shakespeare[:n_chars]
    lines = text.splitlines(keepends=True)

    def by_tokenizers():
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=256 + n_merges, initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator(lines, trainer)
        assert tokenizer.get_vocab_size() == 256 + n_merges

    def by_us():
        assert len(BPETokenizer.train(text, 257 + n_merges).merges) == n_merges

    times = {"ours": [], "tokenizers": []}

    def one_round():
        for name, train in (("ours", by_us), ("tokenizers", by_tokenizers)):
            started = time.perf_counter()
            train()
            times[name].append(time.perf_counter() - started)

    benchmark.pedantic(one_round, rounds=ROUNDS)
    fastest = {name: min(measured) for name, measured in times.items()}
    ratio = fastest["tokenizers"] / fastest["ours"]
    benchmark.extra_info.update({name: round(value, 3) for name, value in fastest.items()}, ratio=round(ratio, 2))
    print(
        f"\n{n_chars / 1e6:.0f} MB, {n_merges:,} merges: ours {fastest['ours']:.2f} s, "
        f"tokenizers {fastest['tokenizers']:.2f} s; {ratio:.2f} times as fast"
    )


def test_encoding_a_whole_corpus(benchmark, shakespeare):
    tokenizer = BPETokenizer.train(shakespeare[:1_000_000], 1257)
    ids = benchmark(tokenizer.encode_array, shakespeare)
    assert tokenizer.decode(ids) == shakespeare
