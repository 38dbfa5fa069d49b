"""What a learner reads when something below the pages fails: a sentence that says what to do, never a traceback."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.__main__ import main
from engine.runs import service, tables
from engine.runs.execution import execute
from pages.shared import examples
from tests.runs.helpers import TEXT, tiny_config

Fault = Callable[..., dict[str, str]]
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def no_service(data_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "ASSETS", data_home / "nothing-ships")
    monkeypatch.setenv("LLM_LAB_SERVE", "0")
    st.cache_data.clear()
    st.cache_resource.clear()


def open_app(script: str = "app.py", **session: object) -> AppTest:
    app = AppTest.from_file(str(PROJECT / script), default_timeout=120)
    for key, value in session.items():
        app.session_state[key] = value
    return app.run()


def test_a_damaged_record_is_said_on_the_page_and_the_page_opens_once_it_is_repaired(
    data_home: Path, fault: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    case = fault("record of runs damaged", "opening the course")
    run_id = service.lab().submit(tiny_config(service.lab().save_upload(TEXT), steps=20))
    assert execute(run_id, dict(os.environ)) == "finished"
    service.lab().close()
    path = data_home / "runs.sqlite"
    path.write_bytes(b"\0" * 8192)
    for left in ("-wal", "-shm"):
        path.with_name(path.name + left).unlink(missing_ok=True)
    app = open_app()
    assert not app.exception
    (said,) = [error.value for error in app.error]
    assert "python -m engine repair" in said
    assert main(["repair"]) == 0
    app.run()
    assert not app.error and not app.exception
    assert app.title[0].value
    assert [record.run_id for record in service.lab().runs()] == [run_id]
    service.lab().close()
    case["outcome"] = f"said on the page: {said} After that it opens, with the run"


def test_a_press_on_pause_while_the_store_is_held_says_so_and_works_later(
    data_home: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = fault("store locked by another program", "a press on Pause")
    monkeypatch.setattr(tables, "BUSY_SECONDS", 0.1)
    run_id = service.lab().submit(tiny_config(service.lab().save_upload(TEXT), steps=20))
    app = open_app("pages/pretraining.py", run_id=run_id)
    holder = sqlite3.connect(data_home / "runs.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    app.button(key=f"pause:{run_id}").click().run()
    holder.execute("ROLLBACK")
    holder.close()
    assert not app.exception
    (said,) = [toast.value for toast in app.toast]
    assert "Nothing is lost" in said
    app.button(key=f"pause:{run_id}").click().run()
    assert service.lab().run(run_id).state == "paused"
    service.lab().close()
    case["outcome"] = f"said on the page: {said} A second press paused the run"


def test_a_store_that_is_away_is_said_on_every_page(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    case = fault("store out of reach", "opening the course")
    pytest.importorskip("psycopg", reason="psycopg is not installed (pip install '.[postgres]')")
    monkeypatch.setenv("LLM_LAB_STORE", "postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    app = open_app()
    assert not app.exception
    (said,) = [error.value for error in app.error]
    assert "cannot be reached" in said
    case["outcome"] = f"said on the page: {said}"


def test_a_failed_run_shows_its_sentence(fault: Fault) -> None:
    case = fault("uploaded text deleted", "starting")
    run_id = service.lab().submit(tiny_config(f"upload:{64 * '0'}", steps=20))
    assert execute(run_id, dict(os.environ)) == "failed"
    app = open_app("pages/pretraining.py", run_id=run_id)
    assert not app.exception
    (said,) = [error.value for error in app.error]
    assert "upload the file again" in said
    service.lab().close()
    case["outcome"] = f"said on the page: {said}"
