"""The lesson on the foundation model: each part through the real page, on a model trained for a second."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine import probes
from engine.corpus import load_corpus
from engine.gpt import GPTConfig
from engine.probes import ABILITIES, Difference, Item, ProbeResult, few_shot, make_items, probe, result_of
from engine.runs.recipes import recipe_config
from engine.runs.service import lab
from pages.parts.foundation import ablation, examples, growth, items, model, scoring
from pages.shared import models
from pages.shared.examples import ASSETS
from tests.pages.conftest import finished
from tests.pages.helpers import open_lesson, words

PARTS = ["The model", "Untaught abilities", "When do they appear?", "Few-shot", "Ablation"]
NAMES = [ability.name for ability in ABILITIES]
SEEN = ("stories", "phrasebook")


def tiny(corpora=None, **training):
    return recipe_config(
        "30s",
        corpora or {"stories": 0.6, "phrasebook": 0.4},
        n_chars=40_000,
        vocab_size=300,
        model={"n_layers": 1, "n_heads": 2, "d_model": 16, "context_length": 96},
        training={"steps": 8, "seconds": None, "evaluations": 2, "sample_tokens": 4, "batch_size": 2, **training},
    )


@pytest.fixture
def run(once) -> str:
    return once("foundation", lambda: finished(tiny(), "Foundation · test"))


@pytest.fixture
def asked(monkeypatch):
    """Which items were computed, in order."""
    seen: list[Item] = []
    original = probes.ending_log_probabilities

    def record(model, tokenizer, item):
        seen.append(item)
        return original(model, tokenizer, item)

    monkeypatch.setattr(probes, "ending_log_probabilities", record)
    return seen


@pytest.fixture
def drawn(monkeypatch):
    """What the table of endings was given last."""
    seen = SimpleNamespace()
    original = items.token_table

    def record(*args, **named):
        seen.args, seen.named = args, named
        return original(*args, **named)

    monkeypatch.setattr(items, "token_table", record)
    return seen


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception, app.exception
    return app


def open_part(part: str, **session) -> AppTest:
    return open_lesson("foundation.py", part, **{"foundation-n": 20, "shots-n": 20, "growth-n": 20, **session})


def expected(choice_run: str, name: str, n: int, step: int | None = None) -> ProbeResult:
    """The engine's own answer, asked directly."""
    found = lab().load_model(choice_run, step)
    return probe(found.model, found.tokenizer, make_items(name, n, seen=[load_corpus(each) for each in SEEN]))


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_with_a_model_and_every_control_has_help(part, run):
    app = open_part(part)
    assert not app.error
    assert "What to notice" in words(app)
    kinds = (app.slider, app.select_slider, app.number_input, app.text_area, app.toggle, app.selectbox, app.button)
    for widget in (each for kind in kinds for each in kind):
        assert widget.help, widget.label


@pytest.mark.parametrize("part", PARTS[:-1])
def test_without_a_model_a_part_says_where_to_get_one(part):
    app = open_part(part)
    assert not app.error and "no model yet" in words(app)


def test_the_card_tells_the_mixture_with_the_measured_bits_of_each_text(run):
    app = open_part("The model")
    table = app.dataframe[0].value.set_index("Text")
    assert dict(table["Weight"]) == {"Stories": "60%", "Phrasebook": "40%"}
    sources = lab().curve(run, 1).evaluations[-1]["sources"]
    measured = {each["name"]: f"{each['bits_per_byte']:.2f}" for each in sources}
    assert dict(table["Bits per byte"]) == {"Stories": measured["stories"], "Phrasebook": measured["phrasebook"]}
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Context"] == "96" and metrics["Tokens read"] == "0.0 M"
    early = open_part("The model", **{f"checkpoint:{run}": 0})
    first = lab().curve(run, 1).evaluations[0]["sources"]
    table = early.dataframe[0].value.set_index("Text")
    assert (
        table["Bits per byte"]["Stories"]
        == f"{first[[s['name'] for s in first].index('stories')]['bits_per_byte']:.2f}"
    )


