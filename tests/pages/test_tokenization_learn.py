"""The parts of the Tokenization lesson on BPE, as scripts: what they show is what the engine computed."""

import os
import time
from collections import Counter
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.bpe_replay import record_training
from engine.corpus import load_corpus
from engine.merges import merge_trace
from engine.readable import readable
from engine.runs.execution import execute
from engine.runs.recipes import recipe_config
from engine.runs.service import lab
from engine.tokenizer import OfficialTokenizer, train_tokenizer
from pages.parts.tokenization import learn, tradeoff, vocabulary

PROJECT = Path(__file__).resolve().parents[2]
PARTS = ("Learn BPE", "Inside a token", "Vocabulary", "Vocabulary trade-off")
HOSTILE = [
    "<script>alert(1)</script></textarea>",
    "\x00\x00\x1b",
    "\u202egnp.exe",
    "e" + "\u0301" * 300,
    "$x$ **b** [a](b)",
]


def open_part(part: str, **session) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "pages" / "tokenization.py"), default_timeout=60)
    app.query_params["part"] = part
    for key, value in session.items():
        app.session_state[key] = value
    app.run()
    assert_sound(app)
    return app


def assert_sound(app: AppTest) -> None:
    assert not app.exception, app.exception
    assert not app.error, [error.value for error in app.error]


def texts(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.success, app.text, app.header)
    return "\n".join(element.value for kind in kinds for element in kind)


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def with_label(widgets, label):
    return next(widget for widget in widgets if widget.label.startswith(label))


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_and_every_control_has_help(part):
    app = open_part(part)
    kinds = (app.slider, app.select_slider, app.number_input, app.text_input, app.text_area, app.toggle, app.button)
    for kind in (*kinds, app.selectbox, app.multiselect):
        for widget in kind:
            assert widget.help, f"{part}: {widget.label} has no help"


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_drawn_again_in_a_moment(part):
    app = open_part(part)
    durations = []
    for _ in range(5):
        start = time.perf_counter()
        app.run()
        durations.append(time.perf_counter() - start)
    assert min(durations) < 0.3  # measured alone: 0.04 to 0.06 s


# --- learn -------------------------------------------------------------------------------------------------------


def test_any_merge_is_shown_with_the_numbers_of_its_moment():
    app = open_part("Learn BPE")
    replay = record_training(load_corpus("stories")[:1_000_000], 300)
    for n in (300, 1, 77):
        with_label(app.number_input, "Jump to merge").set_value(n).run()
        assert_sound(app)
        shown = metrics(app)
        assert shown["Merges made"] == str(n)
        assert shown["Text in tokens"] == f"{replay.n_tokens(n):,}"
        assert shown["Bytes per token"] == f"{replay.bytes_per_token(n):.2f}"
        assert with_label(app.slider, "Merges made").value == n
        assert f"it occurs {replay.pairs(n)[0][1]:,} times" in texts(app)
        row = app.dataframe[0].value.iloc[0]
        assert row["new token"] == readable(replay.step(n).token)


def test_step_and_back_move_by_one_and_the_slider_follows():
    app = open_part("Learn BPE")
    assert app.button(key="bpe-back").disabled
    app.button(key="bpe-step").click().run()
    app.button(key="bpe-step").click().run()
    assert metrics(app)["Merges made"] == "2"
    app.button(key="bpe-back").click().run()
    assert metrics(app)["Merges made"] == "1"
    assert with_label(app.slider, "Merges made").value == 1
    with_label(app.slider, "Merges made").set_value(40).run()
    assert with_label(app.number_input, "Jump").value == 40


