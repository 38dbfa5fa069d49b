"""The lesson on the original transformer: each part through the real page."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.runs.service import lab
from engine.runs.translating import translation_config
from engine.translation import held_out_pairs
from pages.parts.translation import beams, families, forcing, source, train, translate
from pages.shared.components.token_table import Cell, Row, token_table
from tests.pages.conftest import finished
from tests.pages.helpers import open_lesson, words

PAGE = Path(__file__).resolve().parents[2] / "pages" / "translation.py"
PARTS = ["Train it", "Translate", "Teacher forcing", "Greedy and beam", "Three families"]
NEED_A_MODEL = PARTS[1:4]


def tiny():
    """A translator of a second, on few phrases."""
    return translation_config(
        training={"steps": 12, "seconds": None, "batch_size": 8, "evaluations": 2},
        n_phrases=6000,
        evaluated=4,
        n_layers=2,
        n_heads=2,
        d_model=16,
    )


@pytest.fixture
def translator(once) -> str:
    return once("translator", lambda: finished(tiny(), "Translator · test"))


@pytest.fixture
def drawn(monkeypatch):
    """What each component was given last."""
    seen = SimpleNamespace()
    places = {"attention_map": (translate, families), "token_table": (train, forcing, beams)}
    for name, modules in places.items():
        for module in modules:
            original = getattr(module, name)

            def record(*args, _name=name, _original=original, **named):
                setattr(seen, _name, SimpleNamespace(args=args, named=named))
                return _original(*args, **named)

            monkeypatch.setattr(module, name, record)
    return seen


def open_part(part: str, **session) -> AppTest:
    return open_lesson("translation.py", part, **session)


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception, app.exception
    return app


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_with_a_translator_and_every_control_has_help(part, translator):
    app = open_part(part)
    assert not app.error
    assert "What to notice" in words(app)
    kinds = (app.slider, app.select_slider, app.number_input, app.text_input, app.toggle, app.selectbox)
    for widget in (each for kind in kinds for each in kind):
        assert widget.help, widget.label


@pytest.mark.parametrize("part", NEED_A_MODEL)
def test_without_a_translator_a_part_offers_to_train_one_and_says_how_long(part):
    app = open_part(part)
    assert "3 minutes" in words(app)
    press(app, "Train it now")
    (record,) = lab().runs(job="translation")
    assert record.state == "queued"
    assert app.session_state["part"] == "Train it"
    assert "number 1 in the queue" in "\n".join(str(each.proto) for each in app.get("progress"))


def test_train_submits_what_the_controls_say():
    app = open_part("Train it")
    assert "press **Train**" in words(app)
    app.button_group(key="translation-language").set_value("french")
    app.button_group(key="translation-preset").set_value("1min")
    app.selectbox(key="translation-norm").set_value("after")
    app.slider(key="translation-layers").set_value(1)
    app.run()
    press(app, "Train")
    (record,) = lab().runs(job="translation")
    assert record.config == translation_config("1min", language="french", norm="after", n_layers=1)
    assert lab().runs() == []


def test_the_panel_tells_what_was_held_out_and_shows_translations(translator, drawn):
    app = open_part("Train it")
    table = app.dataframe[0].value.set_index("Counted")["Number"]
    assert table["Held-out English sentences that occur in training"] == "0"
    assert table["Words of held-out sentences that never occur in training"] == "0"
    rows = drawn.token_table.args[1]
    assert [row.cells[0].text for row in rows] == [pair.english for pair in held_out_pairs("german", 4)]
    assert {row.cells[2].word for row in rows} <= {"right", "wrong"}
    assert "version:" in words(app)


def test_a_sentence_is_translated_with_the_attention_of_the_chosen_head(translator, drawn):
    app = open_part("Translate")
    assert "by the model" in words(app)
    weights, rows, columns = drawn.attention_map.args
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    assert rows[-1] == "end" and weights.shape == (len(rows), len(columns))
    mean = weights
    app.button_group(key="translation-head:2").set_value("1")
    app.run()
    first = drawn.attention_map.args[0]
    app.button_group(key="translation-head:2").set_value("2")
    app.run()
    np.testing.assert_allclose((first + drawn.attention_map.args[0]) / 2, mean, atol=1e-6)
    before = app.text_input(key="translation-sentence").value
    press(app, "Another")
    assert app.text_input(key="translation-sentence").value != before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Type an English sentence"),
        ("   ", "Type an English sentence"),
        ("<script>alert(1)</script>", "never read"),
        ("The \x00 \u202e sleeps.", "never read"),
        ("a" + "\u0301" * 299, "never read"),
        (". " * 150, "positions for 32"),
    ],
)
def test_what_cannot_be_translated_is_explained(translator, text, said):
    app = open_part("Translate", **{"translation-sentence": text})
    assert not app.error
    assert said in words(app)


def test_an_unknown_word_comes_with_words_that_look_like_it(translator):
    app = open_part("Translate", **{"translation-sentence": "The hous is Old."})
    table = app.dataframe[0].value.set_index("Unknown word")["Try instead"]
    assert "house" in table["hous"] and table["Old"] == "old"


def test_teacher_forcing_and_free_running_agree_up_to_the_first_mistake(translator, drawn):
    app = open_part("Teacher forcing")
    rows = drawn.token_table.args[1]
    parted = next(place for place, row in enumerate(rows) if row.marked)
    for row in rows[: parted + 1]:
        assert row.cells[1] == row.cells[2]
    assert rows[parted].cells[2].mark == "wrong"
    before = app.selectbox(key="forcing-sentence").value
    press(app, "Another")
    assert app.selectbox(key="forcing-sentence").value != before
    assert "held-out sentences at this checkpoint" in words(app)


def test_a_beam_of_one_is_greedy_and_both_are_measured(translator):
    app = open_part("Greedy and beam")
    app.slider(key="beam-width").set_value(1)
    app.run()
    table = app.dataframe[0].value
    assert list(table["Decoding"]) == ["greedy", "beam 1"]
    assert table["Translation"].nunique() == 1
    assert "same translation" in words(app)
    app.slider(key="beam-n").set_value(20)
    app.run()
    press(app, "Measure both")
    measured = app.dataframe[1].value
    assert measured["BLEU"].nunique() == 1 and "signature nrefs:1" in words(app)


def test_a_sentence_where_the_beam_is_more_probable_is_found(translator):
    app = open_part("Greedy and beam")
    press(app, "Find a sentence where the beam wins")
    log_p = app.dataframe[0].value["log p (nats)"]
    assert log_p[1] > log_p[0]


def test_a_translation_run_does_not_disturb_pages_that_list_language_models(translator):
    folder = PAGE.parent
    for name in ("home.py", "pretraining.py", "generation.py", "attention.py", "tokenization.py"):
        app = AppTest.from_file(str(folder / name), default_timeout=60).run()
        assert not app.exception and not app.error, name
    home = AppTest.from_file(str(folder / "home.py"), default_timeout=60).run()
    assert "Translator · test" in "\n".join(each.value for each in home.markdown)


def test_a_token_table_refuses_what_does_not_fit():
    for head, row in (
        (("a",), Row("1", (Cell("x"),))),
        (("a", "b"), Row("1", (Cell("x", mark="right"),))),
        (("a", "b"), Row("1", (Cell("x", share=1.5),))),
    ):
        with pytest.raises(ValueError):
            token_table(head, [row], "key", summary="")


def test_the_sources_label_names_language_and_length():
    assert source.label_of(tiny()) == "English → German · 12 steps"
