"""Open GPT-2 weights on the pages: listed, used like any other model, refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest
from transformers import GPT2Config, GPT2LMHeadModel

from engine.hub import adopt
from engine.open_models import FetchState, _write, models_folder
from engine.runs.service import lab

from .test_pages import PAGES, open_page, texts


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small GPT-2 with the official vocabulary, as transformers saves it."""
    folder = tmp_path_factory.mktemp("hub") / "tiny"
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(n_layer=2, n_head=2, n_embd=32, n_positions=64)).save_pretrained(folder)
    return folder


@pytest.fixture
def open_model(written: Path) -> str:
    adopt(written, models_folder(lab().settings))
    return "open:tiny"


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_while_open_weights_are_chosen(name, open_model):
    app = open_page(name, run_id=open_model)
    assert not app.error, app.error


def test_generation_writes_with_open_weights(open_model):
    app = open_page("generation.py", run_id=open_model)
    assert app.selectbox[0].value == open_model
    next(button for button in app.button if button.label == "One token").click().run()
    assert not app.exception and not app.error


def test_the_pipeline_lists_open_weights_and_a_click_opens_a_lesson_with_them(open_model):
    app = open_page("home.py")
    assert any("tiny" in text.value for text in app.text)
    assert {"Look inside", "Write with it", "Fetch"} <= set(labels(app))


def test_a_hub_id_that_cannot_be_one_is_refused_with_a_sentence():
    app = open_page("home.py")
    app.selectbox(key="open-model").select("Another model of GPT-2's layout …").run()
    app.text_input(key="open-hub-id").input("../../etc").run()
    app.button(key="open-fetch").click().run()
    assert "no name of a model" in app.error[0].value


def test_a_failed_download_says_what_to_do_until_it_is_put_away():
    settings = lab().settings
    models_folder(settings).mkdir(parents=True)
    _write(models_folder(settings), FetchState("a/b", "failed", error="a/b could not be fetched: offline."))
    app = open_page("home.py")
    assert "could not be fetched" in app.error[0].value
    app.button(key="open-forget").click().run()
    assert not app.error


def test_a_download_shows_how_far_it_is():
    import os
    import time

    settings = lab().settings
    models_folder(settings).mkdir(parents=True)
    state = FetchState("a/b", "running", done=50_000_000, total=200_000_000, began=time.time() - 10, pid=os.getpid())
    _write(models_folder(settings), state)
    app = open_page("home.py")
    (bar,) = app.get("progress")
    assert "50 of 200 MB" in str(bar.proto) and "s left" in str(bar.proto)
    assert "Cancel" in labels(app) and "Fetch" not in labels(app)
    assert texts(app)