def test_play_goes_on_by_the_clock_and_pause_stays(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(learn.time, "monotonic", lambda: now[0])
    app = open_part("Learn BPE")
    app.button(key="bpe-play").click().run()
    assert app.button(key="bpe-step").disabled
    now[0] += 2.6
    app.run()
    assert metrics(app)["Merges made"] == "10"
    app.button(key="bpe-pause").click().run()
    app.button(key="bpe-pause").click().run()
    now[0] += 100
    app.run()
    assert not app.button(key="bpe-step").disabled
    assert metrics(app)["Merges made"] == "10"
    app.button(key="bpe-play").click().run()
    now[0] += 10_000
    app.run()
    assert metrics(app)["Merges made"] == "500"
    assert not app.button(key="bpe-back").disabled


def test_the_place_survives_a_look_at_another_part():
    app = open_part("Learn BPE")
    app.slider(key="bpe-merges").set_value(800).run()
    with_label(app.number_input, "Jump to merge").set_value(650).run()
    app.session_state["part"] = "Vocabulary"
    app.run()
    app.session_state["part"] = "Learn BPE"
    app.run()
    assert_sound(app)
    assert app.slider(key="bpe-merges").value == 800
    assert metrics(app)["Merges made"] == "650"


def test_a_shorter_film_ends_earlier_than_where_one_stood():
    app = open_part("Learn BPE")
    with_label(app.number_input, "Jump to merge").set_value(400).run()
    app.slider(key="bpe-merges").set_value(100).run()
    assert_sound(app)
    assert metrics(app)["Merges made"] == "100"
    assert app.button(key="bpe-step").disabled


def test_the_next_merge_is_guessed_and_the_score_kept():
    app = open_part("Learn BPE")
    replay = record_training(load_corpus("stories")[:1_000_000], 5)
    app.toggle(key="bpe-guess").set_value(True).run()
    assert "it occurs" not in texts(app), "the counts are hidden"
    assert app.button(key="bpe-step").disabled
    right = replay.riddle(0).index(replay.pairs(0)[0][0])
    app.button(key=f"bpe-guess-{right}").click().run()
    assert app.success
    assert "1 of 1 right · 1 in a row" in texts(app)
    app.button(key="bpe-next").click().run()
    assert metrics(app)["Merges made"] == "1"
    wrong = next(n for n, pair in enumerate(replay.riddle(1)) if pair == replay.pairs(1)[2][0])
    app.button(key=f"bpe-guess-{wrong}").click().run()
    assert app.error[0].value.startswith("Not this one")
    assert "1 of 2 right · 0 in a row" in texts(app)
    app.button(key="bpe-back").click().run()
    assert app.success, "an answered question is not asked again"


def test_a_guess_of_equal_frequency_is_nearly_right():
    app = open_part("Learn BPE", **{"bpe-material": "A text of one line", "bpe-line": "abcd abcd", "bpe-guess": True})
    replay = record_training("abcd abcd", 5)
    (first, count), (second, same) = replay.pairs(0)[:2]
    assert count == same and first < second
    app.button(key=f"bpe-guess-{replay.riddle(0).index(second)}").click().run()
    assert app.warning[0].value.startswith("Nearly")


def test_a_hostile_line_is_text_like_any_other():
    app = open_part("Learn BPE", **{"bpe-material": "A text of one line", "bpe-guess": True})
    for line in HOSTILE:
        app.text_input(key="bpe-line").set_value(line).run()
        assert_sound(app)
        app.button(key="bpe-guess-0").click().run()
        assert not app.exception
        assert not any("<script>" in element.value for element in (*app.markdown, *app.caption))


def test_a_line_without_pairs_is_explained():
    assert "nothing to merge" in texts(
        open_part("Learn BPE", **{"bpe-material": "A text of one line", "bpe-line": "a"})
    )
    assert "Type a text" in texts(open_part("Learn BPE", **{"bpe-material": "A text of one line", "bpe-line": ""}))


def test_a_text_of_ones_own_is_learned():
    app = open_part("Learn BPE")
    app.selectbox(key="bpe-text").set_value("own").run()
    assert "Upload a file or paste a text" in texts(app)
    app.text_area(key="bpe-text-pasted").set_value("ab" * 20 + " 日本語日本語").run()
    assert_sound(app)
    app.button(key="bpe-step").click().run()
    assert app.dataframe[0].value.iloc[0]["new token"] == "ab"


# --- inside ------------------------------------------------------------------------------------------------------


def inside_of(kind: str, token_id: int, source: str = "", vocab_size: int = 0) -> AppTest:
    wanted = {"kind": kind, "source": source, "vocab_size": vocab_size, "id": token_id}
    return open_part("Inside a token", inside=wanted)


def test_a_token_that_another_part_sends_is_opened():
    app = inside_of("gpt2", 262)
    assert "“␣the” · id 262 · merge 7 joined “␣t” and “he”" in texts(app)
    app = inside_of("bpe", 300, "stories", 700)
    tokenizer = train_tokenizer("bpe", load_corpus("stories")[:1_000_000], 700)
    left, _ = tokenizer.merges[300 - 256]
    assert readable(tokenizer.token_bytes(left)) in texts(app)
    assert app.select_slider(key="inside-size").value == 700
    assert with_label(app.number_input, "… or its id").value == 300


def test_the_counts_of_a_learned_tree_are_those_of_its_training():
    app = inside_of("bpe", 330, "stories", 700)
    replay = record_training(load_corpus("stories")[:1_000_000], 200)
    rows = app.dataframe[0].value
    for row in rows[rows["merge"].notna()].itertuples():
        assert row.count == replay.count(row.id) and row.merge == row.id - 255
        assert row.token == readable(replay.token_bytes(row.id))


def test_a_token_of_a_tokenizer_without_merges_is_explained():
    app = inside_of("char", 5, "stories")
    assert "not made by merging" in texts(app)


@pytest.mark.parametrize(
    ("kind", "token_id", "words"),
    [("gpt2", 50256, "a special token"), ("gpt2", 64, "a single byte"), ("cl100k_base", 100256, "100256 unused")],
)
def test_tokens_that_no_merge_made_say_what_they_are(kind, token_id, words):
    assert words in texts(inside_of(kind, token_id))


def test_an_id_beyond_the_vocabulary_is_cut_to_the_last_one():
    assert_sound(inside_of("gpt2", 10**9))
    assert_sound(inside_of("gpt2", -5))


def test_the_trace_of_a_word_ends_as_tiktoken_encodes_it():
    app = open_part("Inside a token", **{"inside-word": " tokenization 日本"})
    tokenizer = OfficialTokenizer("gpt2")
    table = app.dataframe[1].value
    assert table.iloc[-1]["ids"] == " ".join(map(str, tokenizer.to_tiktoken().encode(" tokenization 日本")))
    assert len(table) == len(merge_trace(tokenizer, " tokenization 日本"))
    with_label(app.slider, "Merges made").set_value(2).run()
    assert_sound(app)


@pytest.mark.parametrize("kind", ["gpt2", "bpe"])
def test_hostile_words_have_a_trace_and_a_tree(kind):
    app = open_part("Inside a token", **{"inside-kind": kind})
    for text in ("", *HOSTILE):
        app.text_input(key="inside-text").set_value(text[:400])
        app.text_input(key="inside-word").set_value(text[:60]).run()
        assert_sound(app)
        assert not any("<script>" in element.value for element in (*app.markdown, *app.caption))


# --- vocabulary --------------------------------------------------------------------------------------------------


def test_the_search_is_for_plain_text_and_finds_what_is_written():
    app = open_part("Vocabulary")
    app.text_input(key="vocabulary-search").set_value("␣the").run()
    found = list(app.dataframe[0].value["token"])
    assert "␣the" in found and all("␣the" in token for token in found)
    app.text_input(key="vocabulary-search").set_value(".*").run()
    assert "No token of this vocabulary fits" in texts(app)
    app.text_input(key="vocabulary-search").set_value("[").run()
    assert_sound(app)


def test_orders_and_choices_are_those_of_the_counts():
    app = open_part("Vocabulary")
    tokenizer = train_tokenizer("bpe", load_corpus("stories")[:1_000_000], 1000)
    ids = Counter(tokenizer.encode(load_corpus("stories")[:1_000_000], allowed_special="all"))
    table = app.dataframe[0].value
    assert table.iloc[0]["id"] == ids.most_common(1)[0][0]
    assert dict(zip(table["id"], table["count"], strict=True)) == {i: ids[i] for i in range(1000)}
    assert metrics(app)["Used in the text"] == str(len(ids))
    app.selectbox(key="vocabulary-kept").set_value("unused").run()
    assert set(app.dataframe[0].value["id"]) == set(range(1000)) - set(ids)
    app.selectbox(key="vocabulary-kept").set_value("special").run()
    assert list(app.dataframe[0].value["token"]) == ["<|endoftext|>"]
    app.selectbox(key="vocabulary-kept").set_value("all").run()
    app.selectbox(key="vocabulary-order").set_value("longest").run()
    lengths = list(app.dataframe[0].value["bytes"])
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize("kind", ["word", "char", "byte", "gpt2", "o200k_base"])
def test_every_kind_has_a_vocabulary_and_says_what_can_be_exported(kind):
    app = open_part("Vocabulary", **{"vocabulary-kind": kind})
    assert len(app.dataframe[0].value) <= vocabulary.MAX_ROWS
    labels = [button.proto.label for button in app.get("download_button")]
    assert ("Ranks for tiktoken" in labels) == (kind in ("byte", "gpt2", "o200k_base"))
    assert ("fits neither" in texts(app)) == (kind in ("word", "char"))


def test_tokens_are_readable_whatever_they_hold():
    assert readable(b" the\n") == "␣the↵"
    assert readable(b"\xe6\x97") == "\\xe6\\x97"
    assert readable(b"\x00\x1b\x7f") == "\\x00\\x1b\\x7f"
    assert readable("\u202eab".encode()) == "U+202Eab"
    assert readable("\u0301".encode()) == "◌\u0301"
    assert len(readable(b"=" * 500)) == 60
    assert len(readable("\u202e".encode() * 500)) == 60


# --- trade-off ---------------------------------------------------------------------------------------------------


def test_the_table_counts_tokens_and_parameters():
    app = open_part("Vocabulary trade-off")
    table = app.dataframe[0].value.set_index("tokenizer")
    text = load_corpus("stories")[:1_000_000]
    gpt2 = OfficialTokenizer("gpt2")
    assert table.loc["gpt2", "tokens"] == len(gpt2.to_tiktoken().encode(text, allowed_special="all"))
    assert table.loc["gpt2", "parameters"] == 50257 * 128
    assert table.loc["BPE 1,000", "vocabulary"] == 1000
    assert table.loc["BPE 1,000", "bytes_per_token"] == pytest.approx(
        len(text.encode()) / table.loc["BPE 1,000", "tokens"]
    )
    app.toggle(key="tradeoff-tied").set_value(False).run()
    assert app.dataframe[0].value.set_index("tokenizer").loc["gpt2", "parameters"] == 2 * 50257 * 128
    app.multiselect(key="tradeoff-sizes").set_value([]).run()
    assert_sound(app)
    assert list(app.dataframe[0].value["tokenizer"]) == ["characters", "gpt2"]


def test_train_the_missing_ones_queues_one_run_for_each_tokenizer():
    app = open_part("Vocabulary trade-off")
    app.button(key="tradeoff-train").click().run()
    assert not app.exception
    configs = [record.config for record in lab().runs()]
    assert {(c.tokenizer_kind, c.vocab_size if c.tokenizer_kind == "bpe" else 0) for c in configs} == {
        ("char", 0),
        ("gpt2", 0),
        *(("bpe", size) for size in tradeoff.DEFAULT_SIZES),
    }
    assert len({(c.n_chars, c.training, c.validation_fraction) for c in configs}) == 1
    assert "tradeoff-train" not in [button.key for button in app.button]
    assert list(app.dataframe[1].value["state"]) == ["Waiting for a free core, 0%"] * 6


def test_a_finished_run_shows_its_bits_per_byte_by_the_formula():
    config = recipe_config(
        "30s",
        "stories",
        vocab_size=500,
        model={"n_layers": 1, "n_heads": 2, "d_model": 32},
        training={"steps": 4, "seconds": None, "evaluations": 1, "sample_tokens": 4, "batch_size": 4},
    )
    run_id = lab().submit(config, "small")
    assert execute(run_id, dict(os.environ)) == "finished"
    app = open_part("Vocabulary trade-off")
    (row,) = app.dataframe[1].value.to_dict("records")
    evaluation = lab().curve(run_id, 2).evaluations[-1]
    assert row["tokenizer"] == "BPE 500" and row["state"] == "Finished"
    assert row["bits"] == pytest.approx(evaluation["bits_per_byte"])
    assert row["bits"] == pytest.approx(row["loss"] / 0.6931471805599453 / row["per_token"])
    assert row["per_token"] == pytest.approx(2.3, abs=0.2)
    assert "none to compare it with" in texts(app)
    assert "**5 of 6** have not been trained" in texts(app)