def test_a_beginning_is_gone_on_from_and_again_with_other_dice(run):
    app = open_part("The model")
    assert "drawn at temperature" in words(app)
    before = app.session_state["foundation-origin"]
    press(app, "Write another")
    assert app.session_state["foundation-origin"] != before


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "\x00 \u202e", "a" + "\u0301" * 599, "$x$ [a](b) :red[c]", "語" * 600]
)
def test_any_beginning_is_text(run, text):
    app = open_part("The model", **{"foundation-prompt": model.OWN, "foundation-own": text})
    assert not app.error and "drawn at temperature" in words(app)
    markdown = "\n".join(each.value for each in (*app.markdown, *app.caption))
    assert "alert" not in markdown and ":red" not in markdown


def test_an_empty_beginning_is_asked_for(run):
    app = open_part("The model", **{"foundation-prompt": model.OWN, "foundation-own": ""})
    assert "Type a beginning" in words(app)


def test_the_scores_are_those_of_the_engine_on_items_that_no_corpus_holds(run):
    table = open_part("Untaught abilities").dataframe[0].value.set_index("Ability")
    for ability in ABILITIES:
        result = expected(run, ability.name, 20)
        assert table["Right"][ability.title] == f"{result.n_right} of 20"
        assert table["From"][ability.title] == f"{100 * result.low:.0f} %"
        assert table["Verdict"][ability.title] == scoring.verdict_words(result, ability.chance)


def test_what_was_computed_is_not_computed_again_and_more_items_add_to_it(run, asked):
    app = open_part("Untaught abilities")
    assert len(asked) == 20 * len(ABILITIES)
    open_part("Untaught abilities")
    assert len(asked) == 20 * len(ABILITIES)
    app.select_slider(key="foundation-n").set_value(40)
    app.run()
    assert not app.exception
    assert len(asked) == 40 * len(ABILITIES) == len({(item.prompt, item.endings) for item in asked})


def test_a_large_model_is_asked_only_when_the_learner_says_so(run, asked, monkeypatch):
    monkeypatch.setattr(scoring, "_AT_ONCE_PARAMETERS", 0)
    for part in ("Untaught abilities", "Few-shot"):
        asked.clear()
        app = open_part(part)
        assert "This is a large model" in words(app) and not asked
        press(app, "Measure")
        assert asked
        assert "large model" not in words(open_part(part))  # it is known now


def test_an_item_shows_its_endings_with_the_log_probabilities_of_the_model(run, drawn):
    app = open_part("Untaught abilities", **{"foundation:translation-item": 3})
    item = make_items("translation", 20, seen=[load_corpus(each) for each in SEEN])[3]
    assert any(each.value == item.prompt for each in app.text)
    found = lab().load_model(run)
    scores = probes.ending_log_probabilities(found.model, found.tokenizer, item)
    rows = drawn.args[1]
    assert [row.cells[0].text for row in rows] == [ending.strip() for ending in item.endings]
    assert [float(row.cells[1].text) for row in rows] == pytest.approx(scores, abs=0.006)
    assert sum(row.cells[2].share for row in rows) == pytest.approx(1)
    assert rows[item.right].cells[0].mark == "right" and rows[int(scores.argmax())].marked


def test_only_right_or_wrong_items_can_be_looked_at(run):
    right = expected(run, "sentiment", 20).n_right
    for which, n in (("right", right), ("wrong", 20 - right)):
        session = {"foundation-ability": "sentiment", "foundation:sentiment-which": which}
        app = open_part("Untaught abilities", **session)
        shown = app.selectbox(key="foundation:sentiment-item").options
        assert len(shown) == n and all(("✓" in each) == (which == "right") for each in shown)


