"""The guides of the lessons: what they say, and whether the pages, the checks and the learner's progress fit."""

from __future__ import annotations

import ast
import importlib
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from engine.classroom.learners import MAX_ITEM
from engine.gpt import GPTConfig
from engine.probes import ABILITIES
from engine.runs.records import PRETRAINING
from engine.runs.service import lab
from engine.runs.translating import translation_config
from pages.guides import GUIDES, checks, model_checks, text_checks
from pages.guides.outcomes import plain, safe
from pages.parts.foundation import scoring
from pages.shared import guide, sitemap
from pages.shared.guide import Outcome, Question
from tests.pages.conftest import finished
from tests.pages.helpers import open_lesson

STEPS = [(lesson, step) for lesson, each in GUIDES.items() for step in each.steps]
QUESTIONS = [(lesson, question) for lesson, each in GUIDES.items() for question in each.questions]
CHECKED = [(lesson, step) for lesson, step in STEPS if step.check is not None]


def named(pairs):
    return [f"{lesson}-{each.item}" for lesson, each in pairs]


def parts_of(lesson: sitemap.Lesson) -> list[str]:
    """The titles in the page's `choose_part`, read from its source; none where the lesson has no parts."""
    for node in ast.walk(ast.parse(lesson.path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "choose_part":
            table = node.args[0]
            assert isinstance(table, ast.Dict)
            source = f"pages.parts.{lesson.url_path}.source"
            return [
                key.args[0].value if isinstance(key, ast.Call) else getattr(importlib.import_module(source), key.id)
                for key in table.keys
            ]
    return []


# --- what the guides say -------------------------------------------------------------------------------------------


def test_every_lesson_has_a_guide_in_the_order_of_the_course():
    lessons = [each for section, members in sitemap.SECTIONS.items() if section != "Around it" for each in members]
    assert list(GUIDES) == [each.url_path for each in lessons]


def test_no_page_holds_a_bare_string_which_streamlit_would_show():
    for lesson in sitemap.lessons():
        for node in ast.parse(lesson.path.read_text()).body[1:]:
            assert not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)), lesson.file


@pytest.mark.parametrize("lesson", [each for each in sitemap.lessons() if each.url_path in GUIDES], ids=str)
def test_every_step_leads_to_a_part_that_is_there(lesson):
    parts = parts_of(lesson)
    for step in GUIDES[lesson.url_path].steps:
        assert step.part in parts if parts else step.part is None, step.item


@pytest.mark.parametrize("lesson", GUIDES)
def test_a_lesson_has_four_to_six_steps_of_which_one_is_checked_and_three_to_five_questions(lesson):
    steps, questions = GUIDES[lesson].steps, GUIDES[lesson].questions
    assert 4 <= len(steps) <= 6 and 3 <= len(questions) <= 5
    assert any(step.check for step in steps)


@pytest.mark.parametrize("lesson", GUIDES)
def test_items_are_unique_in_a_lesson_and_short_enough_to_be_stored(lesson):
    items = [each.item for each in (*GUIDES[lesson].steps, *GUIDES[lesson].questions)]
    assert len(set(items)) == len(items)
    assert all(0 < len(item) <= MAX_ITEM for item in items)


@pytest.mark.parametrize(("lesson", "step"), STEPS, ids=named(STEPS))
def test_a_step_has_a_short_title_and_whole_sentences(lesson, step):
    assert len(step.title) <= 50 and step.title[-1] not in ".!?"
    assert step.text[-1] in ".?" and len(step.text) <= 260


@pytest.mark.parametrize(("lesson", "question"), QUESTIONS, ids=named(QUESTIONS))
def test_a_question_has_different_answers_each_with_a_sentence_about_it(lesson, question):
    assert len(set(question.answers)) == len(question.answers) >= 3
    assert len(question.why) == len(question.answers) and all(why.rstrip(")")[-1] in ".?" for why in question.why)
    assert all("$" not in text for text in (question.text, *question.answers, *question.why))


