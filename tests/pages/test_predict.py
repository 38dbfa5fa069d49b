"""The part "Predict, then run": nothing is shown before it is guessed, and every guess is scored once."""

import os

import pytest

from engine.runs import token_questions
from engine.runs.execution import execute
from engine.runs.service import lab
from pages.parts.pretraining import guess_scores, guess_token
from pages.shared.models import ModelChoice
from tests.pages.conftest import tiny_config
from tests.pages.helpers import open_lesson, words

PART = "Predict, then run"


@pytest.fixture
def evaluated_run() -> str:
    """A finished run of many evaluations."""
    run_id = lab().submit(tiny_config(steps=60, evaluations=12), "Stories · test")
    assert execute(run_id, dict(os.environ)) == "finished"
    return run_id


def chart_steps(app) -> set[int]:
    data = app.get("vega_lite_chart")[0].proto
    import pyarrow as pa

    frame = pa.ipc.open_stream(data.datasets[0].data.data if data.datasets else data.data.data).read_pandas()
    return {int(step) for step, loss in zip(frame["step"], frame["loss"], strict=True) if loss == loss}


def test_without_a_run_both_kinds_say_what_to_do():
    assert "No run has finished yet" in words(open_lesson("pretraining.py", PART))
    app = open_lesson("pretraining.py", PART, **{"predict-kind": guess_scores.TOKEN})
    assert "There is no model yet" in words(app)


def test_a_loss_is_hidden_until_it_is_guessed_and_scored_once(evaluated_run):
    app = open_lesson("pretraining.py", PART)
    steps = [e["step"] for e in lab().curve(evaluated_run, 2).evaluations]
    known = steps[max(3, len(steps) // 5)]
    assert max(chart_steps(app)) == known
    assert f"up to step {known}" in words(app)
    app.button(key="predict-reveal").click().run()
    assert not app.exception
    (made,) = app.session_state[guess_scores.LOSSES]
    truth = next(e["validation_loss"] for e in lab().curve(evaluated_run, 2).evaluations if e["step"] == made.step)
    assert made.truth == truth and made.known == known
    assert f"the loss was {truth:.2f}" in words(app) and "Mean error" in [m.label for m in app.metric]
    assert max(chart_steps(app)) == made.step  # and no further
    for _ in range(len(steps)):
        if not [button for button in app.button if button.key == "predict-reveal"]:
            break
        app.button(key="predict-reveal").click().run()
    assert "The whole curve is shown" in words(app)
    made = app.session_state[guess_scores.LOSSES]
    assert [each.step for each in made] == sorted({each.step for each in made})
    app.button(key="guesses-forget").click().run()
    assert guess_scores.LOSSES not in app.session_state and "Nothing guessed yet" in words(app)
    app.button(key="guesses-undo").click().run()
    assert app.session_state[guess_scores.LOSSES] == made


def test_a_guess_outside_its_own_range_is_not_taken(evaluated_run):
    app = open_lesson("pretraining.py", PART)
    slider = next(each for each in app.slider if each.label.startswith("Your guess"))
    slider.set_value(0.0).run()
    assert app.button(key="predict-reveal").disabled and "outside your own range" in words(app)


def test_tokens_are_bet_on_by_learner_gpt_and_ngram_and_the_calibration_is_drawn(trained_run):
    app = open_lesson("pretraining.py", PART, **{"predict-kind": guess_scores.TOKEN})
    assert not app.exception and not app.get("vega_lite_chart")
    for n in range(2):
        app.slider(key="predict-sure").set_value(70 if n else 30).run()
        assert not [text for text in app.text if text.value.startswith("It was")]
        app.button(key="predict-token-reveal").click().run()
        assert not app.exception
        assert [text for text in app.text if text.value.startswith("It was")]
        assert app.button(key="predict-token-reveal").disabled  # one answer, one score
        app.button(key="predict-next").click().run()
    first, second = app.session_state[guess_scores.TOKENS]
    assert (first.learner.confidence, second.learner.confidence) == (0.3, 0.7)
    assert first.context != second.context
    assert "too few to judge" in words(app)
    assert app.get("vega_lite_chart")
    table = app.dataframe[0].value
    assert table["who"].tolist() == ["You", "GPT", "3-gram"] and (table["guesses"] == 2).all()


def test_the_true_token_is_always_among_the_candidates(trained_run):
    choice = ModelChoice(trained_run, 30, "test")
    for number in range(8):
        _counts, question = guess_token.question_of(choice, number)
        assert question.truth in question.candidates and len(set(question.candidates)) == token_questions.CANDIDATES
        assert len(question.context) >= token_questions.FEWEST
        assert 0 < sum(question.gpt) <= 1 and 0 < sum(question.ngram) <= 1