def test_every_checkpoint_is_measured_once_and_the_last_agrees_with_the_other_part(run, asked):
    app = open_part("When do they appear?")
    steps = [info.step for info in lab().checkpoints(run)]
    assert f"0 of {len(steps)} checkpoints are measured" in words(app) and not asked
    press(app, "Measure all checkpoints")
    assert len(asked) == 20 * len(ABILITIES) * len(steps)
    table = app.dataframe[0].value
    assert len(table) == len(steps) * len(ABILITIES)
    for step in steps:
        row = table[(table["Step"] == step) & (table["Ability"] == "Translation")].iloc[0]
        assert row["Right"] == f"{expected(run, 'translation', 20, step).n_right} of 20"
    assert "Measure all" not in str([button.label for button in app.button])
    asked.clear()
    open_part("Untaught abilities")
    assert not asked


def test_a_measuring_that_was_stopped_goes_on_where_it_was(run, asked):
    first = models.steps_named(run)[0]
    for name in NAMES:
        scoring.answers(scoring.calls_for(first, name, 20))
    done = len(asked)
    app = open_part("When do they appear?")
    steps = lab().checkpoints(run)
    assert f"1 of {len(steps)} checkpoints are measured" in words(app)
    press(app, "Go on measuring")
    assert len(asked) == done * len(steps)


def test_open_weights_have_no_steps_to_look_back_on(run, monkeypatch):
    monkeypatch.setattr(growth, "choose_foundation", lambda: model.ModelChoice("open:gpt2", 0, "gpt2"))
    assert "without their earlier steps" in words(open_part("When do they appear?"))


def test_the_same_items_are_asked_after_each_number_of_examples(run):
    by_shots = examples.shot_items("sentiment", 20)
    for k, shown in by_shots.items():
        assert [item.endings for item in shown] == [item.endings for item in by_shots[0]]
        assert shown[0].prompt.count("\n\n") == k and shown[0].prompt.endswith(by_shots[0][0].prompt)
    assert by_shots[2] == few_shot(scoring.items_of("sentiment", 28)[:2] + scoring.items_of("sentiment", 28)[8:], 2)
    app = open_part("Few-shot", **{"shots-ability": "sentiment"})
    found = lab().load_model(run)
    table = app.dataframe[0].value.set_index("Examples")
    for k in (0, 8):
        assert table["Right"][k] == f"{probe(found.model, found.tokenizer, by_shots[k]).n_right} of 20"


def test_a_full_context_is_said_with_what_is_not_read(run):
    app = open_part("Few-shot", **{"shots-ability": "summary", "shots-k": 8})
    table = app.dataframe[0].value.set_index("Examples")
    assert table["Prompts"][8] == "some lose their beginning" and table["Tokens of a prompt (mean)"][8] > 96
    assert "The context is full" in words(app)
    unread, prompt = (each.value for each in app.text[-2:])
    whole = examples.shot_items("summary", 20)[8][0].prompt
    assert unread + prompt == whole
    tokenizer = lab().load_model(run).tokenizer
    assert len(tokenizer.encode(prompt)) <= 96


def made(n_right: int, n: int) -> ProbeResult:
    scores = [np.array([0.0, -1.0]) if number < n_right else np.array([-1.0, 0.0]) for number in range(n)]
    return result_of([Item("?", (" a", " b"), 0)] * n, scores)


def test_few_shot_is_put_in_words_by_what_is_more_than_luck():
    asked = [Item("?", (" a", " b"), 0)] * 40
    same = examples.summarise("translation", asked, {0: made(20, 40), 1: made(22, 40), 2: made(19, 40)})
    assert same == "Translation: 50 % without examples. With them 48 % to 55 %: no difference beyond luck."
    better = examples.summarise("translation", asked, {0: made(20, 40), 1: made(38, 40), 2: made(4, 40)})
    assert better == "Translation: 50 % without examples. Better with 1 example (95 %). Worse with 2 examples (10 %)."


# --- ablation --------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(monkeypatch):
    whole, ablated = tiny(), tiny("stories")
    monkeypatch.setattr(ablation, "ablation_pair", lambda *_, **__: (whole, ablated))
    return whole, ablated


