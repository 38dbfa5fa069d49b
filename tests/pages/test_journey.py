"""The page of the whole way: what it shows of a real run, what it keeps, and what it says to odd prompts."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.checkpoint import Checkpoint
from engine.gpt import GPT, GPTConfig
from engine.inspection import trace_of
from engine.journey import Glance, follow_prompt
from engine.runs.execution import execute
from engine.runs.service import lab
from engine.tokenizer import ByteTokenizer, CharTokenizer, OfficialTokenizer, WordTokenizer
from pages.parts.journey import following, seen, whole_way
from pages.parts.journey.prompt import MAX_CHARS, MAX_TOKENS, appended_text, clean, read_by
from pages.parts.journey.stations import stations, words_in
from pages.shared.components.journey_view import KINDS, journey_view, packed
from pages.shared.models import ModelChoice

from .conftest import tiny_config

PROJECT = Path(__file__).resolve().parents[2]


def open_page(query: dict[str, str] | None = None, **session) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "pages" / "journey.py"), default_timeout=60)
    for key, value in session.items():
        app.session_state[key] = value
    for key, value in (query or {}).items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def figure(app: AppTest) -> dict:
    """What the figure was given: "head" and "stations"."""
    (found,) = [each.proto for each in app.get("bidi_component") if '"stations"' in (each.proto.json or "")]
    return json.loads(found.json)


def station(app: AppTest, kind: str) -> dict:
    return next(each for each in figure(app)["stations"] if each["kind"] == kind)


def texts(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception, app.exception
    return app


def test_every_number_shown_is_the_models_own(trained_run):
    app = open_page()
    assert [each["kind"] for each in figure(app)["stations"]] == list(KINDS)
    checkpoint = lab().load_model(trained_run)
    ids = checkpoint.tokenizer.encode("The lion is in the")
    trace, logits = trace_of(checkpoint.model, ids)
    assert [token[0] for token in station(app, "ids")["tokens"]] == ids
    shown = np.array(station(app, "head")["weights"])
    np.testing.assert_allclose(shown, trace.layers[0].attention[0, 0, -1], atol=1e-4)
    top = np.argsort(-logits[-1])[:3]
    assert [row[0] for row in station(app, "logits")["top"][:3]] == top.tolist()
    probabilities = np.exp(logits[-1] - logits[-1].max())
    probabilities /= probabilities.sum()
    assert station(app, "next")["rows"][0][2] == pytest.approx(probabilities[top[0]], abs=1e-5)
    facts = dict(figure(app)["head"]["facts"])
    assert facts["Training step"] == "30"
    loss = lab().checkpoints(trained_run)[-1].validation_loss
    assert facts["Validation loss"] == f"{loss:.2f} nats"
    assert "step 30 of 30" in "\n".join(str(p.proto) for p in app.get("progress"))


def test_the_merges_of_a_word_end_in_the_tokens_of_the_word(trained_run):
    app = open_page()
    merges = station(app, "merges")
    tokenizer = lab().load_model(trained_run).tokenizer
    assert merges["words"][merges["word"]] == " lion"
    assert bytes(token for token, _ in merges["rows"][0]["tokens"]) == b" lion"
    assert [token for token, _ in merges["rows"][-1]["tokens"]] == tokenizer.encode(" lion")


def test_an_earlier_checkpoint_is_another_answer_and_the_line_over_training_stays(trained_run):
    app = open_page({"run": trained_run})  # an address that names a run is about that run
    assert app.segmented_control(key="journey_mode").value == following.CHOOSE
    after = figure(app)["head"]
    app.select_slider[0].set_value(0).run()
    assert not app.exception
    before = figure(app)["head"]
    assert dict(before["facts"])["Training step"] == "0"
    assert before["next"] != after["next"]
    assert before["change"].startswith("At step 0 the likeliest next token is")
    app.select_slider[0].set_value(30).run()
    assert figure(app)["head"]["change"].startswith("Since step ")
    app.segmented_control(key="journey_mode").set_value(following.FOLLOW).run()
    assert dict(figure(app)["head"]["facts"])["Training step"] == "30"
    assert "run" not in app.query_params


def test_the_drawn_token_is_appended_and_taken_back_and_the_address_keeps_the_prompt(trained_run):
    app = open_page()
    drawn = station(app, "next")
    assert "prompt" not in app.query_params
    press(app, "journey_append")
    longer = "The lion is in the" + drawn["drawnText"]
    assert app.text_area(key="journey_prompt").value == longer
    assert app.query_params["prompt"] in (longer, [longer])
    assert "".join(token[1] for token in figure(app)["head"]["tokens"]) == longer
    press(app, "journey_undo")
    assert app.text_area(key="journey_prompt").value == "The lion is in the"
    assert app.button(key="journey_undo").disabled
    assert station(app, "next") == drawn


def test_other_dice_change_the_draw_and_not_the_probabilities(trained_run):
    app = open_page()
    first = station(app, "next")
    draws = {first["drawn"]}
    for _ in range(4):
        press(app, "journey_roll")
        again = station(app, "next")
        draws.add(again["drawn"])
        # The last row makes place for a drawn token that is not among the likeliest.
        assert again["rows"][:-1] == first["rows"][:-1]
    assert len(draws) > 1


def test_the_address_pins_a_prompt():
    app = open_page({"prompt": "Anna sees a"})
    assert app.text_area(key="journey_prompt").value == "Anna sees a"


def test_moving_back_and_forth_in_time_reads_a_model_once(trained_run, monkeypatch):
    app = open_page({"run": trained_run})
    app.select_slider[0].set_value(0).run()

    def never(*_, **__):
        raise AssertionError("the model was run")

    monkeypatch.setattr("engine.gpt.GPT.hidden", never)
    app.select_slider[0].set_value(30).run()
    app.select_slider[0].set_value(0).run()
    press(app, "journey_roll")
    assert not app.error


def test_a_word_and_a_head_that_are_pressed_stay_chosen(trained_run, monkeypatch):
    presses: list[list] = [["word", 2], ["head", 0, 1], ["head", 5, 5], ["word", -1], ["append", 10**9], ["nonsense"]]

    def pressing(state, drawn, key, *, on_choice):
        while presses:
            on_choice(presses.pop(0))
        return journey_view(state, drawn, key)

    monkeypatch.setattr(whole_way, "journey_view", pressing)
    app = open_page()
    app.run()
    assert station(app, "merges")["word"] == 2
    assert (station(app, "head")["layer"], station(app, "head")["head"]) == (0, 1)


@pytest.mark.parametrize(
    "prompt",
    [
        "<script>alert(1)</script></textarea> **x** $y$",
        "null \x00 and tab \t",
        "a" + "\u0301" * 900,
        "\u202egnirts sdrawkcab\u202c שלום",
        "🦁👩‍👩‍👧 ﷽",
        " \n\n\t",
        "word" * 240,
    ],
    ids=["markup", "NUL", "combining", "bidi", "emoji", "blanks", "long"],
)
def test_odd_prompts_are_shown_as_text(trained_run, prompt):
    app = open_page()
    app.text_area(key="journey_prompt").set_value(prompt).run()
    assert not app.exception
    assert not app.error
    assert len(figure(app)["stations"]) == 8
    assert "<script>" not in texts(app)


def test_an_empty_prompt_is_explained(trained_run):
    app = open_page()
    app.text_area(key="journey_prompt").set_value("").run()
    assert "Type a prompt" in texts(app)


def test_of_a_long_prompt_the_end_is_read_and_the_rest_is_said(trained_run):
    app = open_page()
    app.text_area(key="journey_prompt").set_value("The lion is in the forest. " * 20).run()
    ids = station(app, "ids")
    assert len(ids["tokens"]) == 16  # the context of this model
    assert "beyond what is followed here" in ids["sentence"]


def test_train_starts_a_run_of_a_minute_and_follows_it(trained_run):
    app = open_page()
    press(app, "journey_train")
    record = lab().runs()[0]
    assert record.config.training.seconds == 60
    assert "number 1 in the queue" in "\n".join(str(p.proto) for p in app.get("progress"))
    assert "Until then you see" in texts(app)
    assert len(figure(app)["stations"]) == 8
    assert "journey_train" not in [button.key for button in app.button]
    following._train()  # the second call of a press that arrives twice
    assert len(lab().runs()) == 2


def test_without_any_model_there_is_a_button_to_train_one():
    app = open_page()
    assert "Nothing is training now." in texts(app)
    press(app, "journey_train")
    assert [record.state for record in lab().runs()] == ["queued"]


def test_a_look_reads_what_was_not_seen_yet_and_a_second_look_nothing(trained_run):
    checkpoint = lab().load_model(trained_run)
    ids = tuple(checkpoint.tokenizer.encode("The lion"))
    found: dict[int, Glance | None] = {}
    while seen.look_at_missing(found, trained_run, ids, "a run"):
        pass
    steps = [info.step for info in lab().checkpoints(trained_run)]
    assert sorted(found) == steps
    for kept in seen.glances(found):
        model = lab().load_model(trained_run, kept.step)
        expected = follow_prompt(model.model, ids).probabilities
        np.testing.assert_allclose(kept.probabilities, expected, atol=1e-6)
    assert not seen.look_at_missing(found, trained_run, ids, "a run")


def test_a_checkpoint_that_is_gone_is_passed_over(trained_run, monkeypatch):
    from engine.errors import CheckpointError

    def gone(*_):
        raise CheckpointError("replaced")

    monkeypatch.setattr(seen, "load", gone)
    monkeypatch.setattr(type(lab()), "load_model", gone)
    found: dict[int, Glance | None] = {}
    while seen.look_at_missing(found, trained_run, (1, 2), "a run"):
        pass
    assert set(found.values()) == {None}
    assert seen.glances(found) == []


def test_the_chart_keeps_its_specification_while_checkpoints_come_in():
    tokenizer = ByteTokenizer()
    answers = np.eye(tokenizer.n_vocab, dtype=np.float32)
    some = [Glance(step, None, answers[65 + step // 8], 0.0) for step in (0, 8, 16)]
    few, more = (seen.over_training(each, 8, tokenizer) for each in (some[:2], some))
    assert few.spec == more.spec
    assert few.alt == more.alt
    assert seen.lines_of(some) == [65, 66, 67]
    assert seen.what_changed(some, 16, tokenizer).startswith("Since step 8: the first place went from “B” (100.0 %)")
    assert list(seen.as_table(some, tokenizer)["likeliest"]) == ["“A”", "“B”", "“C”"]


def test_of_many_checkpoints_the_first_and_the_newest_are_kept(trained_run):
    checkpoint = lab().load_model(trained_run)
    journey = follow_prompt(checkpoint.model, [1, 2])
    info = lab().checkpoints(trained_run)[0]
    found: dict[int, Glance | None] = {}
    for step in range(100):
        seen.remember(found, journey, type(info)(step, 0.0, None))
    assert len(found) == seen.MAX_GLANCES
    assert min(found) == 0 and max(found) == 99


def a_model(tokenizer, **changes) -> Checkpoint:
    shape = {"context_length": 80, "n_layers": 2, "n_heads": 2, "d_model": 8, **changes}
    return Checkpoint(GPT(GPTConfig(vocab_size=tokenizer.n_vocab, **shape)).eval(), tokenizer)


def drawn_stations(checkpoint: Checkpoint, text: str) -> dict[str, dict]:
    prompt = read_by(text, checkpoint)
    journey = follow_prompt(checkpoint.model, prompt.ids, checkpoint.tokenizer.n_vocab)
    made = stations(
        prompt, journey, checkpoint.tokenizer, checkpoint.model.config, word=0, head=(1, 1), dice=0.5, drawn=3
    )
    return {each["kind"]: each for each in made}


@pytest.mark.parametrize(
    "tokenizer, what",
    [
        (CharTokenizer.train("The lion"), "every character is a token"),
        (WordTokenizer.train("The lion"), "every word is a token"),
        (ByteTokenizer(), "every byte is a token"),
    ],
    ids=["char", "word", "byte"],
)
def test_tokenizers_without_merges_say_what_they_do_instead(tokenizer, what):
    made = drawn_stations(a_model(tokenizer), "The liön")
    assert what in made["merges"]["sentence"]
    assert len(made["merges"]["rows"]) == 1


@pytest.mark.parametrize(
    "positions, words, rows",
    [("learned", "is added to it", 9), ("rotary", "turns its queries and keys", 8), ("none", "not told", 8)],
)
def test_positions_are_added_turned_or_absent(positions, words, rows):
    made = drawn_stations(a_model(ByteTokenizer(), positions=positions), "The lion is here")
    assert words in made["vectors"]["sentence"]
    assert len(made["vectors"]["rows"]) == made["vectors"]["matrix"]["rows"] == rows


def test_a_model_of_gpt_2s_kind_without_a_run_goes_the_same_way(monkeypatch):
    checkpoint = a_model(OfficialTokenizer("gpt2"), n_layers=12, n_heads=12, d_model=24, activation="gelu_tanh")
    choice = ModelChoice("open:gpt2", 0, "GPT-2 small")
    monkeypatch.setattr(following, "choose", lambda: following.Followed(choice, None, False))
    for module in (seen, whole_way):
        monkeypatch.setattr(module, "load", lambda _: checkpoint)
    app = open_page()
    assert not app.error
    assert dict(figure(app)["head"]["facts"])["Model"] == "GPT-2 small"
    assert np.array(station(app, "head")["focus"]).shape == (12, 12)
    assert station(app, "next")["n"] == 50_257
    assert station(app, "merges")["rows"][-1]["tokens"] == [[18_744, " lion"]]
    assert "trained elsewhere" in texts(app)


def test_no_more_tokens_are_followed_than_a_screen_holds():
    prompt = read_by("x" * MAX_CHARS, a_model(ByteTokenizer()))
    assert (len(prompt.chips), prompt.n_tokens) == (MAX_TOKENS, MAX_CHARS)
    assert words_in(prompt, ByteTokenizer()) == ["x" * MAX_TOKENS]


def test_only_whole_characters_can_be_appended():
    assert appended_text(b" lion") == " lion"
    assert appended_text("é".encode()) == "é"
    assert appended_text(b"\xc3") is None
    assert appended_text(b"") is None


def test_half_surrogates_and_what_is_too_long_do_not_reach_the_tokenizer():
    assert clean("lion \ud83e") == "lion ?"
    assert len(clean("x" * 5_000)) == MAX_CHARS


def test_the_figure_refuses_what_it_cannot_draw():
    with pytest.raises(ValueError, match="finite"):
        packed(np.array([[np.nan]]))
    with pytest.raises(ValueError, match="rows and columns"):
        packed(np.zeros(3))
    with pytest.raises(ValueError, match="no figure 'map'"):
        journey_view({}, [{"kind": "map"}], "x")


def test_a_live_run_of_this_session_is_followed_before_a_newer_one():
    mine = lab().submit(tiny_config(), "mine")
    newer = lab().submit(tiny_config(learning_rate=0.001), "newer")
    assert execute(newer, dict(os.environ)) == "finished"
    assert following._to_follow(lab().runs()).run_id == mine
    assert execute(mine, dict(os.environ)) == "finished"
    assert following._to_follow(lab().runs()) is None
