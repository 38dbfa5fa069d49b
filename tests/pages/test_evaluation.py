"""The lesson on evaluation: each part through the real page."""

import math
import os
from types import SimpleNamespace

import numpy as np
import pytest

from engine.evaluation import surprise as total_surprise
from engine.evaluation import token_probabilities
from engine.memorised import split_training_text
from engine.runs.copying import OWN, TRAINING
from engine.runs.execution import execute
from engine.runs.preparation import read_corpora
from engine.runs.service import lab
from pages.parts.evaluation import card, memorised, steps, surprise
from pages.shared.components.copied_text import copied_text
from pages.shared.components.paper import paper
from pages.shared.components.surprise_text import UNKNOWN, Piece, level_of, surprise_text
from pages.shared.models import ModelChoice, load
from tests.pages.conftest import tiny_config
from tests.pages.helpers import open_lesson, words

PARTS = ["Cross-entropy step by step", "Surprise", "Memorised or generalised?", "Report card"]
STEP = "evaluation-step"


@pytest.fixture
def drawn(monkeypatch):
    """What each component was given last."""
    seen = SimpleNamespace()
    places = {
        "surprise_text": (steps, surprise),
        "copied_text": (memorised,),
        "text_view": (memorised,),
        "paper": (card,),
    }
    for name, modules in places.items():
        for module in modules:
            original = getattr(module, name)

            def record(*args, _name=name, _original=original, **named):
                setattr(seen, _name, SimpleNamespace(args=args, named=named))
                return _original(*args, **named)

            monkeypatch.setattr(module, name, record)
    return seen


def open_part(part: str, **session):
    return open_lesson("evaluation.py", part, **session)


def press(app, label: str):
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception, app.exception
    return app


def metrics(app) -> dict[str, str]:
    return {each.label: each.value for each in app.metric}


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_with_a_run_and_every_control_has_help(part, trained_run):
    app = open_part(part)
    assert not app.error and not app.warning
    assert "What to notice" in words(app)
    kinds = (app.slider, app.select_slider, app.selectbox, app.text_area, app.text_input, app.toggle, app.button)
    for widget in (each for kind in kinds for each in kind):
        assert widget.help, widget.label


@pytest.mark.parametrize("part", PARTS)
def test_without_a_run_every_part_says_where_to_train_one(part):
    app = open_part(part)
    assert not app.error
    assert "Train one in **Pretraining**" in words(app)


def test_the_steps_lead_from_a_logit_to_the_bits_per_byte_of_the_sentence(trained_run):
    app = open_part(PARTS[0])
    checkpoint = load(ModelChoice(trained_run, 30, ""))
    ids = checkpoint.tokenizer.encode(app.text_area(key="sentence").value)[:16]
    n_bytes = [len(checkpoint.tokenizer.token_bytes(each)) for each in ids]
    whole = total_surprise(token_probabilities(checkpoint.model, ids).tolist(), n_bytes)
    assert "One score for each of the" in words(app)
    for name in steps.STEPS[1:]:
        press(app, "Next")
        assert app.session_state[STEP] == name
        if name == steps.STEPS[3]:
            assert f"{whole.loss:.3f} nats" in words(app)
        if name == steps.STEPS[4]:
            assert metrics(app)["This sentence"] == f"{whole.perplexity:,.1f}"
    assert metrics(app)["Bits per byte"] == f"{whole.bits_per_byte:.3f}"
    assert metrics(app)["All bytes"] == str(whole.n_bytes)
    table = app.dataframe[-1].value
    np.testing.assert_allclose(table["bits"].sum(), whole.bits, rtol=1e-5)
    np.testing.assert_allclose(-np.log(table["p"]), table["−ln p (nats)"], rtol=1e-6)
    press(app, "Back")
    assert app.session_state[STEP] == steps.STEPS[4]


def test_the_position_looked_at_can_be_chosen(trained_run):
    app = open_part(PARTS[0])
    before = app.get("vega_lite_chart")[0].proto.spec, words(app)
    box = next(each for each in app.selectbox if each.label == "The token that is predicted")
    box.set_value(2)
    app.run()
    assert words(app) != before[1]
    assert 2 in app.dataframe[0].value["position"].tolist()


ODD = ["", "a", "\x00", "a" + "\u0301" * 1500, "\u202eabc</textarea><script>"]


@pytest.mark.parametrize(("part", "key"), [(PARTS[0], "sentence"), (PARTS[1], "evaluation-text")])
def test_odd_texts_are_read_or_explained(part, key, trained_run):
    for text in ODD:
        app = open_part(part, **{key: text})
        assert not app.error
        if text in ("", "a"):
            assert "Type a sentence" in words(app) or "Write a text" in words(app) or "one more word" in words(app)


def test_the_surprise_of_every_token_is_the_models_own(trained_run, drawn):
    text = "The lion is in the forest.\nIt is raining."
    app = open_part(PARTS[1], **{"evaluation-text": text})
    checkpoint = load(ModelChoice(trained_run, 30, ""))
    ids = checkpoint.tokenizer.encode(text)
    probabilities = token_probabilities(checkpoint.model, ids)
    pieces = drawn.surprise_text.args[0]
    assert "".join(piece.text for piece in pieces) == text
    assert pieces[0].bits is None
    assert [piece.bits for piece in pieces[1:]] == pytest.approx((-np.log2(probabilities[1:])).tolist())
    whole = total_surprise(probabilities.tolist(), [len(checkpoint.tokenizer.token_bytes(i)) for i in ids])
    assert metrics(app)["Bits per byte"] == f"{whole.bits_per_byte:.3f}"
    assert app.dataframe[0].value["surprise (bits)"].dropna().sum() == pytest.approx(whole.bits)


