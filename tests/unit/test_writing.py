"""A text in parts is the text at once, whoever writes the parts."""

import pytest

from engine import writing
from engine.checkpoint import Checkpoint
from engine.generation import SamplingConfig, generate
from engine.gpt import GPT, GPTConfig
from engine.tokenizer import ByteTokenizer
from engine.writing import write_part

DICE = SamplingConfig(temperature=1.2, top_k=40, seed=5)


@pytest.fixture
def checkpoint() -> Checkpoint:
    model = GPT(
        GPTConfig(vocab_size=257, context_length=16, n_layers=1, n_heads=2, d_model=16, embedding_std=0.5), seed=1
    )
    return Checkpoint(model, ByteTokenizer())


@pytest.mark.parametrize("forget", [False, True], ids=["one process", "another each time"])
def test_parts_are_what_is_written_at_once_far_beyond_the_context(checkpoint, forget):
    ids = tuple(checkpoint.tokenizer.encode("The lion"))
    whole = list(generate(checkpoint.model, checkpoint.tokenizer, ids, 55, DICE, stop_ids={256}))
    parts = []
    for start in range(0, 55, 10):
        if forget:
            writing._begun.clear()
        parts += write_part(checkpoint, ids, DICE, 55, start, min(10, 55 - start))
    assert [(step.id, step.text) for step in parts] == [(step.id, step.text) for step in whole][: len(parts)]
    assert len(parts) == len(whole)
