"""What is asked of instruction models and of tokenizers from outside."""

import pytest
import torch

from engine.answers import exact_match
from engine.checkpoint import Checkpoint
from engine.corpus import END_OF_TEXT, load_corpus
from engine.gpt import GPT, GPTConfig
from engine.instruction_sets import load_instructions
from engine.instructions import Template
from engine.runs.questions_asked import (
    HeldOutQuestions,
    answer_at_strength,
    answer_questions,
    greedy_answer,
    merging_changes,
)
from engine.runs.tokens_made import measure_tokens
from engine.settings import Settings
from engine.tokenizer import ByteTokenizer, OfficialTokenizer
from engine.tuning import tunable


@pytest.fixture
def checkpoint() -> Checkpoint:
    torch.manual_seed(0)
    tokenizer = ByteTokenizer()
    config = GPTConfig(vocab_size=tokenizer.n_vocab, context_length=192, n_layers=1, n_heads=2, d_model=16)
    return Checkpoint(GPT(config).eval(), tokenizer)


@pytest.fixture
def asked(data_home) -> HeldOutQuestions:
    group = next(iter(load_instructions("airline", 0).held_out))
    template = (Template().without_input, Template().with_input)
    return HeldOutQuestions(Settings.from_environment(), "airline", 0, template, group, 6)


def test_questions_answered_in_parts_are_those_answered_in_one_go(checkpoint, asked):
    whole = answer_questions(checkpoint, asked, 0, 6)
    parts = [answer_questions(checkpoint, asked, start, start + 4) for start in (0, 4, 8)]
    assert [each.instruction for part in parts for each in part.answers] == [x.instruction for x in whole.answers]
    assert [len(part.answers) for part in parts] == [4, 2, 0]
    assert sum(part.loss * part.n_tokens for part in parts) == pytest.approx(whole.loss * whole.n_tokens, rel=1e-4)


def test_an_update_that_was_not_trained_changes_nothing_at_any_strength(checkpoint, asked):
    plain = answer_questions(checkpoint, asked, 0, 6)
    adapted = Checkpoint(tunable(checkpoint.model, "lora", lora_rank=2).eval(), checkpoint.tokenizer)
    found = answer_at_strength(adapted, asked, 0.5)
    assert found.loss == pytest.approx(plain.loss, rel=1e-4)
    assert found.exact == sum(each.right for each in plain.answers) / 6
    assert exact_match(found.text, plain.answers[0].text)
    assert merging_changes(adapted) == pytest.approx(0, abs=1e-5)


def test_a_prompt_that_fills_the_context_has_no_answer(checkpoint):
    assert greedy_answer(checkpoint, "x" * 192) == ""
    assert greedy_answer(checkpoint, "x") == greedy_answer(checkpoint, "x")


def test_tokens_are_counted_in_the_text_that_was_named(data_home):
    settings = Settings.from_environment()
    text = load_corpus("stories")[:3_000]
    found = measure_tokens(settings, "gpt2", 0, "stories", 3_000)
    assert found.n_tokens == len(OfficialTokenizer("gpt2").to_tiktoken().encode(text, allowed_special="all"))
    characters = measure_tokens(settings, "char", 0, "stories", 3_000)
    ends = text.count(END_OF_TEXT)
    assert characters.n_tokens == len(text) - ends * (len(END_OF_TEXT) - 1)
    assert found.n_bytes == len(text.encode())
