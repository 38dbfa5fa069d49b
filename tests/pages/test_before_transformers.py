"""The part "Before transformers": counted text and a bot of rules beside a GPT, on the same tokens."""

import os

import numpy as np
import pytest

from engine.ngram import NGram
from engine.runs import counting
from engine.runs.execution import execute
from engine.runs.preparation import read_corpora
from engine.runs.recipes import recipe_config
from engine.runs.service import lab
from engine.training import mean_loss
from pages.parts.pretraining import before_transformers as before
from pages.parts.pretraining.counting import NAMES
from pages.shared.models import ModelChoice, held_out, load, settings_aside
from tests.pages.helpers import open_lesson, words

PART = "Before transformers"


def test_without_a_model_the_part_says_what_to_do():
    assert "There is no model yet" in words(open_lesson("pretraining.py", PART))


def test_the_losses_are_those_of_the_same_held_out_positions(trained_run):
    choice = ModelChoice(trained_run, 30, "test")
    found = counting.losses(load(choice), settings_aside(), trained_run)
    inputs, targets = held_out(choice, counting.HELD_TOKENS)
    targets = targets.clone()
    targets[:, : counting.SKIPPED - 1] = -100
    assert found.model == pytest.approx(mean_loss(load(choice).model, inputs, targets), rel=1e-5)
    assert found.n_scored == int((targets != -100).sum())
    assert found.by_order[0] == pytest.approx(np.log(load(choice).tokenizer.n_vocab))
    assert found.by_order[2] < found.by_order[1] < found.by_order[0]
    assert found.known[1] == 1 and list(found.known[1:]) == sorted(found.known[1:], reverse=True)


def test_no_held_out_token_is_counted(trained_run):
    service = lab()
    config = service.run(trained_run).config
    tokenizer = service.load_model(trained_run).tokenizer
    train_ids, _ = read_corpora(config, service.artifacts).encode(tokenizer, config.validation_fraction)
    checkpoint = load(ModelChoice(trained_run, 30, "test"))
    text = counting.losses(checkpoint, settings_aside(), trained_run).counts
    assert 0.9 * len(train_ids) < text.n_tokens <= len(train_ids)
    alone = NGram.fit(train_ids[: text.n_tokens - 5], tokenizer.n_vocab, 5)
    assert abs(alone.n_grams - text.n_grams[5]) <= 6


def test_of_a_mixture_a_part_is_counted_and_said(monkeypatch):
    monkeypatch.setattr(counting, "COUNTED_CHARS", 10_000)
    mixture = recipe_config(
        "30s",
        {"stories": 0.5, "shakespeare": 0.5},
        n_chars=60_000,
        vocab_size=300,
        model={"n_layers": 1, "n_heads": 2, "d_model": 32, "context_length": 16},
        training={"steps": 4, "seconds": None, "evaluations": 1, "sample_tokens": 0, "batch_size": 4},
    )
    run_id = lab().submit(mixture, "mixture")
    assert execute(run_id, dict(os.environ)) == "finished"
    assert "the first 0.0 of 0.1 million characters" in words(open_lesson("pretraining.py", PART))


def test_the_part_shows_loss_samples_and_the_bot(trained_run):
    app = open_lesson("pretraining.py", PART)
    said = words(app)
    assert "The best by counting is the" in said and "context only" in said
    assert app.get("vega_lite_chart")[0].proto.alt.startswith("Bar chart")
    app.session_state["before-view"] = before.SAMPLES
    app.run()
    assert not app.exception
    assert [each for each in ("1-gram", "5-gram", "GPT") if f"**{each}**" in words(app)] == ["1-gram", "5-gram", "GPT"]
    table = app.dataframe[-1].value
    assert table["writer"].tolist() == [*NAMES[1:], "GPT"] and (table["words"] > 0).any()
    first = table["text"].tolist()
    app.number_input(key="before-seed").set_value(1).run()
    assert app.dataframe[-1].value["text"].tolist() != first
    app.text_input(key="before-prompt").set_value("").run()
    assert "Type a prompt" in words(app)


def test_whatever_is_said_to_the_bot_is_answered_with_its_rule(trained_run):
    app = open_lesson("pretraining.py", PART, **{"before-view": before.BOT})
    for said in ("<script>alert(1)</script> $x$ \x00 \u202e", "I am sad.", "🙂" * 50):
        app.text_input(key="bot-said").set_value(said)
        next(button for button in app.button if button.label == "Say it").click().run()
        assert not app.exception
        assert "**The GPT** goes on" in words(app) and "rule" in words(app)


def test_a_conversation_can_be_forgotten_and_taken_back(trained_run):
    app = open_lesson("pretraining.py", PART, **{"before-view": before.BOT})
    say = next(button for button in app.button if button.label == "Say it")
    app.text_input(key="bot-said").set_value("I feel lost.")
    say.click().run()
    assert "How often do you feel lost?" in words(app)
    next(button for button in app.button if button.label == "Say it").click().run()
    assert "When did you first feel lost?" in words(app)
    app.button(key="bot-forget").click().run()
    assert "feel lost" not in words(app)
    app.button(key="bot-undo").click().run()
    assert "When did you first feel lost?" in words(app)


def test_an_ngram_continues_the_prompt_on_the_page_of_generation(trained_run):
    app = open_lesson("generation.py", "", n_tokens=5)
    assert "Choose n" in words(app)
    app.session_state["ngram-order"] = 5
    app.run()
    assert not app.exception
    assert "The n-grams count all of its training text" in words(app)
    assert any(text.value.startswith("The lion is in the") for text in app.text)
