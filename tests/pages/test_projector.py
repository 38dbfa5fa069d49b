"""Projector mode: larger and thicker, the values in writing, and nothing of it without."""

from __future__ import annotations

import copy
import json

import pandas as pd
from streamlit.testing.v1 import AppTest

from pages.shared import projector
from pages.shared.charts import next_token_bars


def chart() -> None:
    import pandas as pd

    from pages.shared import projector
    from pages.shared.charts import next_token_bars

    projector.show_toggle()
    next_token_bars(pd.DataFrame({"token": [" a", " b"], "probability": [0.7, 0.3]})).show()


def spec_of(app: AppTest) -> dict:
    return json.loads(app.get("vega_lite_chart")[0].proto.spec)


def test_letters_grow_lines_thicken_and_the_specification_that_others_share_stays_as_it_is():
    figure = next_token_bars(pd.DataFrame({"token": ["a"], "probability": [1.0]}))
    before = copy.deepcopy(figure.spec)
    larger = projector.enlarged(figure.spec)
    assert figure.spec == before and larger == projector.enlarged(figure.spec)
    assert larger["config"]["axis"]["labelFontSize"] == before["config"]["axis"]["labelFontSize"] * projector.LARGER
    assert larger["config"]["line"]["strokeWidth"] > 2 and larger["height"] > before["height"]


def test_the_address_switches_it_on_and_the_toggle_off():
    app = AppTest.from_function(chart)
    app.query_params["projector"] = "1"
    app.run()
    assert app.toggle(key="projector").value is True
    assert app.dataframe  # what pointing tells
    larger = spec_of(app)["config"]["axis"]["labelFontSize"]
    app.toggle(key="projector").set_value(False).run()
    assert not app.exception and not app.dataframe and "projector" not in app.query_params
    assert spec_of(app)["config"]["axis"]["labelFontSize"] < larger


def test_any_other_value_in_the_address_leaves_it_off():
    app = AppTest.from_function(chart)
    app.query_params["projector"] = "<script>"
    app.run()
    assert not app.exception and app.toggle(key="projector").value is False
