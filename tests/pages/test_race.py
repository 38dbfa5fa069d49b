"""The part "Race": ordinary runs side by side, and one sentence that their numbers make."""

import os
import re

import pytest

from engine.runs.execution import execute
from engine.runs.races import RACES, race_configs
from engine.runs.recipes import recipe_config
from engine.runs.service import lab
from pages.parts.pretraining import race, race_heat
from tests.pages.conftest import tiny_config
from tests.pages.helpers import open_lesson, words

SMALL = {"n_layers": 1, "n_heads": 2, "d_model": 32, "context_length": 16}


@pytest.fixture(autouse=True)
def small_races(monkeypatch):
    """Races of seconds: a tiny base recipe and short lanes."""

    def tiny(name, corpus, *, model, training, **settings):
        small = {"batch_size": 4, "evaluations": 3, "sample_tokens": 0}
        return recipe_config(
            name,
            corpus,
            model={**SMALL, **model},
            training={**training, **small},
            **{"n_chars": 40_000, "vocab_size": 300, **settings},
        )

    monkeypatch.setattr("engine.runs.races.recipe_config", tiny)
    monkeypatch.setattr(race_heat, "STEPS", (12, 15, 20, 30))


def train_all() -> None:
    for record in lab().runs():
        assert execute(record.run_id, dict(os.environ)) == "finished"


def test_a_race_is_started_trained_and_told_in_one_sentence():
    app = open_lesson("pretraining.py", "Race", **{"race-name": "tying"})
    start = app.button(key="race-start")
    assert "2 runs" in start.label
    start.click().run()
    assert not app.exception
    assert "Waiting" in words(app) or any("Waiting" in each.proto.text for each in app.get("progress"))
    expected = race_configs(RACES["tying"].entries, "stories", 15)
    assert {r.run_id for r in lab().runs()} == {config.run_id for runs in expected.values() for config in runs}
    assert {record.label for record in lab().runs()} == {"Race: One table", "Race: Two tables"}
    train_all()
    app.run()
    assert not app.exception
    said = words(app)
    assert re.search(r"reached \d\.\d\d nats per token in (as many|\d+ % (fewer|more)) steps", said), said
    assert "**Result**" in said
    assert len(app.get("vega_lite_chart")) == 3  # the overlay and one for each lane
    assert not [button for button in app.button if button.key == "race-start"]
    app.number_input(key="race-level-nats per token").set_value(0.5).run()
    assert "Nobody reached 0.50" in words(app) and "its lowest was" in words(app)


def test_seeds_give_an_interval_and_vocabularies_are_compared_in_bits_per_byte():
    app = open_lesson("pretraining.py", "Race", **{"race-name": "tying", "race-seeds": 3})
    app.button(key="race-start").click().run()
    train_all()
    app.run()
    assert not app.exception
    assert "t interval of the steps saved over 3 seeds" in words(app)
    app.session_state["race-name"] = "vocabulary"
    app.session_state["race-seeds"] = 1
    app.run()
    label = app.button(key="race-start").label
    assert not app.exception and "3 runs" in label  # the lane of the usual vocabulary is there already


def test_one_setting_needs_two_to_four_values():
    app = open_lesson("pretraining.py", "Race", **{"race-kind": race.OWN, "race-setting": "warmup"})
    assert "2 runs" in app.button(key="race-start").label and "warmup 0.0 / 0.05" in words(app)
    app.session_state["race-values-warmup"] = [0.1]
    app.run()
    assert not app.exception and "1 chosen" in words(app)


def test_runs_that_are_there_race_by_bits_per_byte_where_their_tokens_differ(trained_run):
    other = lab().submit(tiny_config(learning_rate=0.001), "'Quoted' <b>label</b>")
    assert execute(other, dict(os.environ)) == "finished"
    session = {"race-kind": race.THERE, "race-runs": [trained_run, other]}
    app = open_lesson("pretraining.py", "Race", **session)
    assert "reached" in words(app) and "nats per token" in words(app)
    third = tiny_config()
    third = lab().submit(type(third).from_dict({**third.to_dict(), "vocab_size": 280}), "smaller vocabulary")
    assert execute(third, dict(os.environ)) == "finished"
    app.session_state["race-runs"] = [trained_run, third]
    app.run()
    assert not app.exception and "bits per byte" in words(app)


def test_without_runs_the_choice_among_runs_says_what_to_do():
    assert "Choose at least two runs" in words(open_lesson("pretraining.py", "Race", **{"race-kind": race.THERE}))


def test_an_encoder_and_a_decoder_are_said_to_do_different_things():
    app = open_lesson("pretraining.py", "Race", **{"race-name": "objective"})
    app.button(key="race-start").click().run()
    train_all()
    app.run()
    assert not app.exception
    said = words(app)
    assert "nats per predicted token" in said and "Who is lower here is not the better model" in said
    table = next(each.value for each in app.dataframe if "targets a step" in each.value)
    assert table["targets a step"].tolist() == [64, 10] and table["can write"].tolist() == ["yes", "no"]
    encoder = next(record.run_id for record in lab().runs() if record.label.startswith("Race: Encoder"))
    assert lab().load_model(encoder).model.config.vocab_size == lab().load_model(encoder).tokenizer.n_vocab + 1
    baselines = [event.payload for event in lab().events(encoder, kinds=("baselines",))]
    assert "unigram" in baselines[0] and "trigram" not in baselines[0]
    assert not lab().events(encoder, kinds=("sample",))
    train = open_lesson("pretraining.py", "Train", run_id=encoder)
    assert not train.exception
    generation = open_lesson("generation.py", "")
    assert encoder[:6] not in str(generation.selectbox[0].options)  # it does not know what comes next
