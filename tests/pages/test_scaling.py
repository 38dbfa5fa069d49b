"""The lesson on scaling: laws from records and from runs, bills, memory."""

import pytest

from tests.pages.helpers import open_lesson, words

PARTS = ["Train sizes", "What does it cost?", "Memory"]


def open_part(part: str, **session):
    return open_lesson("scaling.py", part, **session)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_and_every_control_has_help(part, shipped):
    app = open_part(part)
    assert not app.error
    assert "What to notice" in words(app)
    kinds = (app.slider, app.select_slider, app.number_input, app.selectbox, app.toggle, app.button)
    for widget in (each for kind in kinds for each in kind):
        assert widget.help, widget.label
