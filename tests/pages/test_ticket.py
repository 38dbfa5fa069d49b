"""Run tickets on the first page, and what a run's page gives to take home."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.runs.service import lab
from engine.take_home import write_ticket
from pages.parts import ticket as page

ROOT = Path(__file__).resolve().parents[2]


class File:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def getvalue(self) -> bytes:
        return self.data


def opened(data: bytes, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setattr(page.st, "file_uploader", lambda *_, **__: File(data))
    app = AppTest.from_file(str(ROOT / "pages" / "home.py"), default_timeout=60).run()
    assert not app.exception
    return app


def test_a_ticket_of_a_run_that_is_there_opens_it_and_of_one_that_is_not_offers_to_train_it(trained_run, monkeypatch):
    data = write_ticket(lab().run(trained_run)).encode()
    app = opened(data, monkeypatch)
    assert app.button(key="ticket-open").label == "Open it"
    lab().delete(trained_run)
    app = opened(data, monkeypatch)
    assert app.button(key="ticket-open").label == "Train it again"
    app.button(key="ticket-open").click().run()
    assert lab().run(trained_run).state == "queued"


def test_a_file_that_is_no_ticket_is_explained(no_service, monkeypatch):
    app = opened(b"{}", monkeypatch)
    assert "no run ticket" in app.error[0].value
