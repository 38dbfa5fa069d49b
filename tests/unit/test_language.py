"""Messages in the reader's language: looking them up, numbers and plurals, and whether the French is whole."""

import json
import string
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from engine import language
from engine.language import N_, Message, _, cached_by_language, day, moment, number, plural_of, retold, separators

ROOT = Path(__file__).resolve().parents[2]
CATALOGS = sorted((ROOT / "assets/locales").glob("*.po"))
KEYWORDS = {"_": None, "N_": None, "say": None, "plural": (2, 3)}


@pytest.fixture
def french(monkeypatch):
    """The reader is French."""
    monkeypatch.setattr(language, "_readers_language", lambda: "fr")


def test_a_message_without_translation_stays_as_it_is(french):
    assert _("nobody has translated this {x}") == "nobody has translated this {x}"
    assert _("nobody has translated {x:,} of these", x=1200) == "nobody has translated 1\u202f200 of these"


def test_a_message_is_translated_and_its_values_are_put_in(french):
    assert _("Train") == "Entraîner"
    assert _("{n_tokens:,} tokens", n_tokens=1200).startswith("1\u202f200")


def test_in_english_nothing_changes():
    assert _("Train") == "Train" and _("{n:,} of {name}", n=1200, name="x") == "1,200 of x"
    assert number(1234.5, ",.1f") == "1,234.5" and plural_of(2, "token", "tokens") == "tokens"


def test_what_names_an_option_speaks_only_when_it_is_shown(french):
    name = N_("Train")
    assert isinstance(name, Message) and name == "Train" and hash(name) == hash("Train") and {name: 1}["Train"] == 1
    assert (str(name), f"{name}", f"{name:>10}") == ("Entraîner", "Entraîner", " Entraîner")
    assert json.dumps(name) == '"Train"' and name.lower() == "train"


def test_numbers_take_the_separators_of_the_language(french):
    assert number(1234.5, ",.1f") == "1\u202f234,5" and number(0.125, ".1%") == "12,5\u00a0%"
    assert _("{flag} {n} {year}", flag=True, n=1.5, year=2026) == "True 1,5 2026" and _(0.25) == "0,25"


def test_who_writes_numbers_otherwise_asks_for_the_separators(monkeypatch):
    assert separators() == {"decimal": ".", "thousands": ",", "percent": "%"}
    monkeypatch.setattr(language, "_readers_language", lambda: "fr")
    assert separators() == {"decimal": ",", "thousands": "\u202f", "percent": "\u00a0%"}


def test_numpys_numbers_take_the_separators_as_well(french):
    assert number(np.float32(1234.5), ",.1f") == number(1234.5, ",.1f")
    assert number(np.int64(1200)) == number(1200)


def test_zero_is_singular_in_french(french, monkeypatch):
    monkeypatch.setattr(language, "_catalog", lambda code: {"horse": ("cheval", "chevaux")})
    assert [plural_of(n, "horse", "horses") for n in (0, 1, 2)] == ["cheval", "cheval", "chevaux"]


def test_a_language_without_catalog_is_english(monkeypatch):
    monkeypatch.setattr(language, "_readers_language", lambda: "xx")
    assert _("Train") == "Train"


def test_what_is_cached_is_cached_for_each_language(monkeypatch):
    calls = []

    @cached_by_language()
    def title(which: str) -> str:
        calls.append(which)
        return _("Train")

    assert [title("a"), title("a")] == ["Train", "Train"] and len(calls) == 1
    monkeypatch.setattr(language, "_readers_language", lambda: "fr")
    assert title("a") == "Entraîner" and len(calls) == 2


def test_what_is_called_later_speaks_the_language_of_whoever_asked_for_it(monkeypatch):
    monkeypatch.setattr(language, "_readers_language", lambda: "fr")
    train = language.kept(lambda: (_("Train"), number(1.5, ".1f"), language.language()))
    monkeypatch.setattr(language, "_readers_language", lambda: "en")
    assert train() == ("Entraîner", "1,5", "fr") and _("Train") == "Train"


def test_what_a_worker_wrote_in_english_is_told_again_in_the_readers_language(french):
    assert retold("Paused before training began.") == "En pause avant le début de l'entraînement."
    assert retold("writing 6,000 phrases") == _("writing {n_phrases:,} phrases", n_phrases=6000)
    assert retold("Somebody's own label, 3.5") == "Somebody's own label, 3.5"


def test_days_have_their_month_in_words(french):
    at = datetime(2026, 11, 21, 9, 5, tzinfo=UTC)
    assert day(at) == "21 novembre 2026" and moment(at) == "21 novembre 2026, 09:05 UTC"


# --- the catalogs --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def messages() -> set[str]:
    """Every message of the code, as `make messages` finds them."""
    methods = [
        ("app.py", "python"),
        ("pages/**.py", "python"),
        ("engine/**.py", "python"),
        ("pages/**.js", "javascript"),
    ]
    found = extract_from_dir(
        ROOT, methods, {}, KEYWORDS, directory_filter=lambda each: not Path(each).name.startswith((".", "_", "build"))
    )
    return {
        text for _file, _line, text, _notes, _context in found for text in (text if isinstance(text, tuple) else [text])
    }


@pytest.mark.parametrize("file", CATALOGS, ids=lambda file: file.stem)
def test_every_message_is_translated_with_the_same_placeholders(file, messages):
    with file.open("rb") as opened:
        catalog = read_po(opened, locale=file.stem)
    known = {}
    for each in catalog:
        for one, other in zip(
            each.id if isinstance(each.id, tuple) else (each.id,),
            each.string if isinstance(each.string, tuple) else (each.string,),
            strict=True,
        ):
            known[one] = other
    missing = sorted(text for text in messages if not known.get(text))
    assert not missing, f"{len(missing)} messages wait for a translation (`make messages`): {missing[:5]}"
    unlike = {text for text, other in known.items() if text and fields(text) != fields(other)}
    assert not unlike, sorted(unlike)[:5]


def fields(text: str) -> set[str] | None:
    """The placeholders of a message; None where its braces are none, as in code."""
    try:
        return {f"{name}!{how}:{spec}" for _text, name, spec, how in string.Formatter().parse(text) if name is not None}
    except ValueError:
        return None