def test_right_answers_stand_in_all_places_and_are_seldom_the_longest():
    n = len(QUESTIONS)
    for place in range(3):
        assert sum(question.right == place for _, question in QUESTIONS) > n / 5
    longest = sum(len(max(q.answers, key=len)) == len(q.answers[q.right]) for _, q in QUESTIONS)
    assert longest < n / 2
    for each in GUIDES.values():
        assert len({question.right for question in each.questions}) > 1


def test_a_question_without_a_sentence_for_each_answer_is_refused():
    with pytest.raises(ValueError, match="a sentence for each answer"):
        Question("q", "?", ("a", "b"), 0, ("only one",))
    with pytest.raises(ValueError, match="a right one"):
        Question("q", "?", ("a", "b"), 2, ("one", "two"))


# --- checks --------------------------------------------------------------------------------------------------------


@pytest.fixture
def facts(data_home, monkeypatch) -> dict:
    """What pages have said, by name; a test fills it."""
    known: dict[str, list] = {}
    monkeypatch.setattr(guide, "told", lambda name: list(known.get(name, [])))
    return known


@pytest.mark.parametrize(("lesson", "step"), CHECKED, ids=named(CHECKED))
def test_a_learner_who_has_done_nothing_is_told_what_to_do(lesson, step, facts):
    outcome = step.check()
    assert isinstance(outcome, Outcome) and not outcome.done
    assert outcome.told.endswith(".")


@pytest.mark.parametrize(("lesson", "step"), CHECKED, ids=named(CHECKED))
def test_a_check_survives_facts_that_it_does_not_know(lesson, step, facts, monkeypatch):
    monkeypatch.setattr(guide, "told", lambda name: [{"of": "another version"}, None])
    assert not step.check().done


def test_a_failing_check_says_so_and_names_no_exception():
    @safe
    def broken() -> Outcome:
        raise ZeroDivisionError

    assert not broken().done and "Zero" not in broken().told


def test_words_of_learners_are_no_markdown():
    assert plain("[a](b) $x$ :red[y]") == r"\[a\](b) \$x\$ \:red\[y\]"
    assert plain("a\n\nb") == "a b" and plain("a" * 100) == "a" * 60 + "…"


DRAWN = {"model": "m", "before": "The", "text": "The lion", "n": 60, "temperature": 0, "seed": 0}


def mix(**shares: float) -> dict:
    return {name.replace("_", "-"): {"share": share, "epochs": 1.0} for name, share in shares.items()}


def size(**shape) -> dict:
    config = GPTConfig.from_dict({**GPTConfig.preset("gpt2").to_dict(), **shape})
    return config.to_dict() | {"parameters": config.n_parameters}


def measured(loss: float, tokens: int = 20) -> SimpleNamespace:
    return SimpleNamespace(n_tokens=tokens, perplexity=2.718**loss)


