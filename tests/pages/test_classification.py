"""The lesson on classification: each part through the real page, on rows and a classifier made in the test."""

import json
import os
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from engine.runs.classifying import classification_config
from engine.runs.execution import execute
from engine.runs.service import lab
from pages.parts.classification import data as lesson_data
from pages.parts.classification import edit_rows, message, quality, source, study, train
from tests.pages.helpers import open_lesson, words

PARTS = ["Data", "Train it", "How good is it?", "One message", "Was it worth it?", "Race"]
NEED_A_CLASSIFIER = PARTS[2:4]
TINY = {"steps": 8, "seconds": None, "batch_size": 8, "evaluations": 2}


def rows() -> str:
    """150 different texts, a third of them spam, and two copies, as JSON lines."""
    rng = np.random.default_rng(0)
    lines = []
    for n in range(150):
        label, opening = ("spam", "win a prize") if n % 3 == 0 else ("ham", "see you")
        lines.append({"text": f"{opening} {''.join(rng.choice(list('abcdefgh'), 7))}", "label": label})
    lines += [{"text": lines[0]["text"].upper(), "label": "spam"}, {"text": lines[1]["text"] + " ", "label": "ham"}]
    return "\n".join(map(json.dumps, lines))


@pytest.fixture
def data(trained_run) -> str:
    """The name of the uploaded rows, beside a pretrained model."""
    return lab().save_upload(rows())


@pytest.fixture
def classifier(data, trained_run) -> str:
    """The id of a finished classification run on them."""
    config = classification_config(lab().keep_model(trained_run), data=data, training=TINY, most_tokens=16)
    run_id = lab().submit(config, "Classifier · test")
    assert execute(run_id, dict(os.environ)) == "finished"
    return run_id


@pytest.fixture
def drawn(monkeypatch):
    """What each component was given last."""
    seen = SimpleNamespace(marks=[])
    for name, modules in {"confusion_grid": (train, quality), "head_swap": (train,), "word_marks": (message,)}.items():
        for module in modules:
            original = getattr(module, name)

            def record(*args, _name=name, _original=original, **named):
                setattr(seen, _name, SimpleNamespace(args=args, named=named))
                return _original(*args, **named)

            monkeypatch.setattr(module, name, record)
    return seen


def open_part(part: str, data: str | None = None, **session) -> AppTest:
    if data is not None:
        session = {source.DATA_KEY: data, source.MADE_KEY: {data: "Test rows"}, **session}
    return open_lesson("classification.py", part, **session)


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label.startswith(label)).click()
    app.run()
    assert not app.exception, app.exception
    return app


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_with_a_classifier_and_every_control_has_help(part, data, classifier):
    app = open_part(part, data)
    assert not app.error, [each.value for each in app.error]
    assert "What to notice" in words(app)
    kinds = (app.slider, app.select_slider, app.number_input, app.text_input, app.toggle, app.selectbox, app.button)
    for widget in (each for kind in kinds for each in kind):
        assert widget.help or widget.label in ("Pause", "Stop"), widget.label


@pytest.mark.parametrize("part", NEED_A_CLASSIFIER)
def test_without_a_classifier_a_part_offers_to_train_one_and_says_how_long(part, data):
    app = open_part(part, data)
    assert "1¼ minutes" in words(app)
    press(app, "Train it now")
    (record,) = lab().runs(job="classification")
    assert record.state == "queued" and record.config.data == data
    assert app.session_state["part"] == "Train it"


def test_without_a_pretrained_model_every_part_says_what_to_do(monkeypatch):
    for module in (source, train.choose_base.__globals__):
        place = module if isinstance(module, dict) else vars(module)
        monkeypatch.setitem(place, "example_foundation", lambda: None)
    for part in ("Train it", "Was it worth it?", "Race"):
        assert "Pretraining" in words(open_part(part, lab().save_upload(rows())))


def test_data_tells_its_copies_and_the_split_follows_the_controls(data):
    app = open_part("Data", data)
    assert "The 2 copies" in [each.label for each in app.expander]
    assert "now there are **0**" in words(app)
    app.toggle(key="classification-balance").set_value(True)
    app.slider(key="classification-test").set_value(40)
    app.run()
    assert not app.exception
    assert app.session_state[source.SETTINGS_KEY]["test_fraction"] == 0.4
    assert "Balancing left" in words(app)


