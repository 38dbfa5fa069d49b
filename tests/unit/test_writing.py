"""A text in parts is the text at once, whoever writes the parts."""

import dataclasses

import pytest

from engine import writing
from engine.checkpoint import Checkpoint
from engine.evaluation import token_probabilities
from engine.generation import SamplingConfig, generate
from engine.gpt import GPT, GPTConfig
from engine.tokenizer import ByteTokenizer
from engine.writing import go_on, write_part

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


def test_what_goes_on_has_the_probability_of_each_token(checkpoint):
    found = go_on(checkpoint, "The lion is in", DICE, 12)
    prompt = checkpoint.tokenizer.encode("The lion is in")[-16:]
    assert found.ids[: found.n_prompt] == tuple(prompt)
    steps = list(generate(checkpoint.model, checkpoint.tokenizer, prompt, 12, DICE, stop_ids={256}))
    assert found.ids[found.n_prompt :] == tuple(step.id for step in steps if step.id != 256)
    assert found.probabilities[0] is None
    expected = token_probabilities(checkpoint.model, found.ids)  # the same windows only as far as the context holds
    assert found.probabilities[1 : found.n_prompt] == pytest.approx(expected[1 : found.n_prompt], abs=1e-6)


@pytest.mark.parametrize(("prompt", "ends"), [("a", True), ("a\n\nb", False)])
def test_an_empty_line_ends_a_text_that_is_no_verse(checkpoint, monkeypatch, prompt, ends):
    steps = list(generate(checkpoint.model, checkpoint.tokenizer, [97], 3, DICE))
    written = [dataclasses.replace(step, text=text) for step, text in zip(steps, ("b", "\n\n", "c"), strict=True)]
    monkeypatch.setattr(writing, "generate", lambda *_, **__: iter(written))
    found = go_on(checkpoint, prompt, DICE, 3)
    assert len(found.ids) - found.n_prompt == (1 if ends else 3)