def test_a_pair_is_trained_from_what_the_controls_say():
    app = open_part("Ablation")
    table = app.dataframe[0].value.set_index("Text")
    assert table["Share in the second run"]["Phrasebook"] == "–"
    app.button_group(key="without").set_value("stories")
    app.button_group(key="ablation-size").set_value("small")
    app.run()
    press(app, "Train both")
    second, first = sorted(lab().runs(), key=lambda record: len(record.config.corpora))
    assert second.label == "Small recipe · without Stories" and first.label == "Small recipe · all texts"
    assert "stories" in dict(first.config.corpora) and "stories" not in dict(second.config.corpora)
    assert replace(first.config, corpora=second.config.corpora) == second.config
    assert "Waiting for a free core" in "\n".join(str(each.proto) for each in app.get("progress"))
    # A refresh is a new session: the address alone, which names options by their titles, leads back to the pair.
    fresh = AppTest.from_file(str(ASSETS.parent / "pages" / "foundation.py"), default_timeout=60)
    for name, value in {"part": "Ablation", "without": "Stories", "ablation-size": "about 2 min each"}.items():
        fresh.query_params[name] = value
    fresh.run()
    assert not fresh.exception and "Train both" not in [button.label for button in fresh.button]


def test_both_models_of_a_pair_are_compared_on_the_same_items(pair):
    ids = [finished(config, "pair") for config in pair]
    app = open_part("Ablation", **{"ablation-n": 20})
    table = app.dataframe[-1].value.set_index("Ability")
    for ability in ABILITIES:
        for run_id, column in zip(ids, ("All texts", "Without it"), strict=True):
            result = expected(run_id, ability.name, 20)
            assert table[column][ability.title].startswith(f"{100 * result.accuracy:.0f} % (")
    assert "Without Phrasebook the model lost" in words(app)


def test_a_pair_that_is_half_there_can_be_started(pair):
    finished(pair[0], "first")
    app = open_part("Ablation")
    press(app, "Train both")
    assert {record.run_id: record.state for record in lab().runs()} == {
        pair[0].run_id: "finished",
        pair[1].run_id: "queued",
    }


def test_what_was_lost_is_said_with_numbers_and_what_was_not_without_more():
    def found(only_first: int, only_second: int, p: float) -> Difference:
        return Difference(only_first, only_second, 40, p)

    first = {"translation": made(40, 40), "summary": made(20, 40), "sentiment": made(20, 40)}
    second = {"translation": made(11, 40), "summary": made(38, 40), "sentiment": made(18, 40)}
    differences = {
        "translation": found(29, 0, 1e-8),
        "summary": found(0, 18, 1e-5),
        "sentiment": found(2, 0, 0.5),
    }
    assert ablation.summarise(first, second, differences, "phrasebook") == (
        "Without Phrasebook the model lost translation (100 % → 28 %, which cannot be told from chance). "
        "It gained summary (50 % → 95 %). No difference beyond luck: sentiment."
    )
    nothing = ablation.summarise(first, first, {"sentiment": found(0, 0, 1.0)}, "phrasebook")
    assert nothing.startswith("Without Phrasebook the model lost nothing beyond luck.")


# --- the model that ships --------------------------------------------------------------------------------------


def test_the_model_that_ships_is_the_first_that_is_shown_and_knows_where_the_lion_is(shipped):
    from pages.shared.examples import example_foundation

    app = open_part("The model")
    assert not app.error
    assert app.session_state["run_id"] == example_foundation()
    assert "The most probable next token is “␣forest”" in words(app)
    other = finished(tiny(), "another")
    app = open_part("The model", run_id=other)
    press(app, "Show the foundation model")
    assert app.session_state["run_id"] == example_foundation()


def test_a_model_without_a_causal_mask_is_refused_with_a_sentence(monkeypatch):
    config = tiny()
    shape = GPTConfig.from_dict({**config.model.to_dict(), "causal": False})
    finished(replace(config, model=shape), "not causal")
    app = open_part("Untaught abilities")
    assert "causal mask" in "\n".join(each.value for each in app.error)
    assert "What to notice" in words(app)