def source_rows(name: str):
    return source.read_labelled_set(name, lab().artifacts)


def test_an_edit_changes_adds_and_removes_rows_and_nothing_else(data):
    given = source_rows(data)
    on_page = [3, 0, 5]
    shown = pd.DataFrame(
        {"label": [given.label_names[given.labels[i]] for i in on_page], "text": [given.texts[i] for i in on_page]}
    )
    assert edit_rows.apply_edits(given, on_page, shown, shown.copy()) is None
    edited = shown.drop(index=1)
    edited.loc[0, "label"] = "new"
    edited.loc[3] = ["ham", "added\0 "]
    edited.loc[4] = [None, "half a row"]
    found = edit_rows.apply_edits(given, on_page, shown, edited)
    assert len(found.texts) == len(given.texts)
    assert found.texts[-1] == "added" and given.texts[0] not in found.texts[:3]
    assert found.label_names[found.labels[found.texts.index(given.texts[3])]] == "new"
    assert edit_rows.n_changes(shown, edited) == 3


def test_train_submits_what_the_controls_say(data, trained_run):
    app = open_part("Train it", data)
    assert "press **Train**" in words(app)
    app.button_group(key="classification-trainable").set_value("head")
    app.button_group(key="classification-pooling").set_value("last")
    app.button_group(key="classification-preset").set_value("30s")
    app.selectbox(key="classification-base").set_value(trained_run)
    app.run()
    press(app, "Train")
    (record,) = lab().runs(job="classification")
    base = lab().keep_model(trained_run)
    training = {"learning_rate": 2e-2, "matrix_learning_rate": 0.0, "seed": 0}
    expected = classification_config(base, "30s", data=data, trainable="head", pooling="last", training=training)
    assert record.config == expected == classification_config(base, "30s", data=data, trainable="head", pooling="last")


def test_the_share_that_learns_is_drawn_for_each_choice(data, trained_run, drawn):
    app = open_part("Train it", data, **{"classification-trainable": "head", "classification-base": trained_run})
    assert [part.learns for part in drawn.head_swap.args[0]] == ["no", "no", "no"]
    app.button_group(key="classification-trainable").set_value("last block")
    app.run()
    assert [part.learns for part in drawn.head_swap.args[0]] == ["no", "yes", "yes"]
    app.button_group(key="classification-trainable").set_value("lora")
    app.run()
    assert [part.learns for part in drawn.head_swap.args[0]] == ["no", "adapter", "no"]


def test_a_cell_of_the_moving_matrix_lists_the_texts_of_that_evaluation(data, classifier, drawn):
    app = open_part("Train it", data)
    counts = np.array(drawn.confusion_grid.args[0])
    for cell in ((0, 0), (1, 0)):
        app.session_state[train._CELL] = cell
        app.run()
        assert not app.exception
        listed = [each.value for each in app.dataframe if list(each.value.columns) == ["no.", "text"]]
        assert sum(map(len, listed)) == min(counts[cell], train.MOST_TEXTS)


def test_the_threshold_trades_precision_for_recall(data, classifier):
    app = open_part("How good is it?", data)

    def metric(name: str) -> float:
        return float(next(each.value for each in app.metric if each.label == name).rstrip("%"))

    recalls = []
    for threshold in (1, 50, 99):
        app.slider(key="classification-threshold").set_value(threshold)
        app.run()
        recalls.append(metric("Recall"))
    assert recalls == sorted(recalls, reverse=True)
    record = lab().run(classifier)
    test = source.split_of_run(record).test
    said = np.array(lab().events(classifier, kinds=("test",))[-1].payload["probabilities"])
    right = (said.argmax(1) == np.array(test.labels)).mean()
    assert next(each.value for each in app.metric if each.label == "Accuracy") == f"{right:.2%}"


