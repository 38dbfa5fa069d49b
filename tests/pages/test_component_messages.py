"""What the components' own scripts say: that it is found for translation, and that it reaches them."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract

from engine import language
from pages.shared.components import mount

FOLDER = Path(mount.__file__).parent
COMPONENTS = sorted(file.stem for file in FOLDER.glob("*.js") if file.stem != "common")


def script(name: str) -> str:
    return (FOLDER / f"{name}.js").read_text("utf-8")


def extracted(name: str) -> set[str]:
    """What `make messages` finds."""
    found = extract("javascript", io.BytesIO(script(name).encode()), keywords={"say": None})
    return {message for _line, message, _comments, _context in found}


@pytest.fixture
def mounted(monkeypatch):
    """What Streamlit was asked to mount."""
    seen = []
    monkeypatch.setattr(mount.st.components.v2, "component", lambda *_, **__: lambda **options: seen.append(options))
    return seen


@pytest.fixture
def reader(monkeypatch):
    """Who reads the language "xx", which has one word."""
    monkeypatch.setattr(language, "_catalog", lambda code: {"masked": "maskiert"})
    monkeypatch.setattr(language, "_readers_language", lambda: "xx")


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_message_is_a_literal_that_both_readers_of_the_scripts_find(name):
    text = script(name)
    assert len(re.findall(r"\bsay\(", text)) == len(re.findall(r'\bsay\(\s*"', text))
    shared = extracted("common")
    assert set(mount.messages(name)) == (extracted(name) | shared if "speak(" in text else set())
    assert "toLocaleString" not in text


@pytest.mark.parametrize("name", COMPONENTS)
def test_what_holds_words_hears_the_language_before_it_draws(name):
    text = script(name)
    begins = r"^export default function \(component\) \{\n  const \{.*\n  speak\(data, parentElement\);"
    if re.search(r"\b(say|quoted|grouped|decimal)\(", text):
        assert re.search(begins, text, re.MULTILINE)


def test_nothing_is_added_for_a_reader_of_english(mounted):
    place = mount.register("attention_map")
    place(key="map", data={"rows": []})
    assert mounted.pop() == {"key": "map", "data": {"rows": []}}


def test_another_language_comes_with_the_words_of_the_component(mounted, reader):
    mount.register("attention_map")(key="map", data={"rows": []}, on_clicked_change=None)
    (options,) = mounted
    assert options["key"] == "map" and "on_clicked_change" in options
    spoken = options["data"].pop("spoken")
    assert options["data"] == {"rows": []}
    assert spoken["language"] == "xx"
    assert spoken["words"] == {"masked": "maskiert"}


def test_what_says_nothing_is_given_nothing(mounted, reader):
    mount.register("kept_choice")(key="kept", data={"cookie": "a"})
    assert mounted.pop()["data"] == {"cookie": "a"}
