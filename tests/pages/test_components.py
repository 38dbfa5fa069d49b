"""The building blocks of the pages: what the components accept, what the guard does, what errors look like."""

import re
import tomllib
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import code_panel, sitemap
from pages.shared.components import candidate_bars, lecture_stages, pipeline_map, token_strip

ROOT = Path(__file__).resolve().parents[2]
TOKEN = {"text": " lion", "id": 7, "probability": 0.25, "forced": False, "prompt": False}
CANDIDATE = {"id": 7, "text": " lion", "base_probability": 0.2, "final_probability": 0.0, "cut_by": "top-k"}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def blend(colour: str, background: str, share: float) -> str:
    mixed = [
        round(share * int(colour[index : index + 2], 16) + (1 - share) * int(background[index : index + 2], 16))
        for index in (1, 3, 5)
    ]
    return "#" + "".join(f"{value:02x}" for value in mixed)


def theme(name: str) -> dict:
    return tomllib.loads((ROOT / ".streamlit/config.toml").read_text("utf-8"))["theme"][name]


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_links_captions_and_buttons_have_at_least_the_contrast_of_wcag_aa(name):
    colours = theme(name)
    backgrounds = {colours["backgroundColor"], colours["secondaryBackgroundColor"]}
    backgrounds |= {colours["sidebar"][key] for key in ("backgroundColor", "secondaryBackgroundColor")}
    for background in backgrounds:
        assert contrast(colours["textColor"], background) >= 7
        assert contrast(colours["linkColor"], background) >= 4.5
        assert contrast(colours["grayColor"], background) >= 4.5
    caption = blend(colours["textColor"], colours["backgroundColor"], 0.6)  # Streamlit's opacity for captions
    assert contrast(caption, colours["backgroundColor"]) >= 4.5
    assert contrast("#FFFFFF", colours["primaryColor"]) >= 4.5  # Streamlit writes white on a primary button


@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_chart_colour_stands_out_from_the_background(name):
    colours = theme(name)
    drawn = colours["chartCategoricalColors"] + [
        colours[f"{each}Color"] for each in ("blue", "orange", "green", "violet", "yellow", "red", "gray")
    ]
    assert min(contrast(each, colours["backgroundColor"]) for each in drawn) >= 3


@pytest.mark.parametrize("name", ["light", "dark"])
def test_tokens_stay_readable_on_every_step_of_the_scale_and_the_steps_deepen(name):
    css = (ROOT / "pages/shared/components/token_strip.css").read_text("utf-8")
    shares = [int(each) / 100 for each in re.findall(r"level-\d \{ background: color-mix\(.*? (\d+)%", css)]
    assert len(shares) == 5
    colours = theme(name)
    tints = [blend(colours["orangeColor"], colours["backgroundColor"], share) for share in shares]
    assert min(contrast(colours["textColor"], tint) for tint in tints) >= 4.5
    steps = [contrast(tint, colours["backgroundColor"]) for tint in tints]
    assert steps == sorted(steps)


def test_components_write_text_only_as_text():
    for file in (ROOT / "pages/shared/components").glob("*.js"):
        source = file.read_text("utf-8")
        for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert unsafe not in source, f"{file.name} uses {unsafe}"


def test_the_shared_folder_is_no_page_and_imports_no_torch_sql_or_dask():
    assert not (ROOT / "pages/__init__.py").exists()
    for file in (ROOT / "pages/shared").rglob("*.py"):
        source = file.read_text("utf-8")
        assert not re.search(r"^\s*(import|from)\s+(torch|sqlalchemy|dask|distributed)\b", source, re.M), file


def components_script() -> None:
    from pages.shared.components import candidate_bars, lecture_stages, pipeline_map, token_strip

    token = {"text": " lion", "id": 7, "probability": 0.25, "forced": False, "prompt": True}
    candidate = {"id": 7, "text": "a", "base_probability": 0.2, "final_probability": 0, "cut_by": None}
    assert pipeline_map(lecture_stages(), key="map") is None
    assert token_strip([token], key="strip", selected=99) is None
    assert token_strip([], key="empty") is None
    assert candidate_bars([candidate], key="bars", chosen_id=7) is None


def test_components_mount_and_return_nothing_without_a_click():
    app = AppTest.from_function(components_script).run()
    assert not app.exception
    app.run()
    assert not app.exception