def test_a_message_is_explained_in_two_ways_and_flipped(data, classifier, drawn):
    app = open_part("One message", data, **{"classification-flip": True})
    key = f"{message._TEXT}:{data}"
    app.text_area(key=key).set_value("win a prize </textarea><script>").run()
    assert not app.exception
    assert drawn.word_marks.args[0] == ["win", "a", "prize", "</textarea><script>"]
    told = "\n".join(each.value for each in app.text)
    assert "it is no longer called" in told or "Leaving out up to 8 words does not do" in told
    app.text_area(key=key).set_value("  ").run()
    assert "no word to look at" in words(app)
    app.text_area(key=key).set_value("word " * 250).run()
    assert "at most 200" in words(app)
    press(app, "A test message")
    test = source.split_of_run(lab().run(classifier)).test
    assert app.text_area(key=key).value in test.texts


def test_a_mistake_of_the_classifier_is_taken_where_it_makes_one(data, classifier, monkeypatch):
    test = source.split_of_run(lab().run(classifier)).test
    wrong = 7
    said = np.eye(2)[[label if row != wrong else 1 - label for row, label in enumerate(test.labels)]]
    monkeypatch.setattr(message, "test_probabilities", lambda _chosen: said)
    app = press(open_part("One message", data), "A mistake")
    assert app.text_area(key=f"{message._TEXT}:{data}").value == test.texts[wrong]
    assert message._WANTED not in app.session_state


def test_was_it_worth_it_compares_on_one_test_set_and_starts_what_is_missing(data, classifier):
    app = open_part("Was it worth it?", data)
    table = next(each.value for each in app.dataframe if "accuracy (%)" in each.value.columns)
    assert list(table["method"][:4]) == ["Commonest class", "Keyword rule", "Naive Bayes", "Logistic regression"]
    assert table["accuracy (%)"][:4].notna().all() and table["accuracy (%)"][4:6].isna().all()
    assert any(name.startswith("Everything") for name in table["method"][6:])
    press(app, "Train both")
    assert sorted(r.config.start for r in lab().runs(job="classification") if r.state == "queued") == [
        "pretrained",
        "random",
    ]


def test_the_study_plans_starts_and_cancels_its_runs(data, trained_run):
    app = open_part("Was it worth it?", data, **{"study-seeds": 2})
    press(app, "Start the")
    queued = [record for record in lab().runs(job="classification") if record.state == "queued"]
    plan = study.study_plan(source.default_base(), data, {}, [10, 30, 100, study.ALL], 2, False)
    assert {record.run_id for record in queued} == {config.run_id for _, _, config in plan} and len(plan) == 8
    assert not source.classifiers(), "runs of the study are not offered one by one"
    press(app, "Cancel those that wait")
    assert not lab().runs(job="classification")


def test_the_race_starts_one_run_for_each_entrant(data, trained_run):
    app = open_part("Race", data)
    press(app, "Start the race")
    records = lab().runs(job="classification")
    assert {record.config.trainable for record in records} == {"all", "last block", "lora", "head"}
    assert {record.config.training.steps for record in records} == {150}


def test_bad_files_are_refused_in_a_sentence(monkeypatch, data):
    app = open_part("Data", data)
    app.selectbox(key="classification-set").set_value(lesson_data._FILE).run()
    for content, says in ((b"text,label\n\0,a\n", "NUL"), (b"text\nonly\n", "one column"), (b"", "empty")):
        upload = SimpleNamespace(file_id=str(len(content)), name="a.csv", getvalue=lambda content=content: content)
        monkeypatch.setattr(lesson_data.st, "file_uploader", lambda *args, _upload=upload, **named: _upload)
        app.run()
        assert not app.exception and any(says in each.value for each in app.error), says


def test_an_upload_is_confirmed_and_then_used(monkeypatch, data):
    app = open_part("Data", data)
    table = "mood,remark\n" + "\n".join(f"{'good' if n % 2 else 'bad'},remark {chr(97 + n)}" for n in range(24))
    upload = SimpleNamespace(file_id="one", name="moods.csv", getvalue=lambda: table.encode())
    monkeypatch.setattr(lesson_data.st, "file_uploader", lambda *args, **named: upload)
    app.selectbox(key="classification-set").set_value(lesson_data._FILE).run()
    assert app.selectbox(key="text-column:one").value == "remark"
    assert app.selectbox(key="label-column:one").value == "mood"
    press(app, "Use these columns")
    assert source_rows(app.session_state[source.DATA_KEY]).label_names == ("bad", "good")
    assert "moods.csv" in app.session_state[source.MADE_KEY].values()
