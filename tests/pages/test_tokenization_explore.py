"""The first half of the lesson on tokenization: explore, compare, language tax, special tokens."""

import json
import time

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from engine.runs.named_texts import LEARN_CHARS
from engine.tokenizer import OFFICIAL_ENCODINGS, BPETokenizer, official_encoding
from pages.parts.tokenization import compare, explore, language_tax, typed
from pages.shared.chips import Chip, chips_of
from pages.shared.components import token_chips
from pages.shared.components.token_chips import MAX_CHIPS
from pages.shared.texts import text_of
from pages.shared.tokenizers import TokenizerChoice

from .test_charts import validate
from .test_pages import PROJECT, texts

HOSTILE = [
    "<script>alert(1)</script></textarea><b>x</b> **bold** $x^2$ [a](javascript:1)",
    "photo_\u202egnp.exe\u202c \u2066x\u2069 \x00\x07\x1b[31m \ufeff\ufffe\U000e0001",
    "a" + "\u0301" * 100_000,
    " " * 5_000 + "\n" * 500 + "\t\r\n\x0b\x85\u2028",
    "👩‍👩‍👧‍👦🏳️‍🌈" * 50,
    "<|endoftext|><|im_start|><|unk|>",
    "",
]


def open_part(part: str, **session) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "pages" / "tokenization.py"), default_timeout=60)
    app.query_params["part"] = part
    for key, value in session.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def drawn(app: AppTest, n: int = 0) -> dict:
    """What the n-th strip of chips was given."""
    found = [each.proto for each in app.get("bidi_component") if '"unusual"' in (each.proto.json or "")]
    return json.loads(found[n].json)


@pytest.mark.parametrize("kind", OFFICIAL_ENCODINGS)
def test_the_ids_drawn_and_downloaded_are_those_of_tiktoken(kind):
    tokenizer = TokenizerChoice(kind).load()
    for text in (*typed.EXAMPLES.values(), *HOSTILE):
        expected = official_encoding(kind).encode(text, disallowed_special=())
        assert [chip.id for chip in chips_of(text, tokenizer)] == expected


def test_the_ids_of_ones_own_bpe_are_those_of_tiktoken_with_its_merges():
    choice = TokenizerChoice("bpe", "stories", 1000)
    tokenizer = choice.load()
    assert isinstance(tokenizer, BPETokenizer)
    held_out = text_of("stories")[LEARN_CHARS : LEARN_CHARS + 5_000]
    assert held_out
    for text in (held_out, *typed.EXAMPLES.values()):
        assert [chip.id for chip in chips_of(text, tokenizer)] == tokenizer.to_tiktoken().encode(
            text, disallowed_special=()
        )


@pytest.mark.parametrize("kind", ["gpt2", "bpe", "byte", "char", "word"])
def test_explore_draws_the_tokens_of_every_kind_of_tokenizer(kind):
    app = open_part("Text to tokens", **{"tokens-kind": kind})
    assert not app.error
    cut = typed.EXAMPLES["A bit of everything"]
    given = drawn(app)
    assert given["ids"] and given["ends"][-1] == len(cut)
    numbers = {metric.label: metric.value for metric in app.metric}
    assert numbers["Characters"] == f"{len(cut):,}"
    assert numbers["Tokens"] == f"{len(given['ids']):,}"


@pytest.mark.parametrize("part", ["Text to tokens", "Two side by side"])
def test_hostile_text_reaches_the_page_only_as_text(part):
    app = open_part(part)
    for text in HOSTILE:
        app.text_area(key="tokens-text").set_value(text).run()
        assert not app.exception
        assert not app.error
        joined = "".join(each.value for kind in (app.markdown, app.caption, app.info) for each in kind)
        assert "<script>" not in joined and "\u202e" not in joined and "\x00" not in joined


def test_an_empty_text_is_no_error_anywhere():
    for part in ("Text to tokens", "Two side by side"):
        app = open_part(part, **{"tokens-text": ""})
        assert drawn(app)["ids"] == []
    app = open_part("Special tokens", **{"special-text": ""})
    assert "both readings are the same" in texts(app)


def test_a_long_text_is_counted_whole_and_drawn_in_part_and_says_so():
    text = "The lion sleeps. " * 3_000
    app = open_part("Text to tokens", **{"tokens-text": text})
    numbers = {metric.label: metric.value for metric in app.metric}
    assert numbers["Characters"] == f"{len(text):,}"
    assert numbers["Tokens"] == f"{len(official_encoding('gpt2').encode(text)):,}"
    given = drawn(app)
    assert typed.DRAWN_CHARS - 20 < given["ends"][-1] <= typed.DRAWN_CHARS
    assert "Drawn are the first" in texts(app)