def test_a_checkpoint_is_compared_with_another_token_by_token(trained_run, drawn):
    app = open_part(PARTS[1], **{"evaluation-other": trained_run, f"evaluation-other-step:{trained_run}": 0})
    assert "Both models cut the text alike" in words(app)
    assert "A predicts it better" in words(app)
    table = app.dataframe[-1].value
    np.testing.assert_allclose(table["B (bits)"] - table["A (bits)"], table["B − A (bits)"])
    assert table["B (bits)"].dropna().mean() > table["A (bits)"].dropna().mean()
    assert drawn.surprise_text.named["scale"] == "difference"


def test_models_with_other_tokenizers_are_compared_on_common_stretches(trained_run, drawn):
    other = lab().submit(char_config(), "Characters")
    assert execute(other, dict(os.environ)) == "finished"
    text = "The lion is in the forest."
    app = open_part(PARTS[1], run_id=trained_run, **{"evaluation-other": other, "evaluation-text": text})
    assert f"B into {len(text)}" in words(app)
    pieces = drawn.surprise_text.args[0]
    assert "".join(piece.text for piece in pieces) == text
    assert len(pieces) < len(text)


def char_config():
    import dataclasses

    return dataclasses.replace(tiny_config(), tokenizer_kind="char")


def test_what_a_model_wrote_is_searched_in_its_own_training_text(trained_run, drawn):
    app = open_part(PARTS[2], **{"memorised-length": 50, "memorised-least": 4})
    run = lab().run(trained_run)
    whole = read_corpora(run.config, lab().artifacts).train
    tokenizer = lab().load_model(trained_run).tokenizer
    train, held_out = split_training_text(whole, tokenizer, run.config.validation_fraction)
    prompt = drawn.copied_text.named["prompt"]
    assert prompt in held_out
    assert metrics(app)["Searched"].endswith("words")
    pieces = drawn.copied_text.args[0]
    flat = " ".join(train.split())
    for text, span in pieces:
        if span is not None:
            assert " ".join(text.split()) in flat
    kept = app.dataframe[0].value
    assert kept["text"].tolist() == ["what the model wrote", "held-out: Stories"]
    assert 0 <= kept["in such spans"][0] <= 100


def test_a_prompt_of_the_training_text_is_compared_with_how_it_goes_on(trained_run, drawn):
    app = open_part(PARTS[2], **{"memorised-prompt-kind": TRAINING, "memorised-length": 50})
    assert "How the training text goes on" in words(app)
    first = drawn.copied_text.named["prompt"]
    press(app, "Another")
    assert drawn.copied_text.named["prompt"] != first


def test_a_copied_passage_is_shown_at_its_place(trained_run, drawn, monkeypatch):
    whole = read_corpora(lab().run(trained_run).config, lab().artifacts).train
    passage = " ".join(whole[2_000:4_000].split()[5:17])
    monkeypatch.setattr("engine.runs.copying.write_words", lambda *_: f"Never said: {passage} xyzzy")
    app = open_part(PARTS[2], **{"memorised-prompt-kind": OWN, "memorised-prompt": "<script>"})
    assert metrics(app)["Longest span"] == "12 words"
    assert "Stories" in words(app) and "line " in words(app)
    marked = "".join(row[0] for row in drawn.text_view.args[0] if row[1])
    assert " ".join(marked.split()) == passage
    spans = app.dataframe[-1].value
    assert spans["words"].tolist() == [12] and spans["source"].tolist() == ["Stories"]


def test_odd_prompts_are_gone_on_from_or_explained(trained_run):
    for prompt in ODD:
        own = {"memorised-prompt-kind": OWN, "memorised-prompt": prompt, "memorised-length": 50}
        app = open_part(PARTS[2], **own)
        assert not app.error
        assert ("Write a prompt" in words(app)) == (not prompt.strip())


def test_open_weights_have_no_training_text_to_search(trained_run, monkeypatch):
    monkeypatch.setattr(memorised, "choose_model", lambda: ModelChoice("open:gpt2", 0, "gpt2"))
    app = open_part(PARTS[2])
    assert not app.error and "without their training text" in words(app)


def test_the_card_has_the_runs_numbers_and_can_be_saved(trained_run, drawn):
    app = open_part(PARTS[3])
    page = drawn.paper.args[0]
    record = lab().run(trained_run)
    assert page.startswith("<!doctype html>") and trained_run in page
    assert f"<bdi>{record.validation_loss:.3f}</bdi>" in page
    parameters = sum(each.numel() for each in lab().load_model(trained_run).model.parameters())
    assert f"{parameters:,}" in page
    assert "Memorised" not in page
    app.toggle(key="card-copied").set_value(True)
    app.run()
    assert not app.exception and not app.error
    assert "Memorised or generalised" in drawn.paper.args[0] and "held-out: Stories" in drawn.paper.args[0]


def test_the_components_refuse_what_does_not_fit():
    assert [level_of(bits, "surprise") for bits in (0.0, 1.0, 2.9, 6.0, 99.0)] == [0, 1, 1, 3, 4]
    assert [level_of(bits, "difference") for bits in (-9.0, -0.5, 0.1, 0.5, 2.0)] == [-2, -1, 0, 1, 2]
    assert level_of(None, "surprise") == level_of(math.nan, "difference") == UNKNOWN
    for wrong in (
        lambda: surprise_text([Piece("a", 1.0, "")], "k", scale="colour", label=""),
        lambda: surprise_text([Piece("a", 1.0, "")] * 20_001, "k", scale="surprise", label=""),
        lambda: copied_text([("a", 0)], [], "k", label=""),
        lambda: copied_text([("a" * 60_001, None)], [], "k", label=""),
        lambda: paper("a" * 2_000_001, "k", label=""),
    ):
        with pytest.raises(ValueError):
            wrong()
