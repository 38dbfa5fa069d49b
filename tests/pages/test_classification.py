"""The lesson on classification: each part through the real page, on rows and a classifier made in the test."""

import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.runs.classifying import classification_config
from engine.runs.execution import execute
from engine.runs.service import lab
from pages.parts.classification import message, quality, source, train
from tests.pages.helpers import open_lesson, words

PARTS = ["Data", "Train it", "How good is it?", "One message", "Was it worth it?", "Race"]
NEED_A_CLASSIFIER = PARTS[2:4]
TINY = {"steps": 8, "seconds": None, "batch_size": 8, "evaluations": 2}


def rows() -> str:
    """150 different texts, a third of them spam, and two copies, as JSON lines."""
    rng = np.random.default_rng(0)
    lines = []
    for n in range(150):
        label, opening = ("spam", "win a prize") if n % 3 == 0 else ("ham", "see you")
        lines.append({"text": f"{opening} {''.join(rng.choice(list('abcdefgh'), 7))}", "label": label})
    lines += [{"text": lines[0]["text"].upper(), "label": "spam"}, {"text": lines[1]["text"] + " ", "label": "ham"}]
    return "\n".join(map(json.dumps, lines))


@pytest.fixture
def data(trained_run) -> str:
    """The name of the uploaded rows, beside a pretrained model."""
    return lab().save_upload(rows())


@pytest.fixture
def classifier(data, trained_run) -> str:
    """The id of a finished classification run on them."""
    config = classification_config(lab().keep_model(trained_run), data=data, training=TINY, most_tokens=16)
    run_id = lab().submit(config, "Classifier · test")
    assert execute(run_id, dict(os.environ)) == "finished"
    return run_id


@pytest.fixture
def drawn(monkeypatch):
    """What each component was given last."""
    seen = SimpleNamespace(marks=[])
    for name, modules in {"confusion_grid": (train, quality), "head_swap": (train,), "word_marks": (message,)}.items():
        for module in modules:
            original = getattr(module, name)

            def record(*args, _name=name, _original=original, **named):
                setattr(seen, _name, SimpleNamespace(args=args, named=named))
                return _original(*args, **named)

            monkeypatch.setattr(module, name, record)
    return seen


def open_part(part: str, data: str | None = None, **session) -> AppTest:
    if data is not None:
        session = {source.DATA_KEY: data, source.MADE_KEY: {data: "Test rows"}, **session}
    return open_lesson("classification.py", part, **session)


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label.startswith(label)).click()
    app.run()
    assert not app.exception, app.exception
    return app


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_with_a_classifier_and_every_control_has_help(part, data, classifier):
    app = open_part(part, data)
    assert not app.error, [each.value for each in app.error]
    assert "What to notice" in words(app)
    kinds = (app.slider, app.select_slider, app.number_input, app.text_input, app.toggle, app.selectbox, app.button)
    for widget in (each for kind in kinds for each in kind):
        assert widget.help or widget.label in ("Pause", "Stop"), widget.label