def test_never_more_chips_than_the_page_can_carry():
    app = open_part("Text to tokens", **{"tokens-text": "狮" * 19_000, "tokens-kind": "byte"})
    assert len(drawn(app)["ids"]) == MAX_CHIPS
    chip = Chip(1, "a", b"a", 0, 1)
    with pytest.raises(ValueError, match="limit is 20,000"):
        token_chips([chip] * (MAX_CHIPS + 1), key="x", label="x")


def test_a_million_characters_are_read_and_the_rest_is_named():
    app = open_part("Text to tokens", **{"tokens-text": "lion " * 210_000})
    assert "The first 1,000,000 are read" in texts(app)
    assert {metric.label: metric.value for metric in app.metric}["Characters"] == "1,000,000"


def test_an_example_replaces_the_text():
    app = open_part("Text to tokens")
    app.button_group(key="tokens-example").set_value("Code").run()
    assert not app.exception
    assert app.text_area(key="tokens-text").value == typed.EXAMPLES["Code"]
    assert "".join(drawn(app)["texts"]) == typed.EXAMPLES["Code"]


def test_text_and_switches_outlive_a_look_at_another_part():
    app = open_part("Text to tokens")
    app.text_area(key="tokens-text").set_value("My own lion").run()
    app.toggle(key="tokens-bytes").set_value(True).run()
    app.button_group(key="part").set_value("Language tax").run()
    app.button_group(key="part").set_value("Two side by side").run()
    assert app.text_area(key="tokens-text").value == "My own lion"
    app.button_group(key="part").set_value("Text to tokens").run()
    assert app.text_area(key="tokens-text").value == "My own lion"
    assert app.toggle(key="tokens-bytes").value


def test_a_kept_token_is_told_in_full_and_can_be_looked_into():
    text = typed.EXAMPLES["A bit of everything"]
    chips = chips_of(text, TokenizerChoice("gpt2").load())
    place = next(n for n, chip in enumerate(chips) if chip.text == " lion")
    app = open_part("Text to tokens", **{"tokens-selected": (place, chips[place])})
    assert drawn(app)["selected"] == place
    assert f"{chips[place].id:,}" in texts(app) and "20 6c 69 6f 6e" in texts(app)
    app.text_area(key="tokens-text").set_value("Something else").run()
    assert drawn(app)["selected"] is None


def test_looking_inside_names_the_token_for_the_other_part(monkeypatch):
    state: dict = {}
    monkeypatch.setattr(explore.st, "session_state", state)
    explore._look_inside(TokenizerChoice("bpe", "stories", 700), 300)
    assert state["inside"] == {"kind": "bpe", "source": "stories", "vocab_size": 700, "id": 300}
    assert state["part"] == "Inside a token"


def test_the_download_holds_all_ids_and_offsets():
    text = "狮子 lion " * 4_000
    choice = TokenizerChoice("o200k_base")
    tokenizer = choice.load()
    from engine.offsets import token_spans

    cut = typed.Tokenized(text, tokenizer, token_spans(text, tokenizer), [])
    values = json.loads(explore.ids_as_json(cut, choice))
    assert values["ids"] == official_encoding("o200k_base").encode(text)
    assert values["offsets"][-1][1] == len(text) == values["n_characters"]


def test_ids_are_decoded_and_bad_ones_explained():
    app = open_part("Text to tokens")
    assert "The lion is in the forest" in [code.value for code in app.code]
    for wrong, words in (("12 lion", "“lion” is no token id"), ("99999", "There is no token with id 99999")):
        app.text_input(key="tokens-ids-gpt2--0").set_value(wrong).run()
        assert not app.exception
        assert words in texts(app)
    app.text_input(key="tokens-ids-gpt2--0").set_value("[464, 18744]").run()
    assert not app.error
    with pytest.raises(ValueError, match="at most"):
        explore.read_ids("1 " * 30_000)


def test_two_tokenizers_are_compared_in_numbers_and_marks():
    text = "12345 lions isn't"
    app = open_part("Two side by side", **{"tokens-text": text, "left-kind": "gpt2", "right-kind": "byte"})
    left, right = drawn(app, 0), drawn(app, 1)
    assert left["marks"] == []
    assert len(right["marks"]) == len(right["ids"]) - len(left["ids"])
    assert "times as many tokens as **gpt2**" in texts(app)
    assert "First difference, at character 1" in texts(app)
    table = app.dataframe[0].value
    assert table.loc["Tokens", "bytes"] == str(len(text))


def test_equal_tokenizers_agree_everywhere():
    app = open_part("Two side by side", **{"left-kind": "gpt2", "right-kind": "gpt2"})
    assert "in the same" in texts(app)
    assert drawn(app, 0)["marks"] == drawn(app, 1)["marks"] == []
    assert "First difference" not in texts(app)