CASES = {
    "a mix of two": (
        lambda: text_checks.mix_of({"stories": 0.6, "shakespeare": 0.4}, {"stories": "s", "shakespeare": "p"}),
        {"mix": [mix(stories=0.61, shakespeare=0.39)]},
        {"mix": [mix(stories=0.61, shakespeare=0.36, bbc_news=0.03)]},
    ),
    "the last mix counts": (
        lambda: text_checks.mix_of({"stories": 1.0}, {"stories": "stories"}),
        {"mix": [mix(shakespeare=1.0), mix(stories=1.0)]},
        {"mix": [mix(stories=1.0), mix(shakespeare=1.0)]},
    ),
    "a source read often": (
        text_checks.read_too_often,
        {"mix": [{"stories": {"share": 1.0, "epochs": 5.0}}]},
        {"mix": [{"stories": {"share": 1.0, "epochs": 4.0}}]},
    ),
    "more tokens than characters": (
        text_checks.more_tokens_than_characters,
        {"tokens": [{"text": "🦁", "characters": 1, "tokens": 3}, {"text": "lion", "characters": 4, "tokens": 1}]},
        {"tokens": [{"text": "a b", "characters": 3, "tokens": 3}, {"text": "", "characters": 0, "tokens": 0}]},
    ),
    "a word of one token": (
        text_checks.one_token_word,
        {"tokens": [{"text": " international", "characters": 14, "tokens": 1}]},
        {
            "tokens": [
                {"text": "lion", "characters": 4, "tokens": 1},
                {"text": "          ", "characters": 10, "tokens": 1},
                {"text": "characteristics", "characters": 15, "tokens": 2},
            ]
        },
    ),
    "windows end to end": (
        lambda: text_checks.windows_with(1),
        {"windows": [{"context": 8, "stride": 8}]},
        {"windows": [{"context": 8, "stride": 9}]},
    ),
    "windows that overlap four times": (
        lambda: text_checks.windows_with(4),
        {"windows": [{"context": 8, "stride": 2}]},
        {"windows": [{"context": 8, "stride": 4}]},
    ),
    "the same without dice": (
        text_checks.same_without_dice,
        {"drawn": [DRAWN, {**DRAWN, "temperature": 1}, {**DRAWN, "seed": 1}]},
        {"drawn": [DRAWN, {**DRAWN, "text": "The sea", "seed": 1}, {**DRAWN, "temperature": 1, "seed": 1}]},
    ),
    "a text drawn hot": (
        text_checks.written_hot,
        {"drawn": [{**DRAWN, "temperature": 1.25}]},
        {"drawn": [{**DRAWN, "temperature": 1.2}, {**DRAWN, "temperature": 2, "n": 1}]},
    ),
    "an easy text": (
        text_checks.easy_text,
        {"surprise": [{"own": True, "total": measured(1.0), "most": 3.0}]},
        {
            "surprise": [
                {"own": True, "total": measured(2.0), "most": 3.0},
                {"own": True, "total": measured(1.0, 5), "most": 3.0},
                {"own": False, "total": measured(1.0), "most": 3.0},
            ]
        },
    ),
    "a surprising token": (
        text_checks.surprising_token,
        {"surprise": [{"own": True, "total": measured(3.0), "most": 15.5}]},
        {
            "surprise": [
                {"own": True, "total": measured(3.0), "most": 14.0},
                {"own": False, "total": measured(3.0), "most": 20.0},
            ]
        },
    ),
    "GPT-3 for less": (
        lambda: model_checks.bill_below(1e6),
        {"bill": [{"parameters": 174.6e9, "tokens": 300e9, "cost": 0.5e6}]},
        {"bill": [{"parameters": 124e6, "tokens": 300e9, "cost": 500.0}]},
    ),
    "GPT-3 for more": (
        lambda: model_checks.bill_below(5e6),
        {"bill": [{"parameters": 174.6e9, "tokens": 300e9, "cost": 4.6e6}]},
        {"bill": [{"parameters": 174.6e9, "tokens": 300e9, "cost": 5.1e6}]},
    ),
    "tokens for each parameter": (
        model_checks.tokens_per_parameter,
        {"bill": [{"parameters": 70e9, "tokens": 1.4e12, "cost": 1e6}]},
        {"bill": [{"parameters": 175e9, "tokens": 300e9, "cost": 1e6}]},
    ),
    "a probe": (
        model_checks.probe_measured,
        {"probe": [{"run": "a", "step": 8, "n": 40, "above": []}]},
        {"probe": [{"run": "a", "step": 8, "n": 20, "above": ["spelling"]}]},
    ),
    "an ability that grew": (
        model_checks.ability_grew,
        {"probe": [{"run": "a", "step": 8, "n": 40, "above": ["x"]}, {"run": "a", "step": 0, "n": 40, "above": []}]},
        {"probe": [{"run": "a", "step": 8, "n": 40, "above": ["x"]}, {"run": "b", "step": 0, "n": 40, "above": []}]},
    ),
    "GPT-2's size another way": (
        model_checks.size_near_gpt2,
        {"size": [size(n_layers=31, n_heads=8, d_model=512, d_ff=2048)]},
        {"size": [size(n_layers=12)]},
    ),
    "a size too far from GPT-2's": (
        model_checks.size_near_gpt2,
        {"size": [size(n_layers=11), size(n_layers=31, n_heads=8, d_model=512, d_ff=2048)]},
        {"size": [size(n_layers=30, n_heads=8, d_model=512, d_ff=2048)]},
    ),
    "a billion": (
        model_checks.size_of_billions,
        {"size": [size(n_layers=48, n_heads=25, d_model=1600), size()]},
        {"size": [size()]},
    ),
    "a prompt over training": (
        model_checks.followed_over_training,
        {"journey": [{"prompt": "a", "run": "r", "step": 30}, {"prompt": "a", "run": "r", "step": 0}]},
        {"journey": [{"prompt": "a", "run": "r", "step": 30}, {"prompt": "b", "run": "r", "step": 0}]},
    ),
    "two prompts": (
        model_checks.followed_prompts,
        {"journey": [{"prompt": "a", "run": "r", "step": 30}, {"prompt": "b", "run": "r", "step": 30}]},
        {"journey": [{"prompt": "a", "run": "r", "step": 30}, {"prompt": "a", "run": "s", "step": 30}]},
    ),
    "a translation that came right": (
        model_checks.translation_learned,
        {
            "translated": [
                {"run": "r", "step": 90, "source": (1, 2), "right": True},
                {"run": "r", "step": 0, "source": (1, 2), "right": False},
            ]
        },
        {
            "translated": [
                {"run": "r", "step": 90, "source": (1, 3), "right": True},
                {"run": "r", "step": 0, "source": (1, 2), "right": False},
            ]
        },
    ),
    "a head of a habit": (
        lambda: checks.head_with("previous token"),
        {"head": [{"place": (0, 1), "label": "previous token", "score": 0.5}]},
        {"head": [{"place": (0, 1), "label": "previous token", "score": 0.3}]},
    ),
    "a message turned by a word": (
        checks.one_word_flip,
        {
            "message": [
                {"text": "win a prize", "label": "spam", "classifier": "c"},
                {"text": "see a prize", "label": "ham", "classifier": "c"},
            ]
        },
        {
            "message": [
                {"text": "win a prize", "label": "spam", "classifier": "c"},
                {"text": "see you soon", "label": "ham", "classifier": "c"},
                {"text": "win a price", "label": "ham", "classifier": "d"},
            ]
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_check_is_done_with_fitting_facts_and_not_with_others(case, facts):
    check, fitting, others = CASES[case]
    facts.update(others)
    assert not check().done
    facts.update(fitting)
    outcome = check()
    assert outcome.done and outcome.told.endswith(".")


def run_of(job: str, **more) -> SimpleNamespace:
    values = {"run_id": f"{job}-1", "label": "*My* run", "state": "finished", "step": 30, "seconds": 10.0}
    return SimpleNamespace(**values | {"job": job, "validation_loss": 2.0} | more)


@pytest.fixture
def service(facts, monkeypatch) -> SimpleNamespace:
    """A run service with runs and events that a test puts there."""
    fake = SimpleNamespace(records=[], recorded={}, limited=False, mine=set())
    fake.runs = lambda job=PRETRAINING: [each for each in fake.records if job in (None, each.job)]
    fake.events = lambda run_id, kinds: [
        SimpleNamespace(kind=kind, payload=payload) for kind, payload in fake.recorded.get(run_id, []) if kind in kinds
    ]
    fake.is_mine = lambda run_id: run_id in fake.mine
    monkeypatch.setattr(checks, "lab", lambda: fake)
    return fake


def test_a_finished_run_counts_and_its_name_is_no_markdown(service):
    service.records = [run_of("pretraining", state="running")]
    assert not checks.finished_run("pretraining", "training").done
    service.records = [run_of("pretraining")]
    outcome = checks.finished_run("pretraining", "training")
    assert outcome.done and r"\*My\* run" in outcome.told
    assert not checks.finished_run("translation", "translator").done


def test_in_a_class_only_runs_of_ones_own_count(service):
    service.records, service.limited = [run_of("pretraining")], True
    assert not checks.finished_run("pretraining", "training").done
    service.mine = {"pretraining-1"}
    assert checks.finished_run("pretraining", "training").done


def test_any_of_several_kinds_of_run_will_do(service):
    service.records = [run_of("classification")]
    assert checks.any_finished_run(("classification", "instructions"), "fine-tuning").done
    assert checks.any_finished_run(("instructions", "classification"), "fine-tuning").done
    assert not checks.any_finished_run(("instructions",), "fine-tuning").done


def test_a_run_below_the_trigram_line_within_the_time_counts(service):
    service.records = [run_of("pretraining", seconds=200.0)]
    service.recorded = {"pretraining-1": [("baselines", {"trigram": 2.5})]}
    assert not checks.below_trigram(60).done
    service.records = [run_of("pretraining", seconds=60.0)]
    assert checks.below_trigram(60).done
    service.recorded = {"pretraining-1": [("baselines", {"trigram": 1.5})]}
    assert "0.50 are missing" in checks.below_trigram(60).told


def test_a_classifier_has_to_beat_the_commonest_class(service):
    service.records = [run_of("classification")]
    assert not checks.above_majority().done
    always_ham = {"confusion": [[87, 0], [13, 0]], "validation_accuracy": 0.87}
    service.recorded = {"classification-1": [("eval", always_ham)]}
    assert not checks.above_majority().done
    better = {"confusion": [[85, 2], [3, 10]], "validation_accuracy": 0.95}
    service.recorded["classification-1"].append(("eval", better))
    outcome = checks.above_majority()
    assert outcome.done and "95.0%" in outcome.told and "87.0%" in outcome.told


def test_an_assistant_has_to_answer_better_than_it_began(service):
    service.records = [run_of("instructions")]
    service.recorded = {"instructions-1": [("eval", {"exact_match": 0.1})]}
    assert not checks.answers_better().done
    service.recorded["instructions-1"].append(("eval", {"exact_match": 0.1}))
    assert not checks.answers_better().done
    service.recorded["instructions-1"].append(("eval", {"exact_match": 0.6}))
    assert checks.answers_better().done


# --- what pages tell -----------------------------------------------------------------------------------------------


def said(app: AppTest) -> dict:
    return app.session_state["guide:facts"]


def test_tokenization_tells_what_was_cut(facts):
    app = open_lesson("tokenization.py", "Text to tokens", **{"tokens-text": "🦁"})
    facts.update(said(app))
    assert text_checks.more_tokens_than_characters().done and not text_checks.one_token_word().done
    app = open_lesson("tokenization.py", "Text to tokens", **{"tokens-text": "international"})
    facts.update(said(app))
    assert text_checks.one_token_word().done


def test_windows_tell_their_settings(facts):
    app = open_lesson("embeddings.py", "Windows")
    facts.update(said(app))
    assert not text_checks.windows_with(1).done
    app.slider(key="window_stride").set_value(8).run()
    facts.update(said(app))
    assert text_checks.windows_with(1).done
    app.slider(key="window_stride").set_value(2).run()
    facts.update(said(app))
    assert text_checks.windows_with(4).done


def test_a_mix_tells_its_shares(facts):
    names = ("shakespeare", "bbc-news", "stories", "phrasebook", "python-reference")
    weights = {f"data-weight-{name}": {"stories": 60, "shakespeare": 40}.get(name, 0) for name in names}
    app = open_lesson("data.py", "Mix your own", **weights, **{"data-mix-chars": 100_000})
    facts.update(said(app))
    wanted = next(step.check for step in GUIDES["data"].steps if step.item == "mix")
    assert wanted().done
    assert not text_checks.read_too_often().done and "0.03 times" in text_checks.read_too_often().told


def test_a_bill_tells_its_price_and_the_cheapest_device_is_below_a_million(facts):
    app = open_lesson("scaling.py", "What does it cost?")
    facts.update(said(app))
    assert "4.6" in model_checks.bill_below(1e6).told
    devices = app.selectbox(key="cost-device").options
    done = []
    for device in devices:
        app.selectbox(key="cost-device").set_value(device).run()
        facts.update(said(app))
        done.append(model_checks.bill_below(1e6).done)
    assert any(done) and not all(done)
    app.number_input(key="cost-tokens").set_value(3_500.0).run()
    facts.update(said(app))
    assert model_checks.tokens_per_parameter().done


def test_the_anatomy_tells_its_size(facts):
    app = open_lesson("transformer.py", "Size")
    facts.update(said(app))
    assert not model_checks.size_near_gpt2().done and "own layers and width" in model_checks.size_near_gpt2().told
    assert model_checks.size_of_billions().done is False


def test_generation_tells_what_was_drawn_and_at_which_temperature(trained_run, facts):
    app = AppTest.from_file(str(sitemap.PAGES_FOLDER / "generation.py"), default_timeout=120)
    for key, value in {"temperature": 0.0, "n_tokens": 5, "prompt": "The lion"}.items():
        app.session_state[key] = value
    app.run()
    press(app, "Write on")
    press(app, "Start again")
    facts.update(said(app))
    assert not text_checks.same_without_dice().done
    app.number_input(key="seed").set_value(7).run()
    press(app, "Write on")
    facts.update(said(app))
    assert text_checks.same_without_dice().done
    app.slider(key="temperature").set_value(1.3)
    app.slider(key="n_tokens").set_value(20).run()
    press(app, "Write on")
    facts.update(said(app))
    assert text_checks.written_hot().done


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, app.exception


def test_surprise_tells_of_texts_of_ones_own_alone(trained_run, facts):
    app = open_lesson("evaluation.py", "Surprise")
    facts.update(said(app))
    assert "Write a text of your own" in text_checks.surprising_token().told
    app.text_area(key="evaluation-text").set_value("Once upon a time a lion sat in the sun.").run()
    facts.update(said(app))
    assert "The dearest token of your last texts cost" in text_checks.surprising_token().told
    assert "perplexity of" in text_checks.easy_text().told


def test_the_way_of_a_prompt_tells_its_step(trained_run, facts):
    app = AppTest.from_file(str(sitemap.PAGES_FOLDER / "journey.py"), default_timeout=120).run()
    assert not app.exception, app.exception
    (only,) = said(app)["journey"]
    assert only["run"] == trained_run and only["prompt"]
    assert lab().run(trained_run).step >= only["step"] >= 0


def test_the_foundation_lesson_tells_what_it_measured(trained_run, facts, monkeypatch):
    monkeypatch.setattr(scoring, "ABILITIES", ABILITIES[:1])  # six of them take long
    app = open_lesson("foundation.py", "Untaught abilities", **{"foundation-n": 20})
    facts.update(said(app))
    assert "20 items" in model_checks.probe_measured(40).told
    assert model_checks.probe_measured(20).done


def test_a_translation_tells_whether_it_is_right(once, facts):
    config = translation_config(
        training={"steps": 12, "seconds": None, "batch_size": 8, "evaluations": 2},
        n_phrases=6000,
        evaluated=4,
        n_layers=2,
        n_heads=2,
        d_model=16,
    )
    run_id = once("translator", lambda: finished(config, "Translator · test"))
    app = open_lesson("translation.py", "Translate")
    (fact,) = said(app)["translated"]
    assert fact["run"] == run_id and fact["right"] in (True, False)


# --- steps and quiz as the learner sees them -----------------------------------------------------------------------


def drawn_guide():
    import streamlit as st

    from pages.shared import guide, viewer

    st.session_state["guide:lesson"] = "embeddings"
    viewer.browser_key()
    guide.tell("windows", {"context": 8, "stride": st.session_state.get("stride", 4)})
    guide.show_steps()
    guide.show_quiz()


@pytest.fixture
def learner(data_home):
    """Opens the guide of the windows as the learner of a key."""

    def come(key: str = "a" * 32, **session) -> AppTest:
        app = AppTest.from_function(drawn_guide, default_timeout=60)
        app.session_state["viewer:key"] = key
        app.session_state["guide:open"], app.session_state["guide:quiz"] = True, "embeddings"
        for name, value in session.items():
            app.session_state[name] = value
        app.run()
        assert not app.exception, app.exception
        return app

    return come


def titles(app: AppTest) -> list[str]:
    return [each.label for each in app.expander]


def test_a_step_is_ticked_off_stays_on_the_next_visit_and_can_be_undone(learner):
    app = learner()
    assert titles(app) == ["Your way through the lesson · 0 of 5 steps done", "Quiz · 0 of 4 right"]
    app.button(key="guide-done-row").click().run()
    assert "1 of 5" in titles(app)[0]
    assert "1 of 5" in titles(learner())[0]
    assert "0 of 5" in titles(learner("b" * 32))[0]
    app.button(key="guide-undo-row").click().run()
    assert "0 of 5" in titles(app)[0] and "0 of 5" in titles(learner())[0]


def test_a_checked_step_is_ticked_off_only_when_it_is_done(learner):
    app = learner(stride=4)
    app.button(key="guide-check-end").click().run()
    assert "0 of 5" in titles(app)[0] and "about 2 times" in app.info[0].value
    app.session_state["stride"] = 8
    app.run()
    app.button(key="guide-check-end").click().run()
    assert "1 of 5" in titles(app)[0] and app.success[0].value == "Context 8, stride 8: each token is a target once."
    assert app.button(key="guide-check-end").label == "Check again"
    app.button(key="guide-undo-end").click().run()
    assert "0 of 5" in titles(app)[0] and not app.success


def test_what_is_folded_is_not_drawn(learner):
    app = learner(**{"guide:open": False, "guide:quiz": None})
    assert len(titles(app)) == 2 and not app.radio and not app.button


def test_a_step_opens_its_part(learner):
    app = learner()
    app.button(key="guide-open-near").click().run()
    assert app.session_state["part"] == "Embedding space"


def test_an_answer_is_explained_can_be_changed_and_stays(learner):
    app = learner()
    question = GUIDES["embeddings"].questions[0]
    key = f"guide-quiz-embeddings-{question.item}"
    wrong = next(n for n in range(3) if n != question.right)
    app.radio(key=key).set_value(wrong).run()
    assert app.warning[0].value == f"Not quite. {question.why[wrong]}" and "0 of 4" in titles(app)[1]
    app.radio(key=key).set_value(question.right).run()
    assert app.success[0].value == f"Right. {question.why[question.right]}" and "1 of 4" in titles(app)[1]
    again = learner()
    assert again.radio(key=key).value == question.right and "1 of 4" in titles(again)[1]
    again.button(key="guide-quiz-again").click().run()
    assert again.radio(key=key).value is None and "0 of 4" in titles(again)[1]
    assert "0 of 4" in titles(learner())[1]


@pytest.mark.parametrize("lesson", GUIDES)
def test_every_guide_is_drawn_and_all_its_controls_have_help(lesson, data_home):
    def page():
        import streamlit as st

        from pages.shared import guide

        st.session_state["guide:lesson"] = st.session_state["which"]
        guide.show_steps()
        guide.show_quiz()

    app = AppTest.from_function(page, default_timeout=60)
    app.session_state["which"] = app.session_state["guide:quiz"] = lesson
    app.session_state["guide:open"] = True
    app.run()
    assert not app.exception, app.exception
    assert len(app.radio) == len(GUIDES[lesson].questions)
    assert all(each.help for each in (*app.button, *app.radio))
