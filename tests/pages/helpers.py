"""Opening a part of a lesson in Streamlit's test driver, and reading what it says."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

PAGES = Path(__file__).resolve().parents[2] / "pages"


def open_lesson(page: str, part: str, **session: object) -> AppTest:
    """The page ("attention.py") at one of its parts, with this in the session; no exception may have been raised."""
    app = AppTest.from_file(str(PAGES / page), default_timeout=120)
    app.query_params["part"] = part
    for key, value in session.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def words(app: AppTest) -> str:
    """All text of the page but that of controls, charts and tables."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.success, app.text, app.code)
    return "\n".join(element.value for kind in kinds for element in kind)