def test_the_first_difference_is_quoted_from_both_sides():
    left, right = (typed_text("I saw 3.14", kind) for kind in ("gpt2", "byte"))
    assert compare.first_difference(left, left) is None
    place, one, other = compare.first_difference(left, right)
    assert place == 2 and "“␣saw”" in one and other == "“␣” | “s”"  # the first boundary that only bytes have


def typed_text(text: str, kind: str) -> typed.Tokenized:
    from engine.offsets import token_spans

    tokenizer = TokenizerChoice(kind).load()
    return typed.Tokenized(text, tokenizer, token_spans(text, tokenizer), [])


def test_own_bpe_of_two_sizes_can_be_compared_with_one_text_behind_both():
    app = open_part("Two side by side", **{"left-kind": "bpe", "right-kind": "word"})
    assert not app.error
    sizes = [slider.value for slider in app.select_slider]
    assert sizes == [1000, 4000]
    assert any(each[3] == "<|unk|>" for each in drawn(app, 1)["unusual"].values())


def test_the_language_tax_draws_a_bar_for_every_sentence_and_encoding():
    app = open_part("Language tax")
    chart = app.get("vega_lite_chart")[0].proto
    assert "What one sentence costs" in chart.spec
    assert "Most tokens" in texts(app)
    assert len(app.dataframe[0].value) == len(language_tax.SENTENCES)
    app.button_group(key="tax-measure").set_value("Times English").run()
    app.button_group(key="tax-encodings").set_value([]).run()
    assert "Choose at least one encoding" in texts(app)
    assert not app.exception


@pytest.mark.parametrize("measure", language_tax.MEASURES)
def test_the_chart_of_the_tax_is_sound_and_keeps_the_order_of_the_table(measure):
    costs = language_tax.language_costs(
        {"Greek": "θάλασσα", "English": "sea"}, {"bytes": TokenizerChoice("byte").load()}, reference="English"
    )
    figure = language_tax.tax_figure(costs, measure, "English")
    validate(figure)
    assert list(figure.data["row"]) == ["Greek", "English"]
    expected = {"Tokens": [14, 3], "Times English": [14 / 3, 1], "Bytes per token": [1, 1]}
    assert figure.data["value"].tolist() == pytest.approx(expected[measure])
    assert "Greek with 14 (4.7 times)" in figure.summary


def test_edited_sentences_are_read_without_gaps_and_doubles():
    table = pd.DataFrame(
        {"Language": ["A", "A", None, " ", "B"], "Sentence": ["x", "y", "z", "z", "  "]},
    )
    assert language_tax.sentences_of(table) == {"A": "x", "A (2)": "y"}
    many = pd.DataFrame({"Language": [str(n) for n in range(99)], "Sentence": ["x"] * 99})
    assert len(language_tax.sentences_of(many)) == language_tax.MAX_ROWS


def test_language_names_that_were_typed_reach_no_markdown():
    table = {"Language": ["English", "<b>*x*</b> $y$"], "Sentence": ["a b", "c d e f g h"]}
    app = open_part("Language tax", **{"table:tax": table})
    assert not app.error
    joined = "".join(each.value for kind in (app.markdown, app.caption, app.info) for each in kind)
    assert "<b>" not in joined
    assert any("<b>*x*</b>" in each.value for each in app.text)


@pytest.mark.parametrize("kind", ["gpt2", "cl100k_base", "o200k_base", "bpe"])
def test_a_special_token_is_one_id_when_obeyed_and_text_otherwise(kind):
    app = open_part("Special tokens", **{"special-kind": kind})
    plain, obeyed = drawn(app, 0), drawn(app, 1)
    tokenizer = TokenizerChoice(kind, "stories" if kind == "bpe" else "", 1000 if kind == "bpe" else 0).load()
    end = tokenizer.end_of_text_id
    assert end in obeyed["ids"] and end not in plain["ids"]
    assert len(plain["ids"]) > len(obeyed["ids"])
    assert f"**{end:,}**" in texts(app)
    assert any("disallowed special token" in code.value for code in app.code)
    assert "2 documents" in texts(app)


def test_a_text_without_special_names_is_encoded_by_tiktoken_without_complaint():
    app = open_part("Special tokens", **{"special-text": "The lion sleeps."})
    assert "both readings are the same" in texts(app)
    assert any(code.value.startswith(">>> len(encoding.encode(text))\n4") for code in app.code)


@pytest.mark.parametrize("part", ["Text to tokens", "Two side by side", "Language tax", "Special tokens"])
def test_a_rerun_of_a_part_is_quick(part):
    app = open_part(part)
    app.run()
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        app.run()
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1.0, seconds  # about 0.05 s; room for a busy machine