@pytest.mark.parametrize("probability", [-0.1, 1.5, float("nan")])
def test_a_probability_outside_zero_to_one_is_refused_with_its_value(probability):
    with pytest.raises(ValueError, match="between 0 and 1"):
        token_strip([{**TOKEN, "probability": probability}], key="strip")
    with pytest.raises(ValueError, match="between 0 and 1"):
        candidate_bars([{**CANDIDATE, "base_probability": probability}], key="bars")


def test_missing_fields_are_named():
    with pytest.raises(ValueError, match="Token 0 needs a text and an id"):
        token_strip([{"text": "a"}], key="strip")
    with pytest.raises(ValueError, match="no text"):
        candidate_bars([{key: value for key, value in CANDIDATE.items() if key != "text"}], key="bars")


def test_a_map_with_doubled_or_unknown_nodes_is_refused():
    node = {"id": "a", "title": "A"}
    with pytest.raises(ValueError, match="Several nodes have the id a"):
        pipeline_map([{"title": "S", "nodes": [node, node]}], key="map")
    with pytest.raises(ValueError, match="follows ghost"):
        pipeline_map([{"title": "S", "nodes": [{**node, "after": ["ghost"]}]}], key="map")


def test_the_map_links_exactly_the_lessons_that_exist():
    nodes = [node for stage in lecture_stages() for node in stage["nodes"]]
    for node in nodes:
        assert node["clickable"] == sitemap.has_lesson(node["id"])
    assert {"pretraining", "generation"} <= {node["id"] for node in nodes if node["clickable"]}


def test_lessons_have_addresses_of_their_own():
    addresses = [lesson.url_path for lesson in sitemap.lessons()]
    assert len(addresses) == len(set(addresses))
    with pytest.raises(KeyError, match="nowhere"):
        sitemap.open_lesson("nowhere")


def guarded_script() -> None:
    import streamlit as st

    from pages.shared import guard

    st.session_state["passes"] = st.session_state.get("passes", 0) + 1
    guard.mark_opened()
    guard.ensure()
    st.write("the lesson")


def test_a_page_opened_through_the_app_runs_at_once():
    app = AppTest.from_function(guarded_script).run()
    assert app.session_state["passes"] == 1
    assert app.markdown[0].value == "the lesson"


def failing_script() -> None:
    import streamlit as st

    from engine.errors import ConfigError, CorpusUnavailable
    from pages.shared.errors import shown_errors

    with shown_errors():
        raise ConfigError("d_model (100) must be a multiple of n_heads (3).")
    with shown_errors():
        raise CorpusUnavailable("The corpus is not installed.", "pip install plays")
    with shown_errors("draw the loss"):
        raise ZeroDivisionError("secret detail")
    with shown_errors():
        st.stop()
    st.write("not reached")


def test_errors_are_sentences_and_control_flow_passes_through(caplog):
    app = AppTest.from_function(failing_script).run()
    shown = [each.value for each in app.error]
    assert shown[0] == "d_model (100) must be a multiple of n_heads (3)."
    assert shown[1] == "The corpus is not installed."
    assert app.code[0].value == "pip install plays"
    assert shown[2].startswith("The app could not draw the loss.")
    assert "secret detail" not in " ".join(shown)
    assert "ZeroDivisionError" in caplog.text
    assert not app.exception
    assert not app.markdown


def lesson_script() -> None:
    from pages.shared import lesson
    from pages.shared.code_panel import show_code
    from pages.shared.sitemap import has_lesson

    lesson.objective("You can read a loss curve.", 10)
    lesson.notice("It falls.", "It flattens.")
    lesson.exercise("Halve the learning rate.", "The curve becomes smoother.")
    show_code(has_lesson)


def test_a_lesson_shows_its_objective_what_to_notice_its_exercise_and_the_code():
    app = AppTest.from_function(lesson_script).run()
    page = "\n".join(each.value for each in app.markdown)
    assert "about 10 minutes" in page and "- It flattens." in page and "Halve the [learning rate](" in page
    assert [each.label for each in app.expander] == ["Answer", "Show the code"]
    assert app.code[0].value.startswith("def has_lesson(")


def test_the_code_panel_names_file_and_line():
    place, source = code_panel.source_of(sitemap.Lesson.path.fget)
    lines = (ROOT / "pages/shared/sitemap.py").read_text("utf-8").splitlines()
    assert place.startswith("pages/shared/sitemap.py, line ")
    assert lines[int(place.rsplit(" ", 1)[1]) - 1].strip() == "@property"
    assert source.startswith("@property\ndef path(self)")
