"""Was it worth it? Simple methods, random weights and the fine-tuned model on one test set, and with fewer labels."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import classification_metrics as metrics
from engine import simple_classifiers
from engine.classification_metrics import Quality, mean_interval, quality
from engine.errors import CorpusError, EngineError
from engine.labelled import Split
from engine.runs.classifying import (
    DEFAULT_PRESET,
    PRESETS,
    STUDY_SIZES,
    ClassificationConfig,
    classification_config,
    is_study,
    study_config,
)
from engine.runs.records import RunRecord
from engine.simple_classifiers import SIMPLE
from pages.parts.classification import figures
from pages.parts.classification.source import (
    WHAT_LEARNS,
    chosen_data,
    config_of,
    data_title,
    default_base,
    label_of,
    recorded_test,
    split_now,
    split_settings,
)
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice
from pages.shared.models import inference
from pages.shared.quantities import estimate
from pages.shared.run_panel import LOOK_AGAIN_SECONDS, REFRESH_SECONDS, STATES
from pages.shared.viewer import lab

FINE_TUNED, FROM_RANDOM = "fine-tuned foundation model", "same network, random start"
SIMPLE_NAMES = {name: name[:1].upper() + name[1:] for name in SIMPLE}
STUDIED = ("keyword rule", "naive Bayes", "logistic regression")
MAX_SEEDS = 3
_SECONDS_A_STEP = 0.35
_SECONDS_A_RUN = 6
_MOST_OTHERS = 6
_ALL = "all"


def show() -> None:
    """The part "Was it worth it?"."""
    st.markdown(
        "A fine-tuned network has millions of numbers. Four methods that train in a second have to be beaten first, "
        "and so has the same network **without** pretraining. All are judged on the same test texts."
    )
    name, settings = chosen_data(), split_settings()
    st.text(f"Data: {data_title(name)}")
    try:
        split = split_now(name, settings)
    except CorpusError as error:
        st.error(sentence(error), icon=":material/error:")
    else:
        _compare(name, settings, split)
        _study(name, settings, split)
    notice(
        "The intervals say what so many test texts can tell: where they overlap widely, do not call one method better.",
        "Compare the network with and without pretraining, and both with a bag of words: what pretraining is worth "
        "depends on the number of labels and on how like the task its text was.",
        "The foundation model of the course has read plays, stories, phrases and a manual, never an SMS or the news.",
    )
    exercise(
        "Where is the fine-tuned model clearly ahead: with 10 labels or with all? What would you use for a spam "
        "filter of your own?",
        "Look at the left end of the lower chart and at the seconds. If logistic regression is within the interval, it "
        "is cheaper to train, to run and to explain; a larger pretrained model would change the balance.",
    )
    show_code(
        simple_classifiers.KeywordRule.of,
        simple_classifiers.naive_bayes,
        simple_classifiers.logistic_regression,
        metrics.share_interval,
        metrics.mean_interval,
    )


# --- one table -----------------------------------------------------------------------------------------------------


@st.cache_data(max_entries=512, show_spinner="Training the simple methods …")
def _simple(name: str, method: str, settings: tuple[tuple[str, Any], ...], home: str) -> tuple[Quality, float]:
    """The quality of a simple method on the test set, and the seconds it took to train."""
    split = split_now(name, dict(settings))
    with inference():
        began = time.perf_counter()
        said = SIMPLE[method](split.train)
        seconds = time.perf_counter() - began
        return quality(split.test.labels, said(split.test.texts)), seconds


def _simple_of(name: str, method: str, settings: dict[str, Any]) -> tuple[Quality, float]:
    return _simple(name, method, tuple(sorted(settings.items())), str(lab().settings.home))


def _quality_of_run(record: RunRecord, split: Split) -> Quality | None:
    said = recorded_test(record.run_id, record.attempt, record.state)
    return None if said is None or len(said) != len(split.test) else quality(split.test.labels, said)


def _same_test(config: ClassificationConfig, name: str, settings: dict[str, Any]) -> bool:
    wanted = {"split_seed": 0, "test_fraction": 0.2, "validation_fraction": 0.1, **settings}
    return config.data == name and all(
        getattr(config, key) == wanted[key] for key in ("split_seed", "test_fraction", "validation_fraction")
    )


def _pair(base: str, name: str, settings: dict[str, Any]) -> dict[str, ClassificationConfig]:
    """The two runs that the table asks for."""
    return {
        FROM_RANDOM: classification_config(base, data=name, start="random", **settings),
        FINE_TUNED: classification_config(base, data=name, **settings),
    }


def _compare(name: str, settings: dict[str, Any], split: Split) -> None:
    st.header("One test set, six methods", anchor=False)
    base = default_base()
    if base is None:
        st.info("There is no pretrained model yet. Train one in **Pretraining**; the simple methods need none.")
        pair = {}
    else:
        pair = _pair(base, name, settings)
    known = {record.run_id: record for record in lab().runs(job="classification")}
    missing = [title for title, config in pair.items() if config.run_id not in known]
    if missing:
        st.info(
            f"{'The networks are' if len(missing) > 1 else 'One network is'} not trained on this split yet: about "
            f"{PRESETS[DEFAULT_PRESET].title} each on one core. The simple methods below were trained just now."
        )
        st.button(
            f"Train {'both' if len(missing) > 1 else 'it'}",
            type="primary",
            icon=":material/play_arrow:",
            key="worth-train",
            on_click=_submit,
            args=([pair[title] for title in missing],),
            help="Starts what is missing in the table. You may leave the page meanwhile.",
        )
    live = any(known[config.run_id].live for config in pair.values() if config.run_id in known)
    st.fragment(_table, run_every=REFRESH_SECONDS if live else LOOK_AGAIN_SECONDS)(name, settings, split, pair, live)


def _submit(configs: list[ClassificationConfig]) -> None:
    for config in configs:
        try:
            lab().submit(config, label_of(config))
        except EngineError as error:
            st.toast(sentence(error), icon=":material/info:")
            return


def _table(
    name: str, settings: dict[str, Any], split: Split, pair: dict[str, ClassificationConfig], was_live: bool
) -> None:
    records = {record.run_id: record for record in lab().runs(job="classification")}
    rows: list[dict[str, Any]] = []
    for method, title in SIMPLE_NAMES.items():
        found, seconds = _simple_of(name, method, settings)
        rows.append(_row(title, found, seconds, "–"))
    live = False
    for title, config in pair.items():
        record = records.get(config.run_id)
        live |= record is not None and record.live
        rows.append(_run_row(title[:1].upper() + title[1:], record, split))
    asked = {config.run_id for config in pair.values()}
    others = [
        record
        for record in records.values()
        if record.run_id not in asked
        and not is_study(config_of(record))
        and _same_test(config_of(record), name, settings)
        and _quality_of_run(record, split) is not None
    ]
    for record in others[:_MOST_OTHERS]:
        config = config_of(record)
        start = ", random start" if config.start == "random" else ""
        labels = "" if config.n_train is None else f", {config.n_train:,} labels"
        title = f"{WHAT_LEARNS[config.trainable]}{start}{labels} · {record.run_id[:4]}"
        rows.append(_run_row(title, record, split))
    measured = pd.DataFrame([row for row in rows if row["accuracy"] is not None])
    best = measured.loc[measured["accuracy"].idxmax()]
    chart = pd.DataFrame(
        {
            "method": measured["method"],
            "value": 100 * measured["accuracy"],
            "low": 100 * measured["low"],
            "high": 100 * measured["high"],
            "shown": [f"{100 * value:.2f} %" for value in measured["accuracy"]],
        }
    )
    figures.compared(
        chart,
        title="Test accuracy, with 95 % intervals",
        value_title="Test accuracy (%)",
        summary=f"{best['method']} is right most often here: {best['accuracy']:.2%} of {len(split.test):,} texts. The "
        f"commonest class alone gives {measured['accuracy'].iloc[0]:.2%}.",
    ).show()
    which = "F1 of the rarer class" if len(split.test.label_names) == 2 else "mean F1"
    st.dataframe(
        pd.DataFrame(
            {
                "method": [row["method"] for row in rows],
                "accuracy (%)": [None if row["accuracy"] is None else round(100 * row["accuracy"], 2) for row in rows],
                "95 % interval": [row["interval"] for row in rows],
                which: [None if row["f1"] is None else round(row["f1"], 4) for row in rows],
                "training (s)": [row["seconds"] for row in rows],
                "learning numbers": [row["numbers"] for row in rows],
                "state": [row["state"] for row in rows],
            }
        ),
        hide_index=True,
        width="stretch",
    )
    if was_live != live:
        st.rerun()


def _row(title: str, found: Quality | None, seconds: float | None, numbers: str, state: str = "") -> dict[str, Any]:
    low, high = (None, None) if found is None else found.interval
    return {
        "method": title,
        "accuracy": None if found is None else found.accuracy,
        "low": low,
        "high": high,
        "interval": "–" if found is None else f"{found.interval[0]:.1%} to {found.interval[1]:.1%}",
        "f1": None if found is None else found.f1,
        "seconds": None if seconds is None else round(seconds, 2),
        "numbers": numbers,
        "state": state,
    }


def _run_row(title: str, record: RunRecord | None, split: Split) -> dict[str, Any]:
    if record is None:
        return _row(title, None, None, "–", "not trained yet")
    word = STATES[record.state][1]
    if record.live:
        word += f", {record.progress:.0%}"
    counted = counts_of(record.run_id, record.attempt, record.step > 0)
    numbers = f"{counted['n_trainable']:,}" if counted else "–"
    return _row(title, _quality_of_run(record, split), record.seconds or None, numbers, word)


@st.cache_data(max_entries=128, show_spinner=False)
def counts_of(run_id: str, attempt: int, begun: bool) -> dict[str, Any]:
    """What a run counted before its first step; empty until then."""
    found = lab().events(run_id, kinds=("labelled",))
    return found[-1].payload if found else {}


# --- fewer labels --------------------------------------------------------------------------------------------------


def _study(name: str, settings: dict[str, Any], split: Split) -> None:
    st.header("With fewer labels", anchor=False)
    st.markdown(
        "Labels cost work. Each method is trained on 10, 30, 100, … of the training texts, drawn by several seeds, and "
        "judged on the same test texts."
    )
    base = default_base()
    if base is None:
        st.info("This needs a pretrained model: train one in **Pretraining**.")
        return
    left, middle, right = st.columns([2, 1, 1.4], vertical_alignment="bottom")
    possible: list[Any] = [n for n in STUDY_SIZES if len(split.train.label_names) <= n < len(split.train)] + [_ALL]
    sizes = left.pills(
        "Numbers of labels",
        possible,
        selection_mode="multi",
        default=possible,
        format_func=lambda n: f"all {len(split.train):,}" if n == _ALL else f"{n:,}",
        key=f"study-sizes:{len(split.train)}:{len(split.train.label_names)}",
        help="Runs of few labels take seconds, that of all labels the longest.",
    )
    seeds = middle.slider(
        "Seeds",
        1,
        MAX_SEEDS,
        3,
        key="study-seeds",
        persist_state="session",
        help="How often each is repeated with other texts and other new weights; two or more give intervals.",
    )
    random_too = right.toggle(
        "Random start as well",
        False,
        key="study-random",
        persist_state="session",
        help="The same network without pretraining: twice as many runs.",
    )
    if not sizes:
        st.info("Choose at least one number of labels.")
        return
    chosen = [each for each in possible if each in sizes]
    plan = study_plan(base, name, settings, chosen, seeds, random_too)
    known = {record.run_id: record for record in lab().runs(job="classification")}
    missing = [config for _, _, config in plan if config.run_id not in known]
    if missing:
        seconds = sum(_SECONDS_A_STEP * (c.training.steps or 0) + _SECONDS_A_RUN for c in missing)
        st.button(
            f"Start the {len(missing)} missing runs (about {estimate(seconds)} on one core)",
            icon=":material/play_arrow:",
            key="study-start",
            on_click=_submit,
            args=(missing,),
            help="They train one after another; results appear in the chart as they come. Others may train meanwhile.",
        )
    live = any(known[c.run_id].live for _, _, c in plan if c.run_id in known)
    st.fragment(_study_panel, run_every=2 * REFRESH_SECONDS if live else LOOK_AGAIN_SECONDS)(
        name, settings, split, plan, chosen, seeds, live
    )


Plan = list[tuple[str, Any, ClassificationConfig]]


def study_plan(
    base: str, name: str, settings: dict[str, Any], sizes: list[Any], n_seeds: int, random_too: bool
) -> Plan:
    """(method, size, config) of every run of the study, small ones first."""
    starts = [(FINE_TUNED, "pretrained"), *([(FROM_RANDOM, "random")] if random_too else [])]
    return [
        (method, size, study_config(base, None if size == _ALL else size, seed, data=name, start=start, **settings))
        for size in sizes
        for method, start in starts
        for seed in range(n_seeds)
    ]


def _study_panel(
    name: str, settings: dict[str, Any], split: Split, plan: Plan, sizes: list[Any], seeds: int, was_live: bool
) -> None:
    records = {record.run_id: record for record in lab().runs(job="classification")}
    ours = [records[config.run_id] for _, _, config in plan if config.run_id in records]
    waiting = [record for record in ours if record.state == "queued"]
    live = any(record.live for record in ours)
    done = sum(record.state == "finished" for record in ours)
    if ours and done < len(plan):
        st.progress(done / len(plan), text=f"{done} of {len(plan)} runs are done, {len(waiting)} wait.")
    if waiting:
        st.button(
            "Cancel those that wait",
            icon=":material/close:",
            key="study-cancel",
            on_click=_cancel,
            args=([record.run_id for record in waiting],),
            help="What has finished stays; the rest can be started again at any time.",
        )
    values: dict[tuple[str, Any], list[float]] = {}
    for method, size, config in plan:
        record = records.get(config.run_id)
        found = None if record is None else _quality_of_run(record, split)
        if found is not None:
            values.setdefault((method, size), []).append(found.accuracy)
    for method in STUDIED:
        for size in sizes:
            n_seeds = 1 if size == _ALL else seeds  # all texts are the same texts for every seed
            drawn: list[dict[str, Any]] = [
                {} if size == _ALL else {"n_train": size, "draw_seed": seed} for seed in range(n_seeds)
            ]
            values[method, size] = [_simple_of(name, method, {**settings, **each})[0].accuracy for each in drawn]
    _study_chart(values, split)
    if was_live != live:
        st.rerun()


def _study_chart(values: dict[tuple[str, Any], list[float]], split: Split) -> None:
    methods = [method for method in (FINE_TUNED, FROM_RANDOM, *STUDIED) if any(key[0] == method for key in values)]
    rows = []
    for (method, size), accuracies in values.items():
        mean, low, high = mean_interval(accuracies)
        labels = len(split.train) if size == _ALL else size
        rows.append(
            {
                "labels": labels,
                "method": method,
                "value": 100 * mean,
                "low": 100 * max(0.0, low),
                "high": 100 * min(1.0, high),
                "n": len(accuracies),
            }
        )
    frame = pd.DataFrame(rows).sort_values(["labels", "method"])
    best = frame.loc[frame.groupby("labels")["value"].idxmax()]
    words = "; ".join(f"{row['labels']:,}: {row['method']} ({row['value']:.1f} %)" for _, row in best.iterrows())
    commonest = np.bincount(split.test.labels).max() / len(split.test)
    figures.by_labels(
        frame,
        methods,
        summary=f"The best by number of labels: {words}. Always the commonest class: {commonest:.1%}. Bars are 95 % "
        "intervals of the mean over seeds (Student's t): with three seeds they are wide.",
    ).show()
    if not any(method in (FINE_TUNED, FROM_RANDOM) for method in methods):
        st.caption("The network's own points come when its runs have been started and have finished.")
    with st.expander("As a table", icon=":material/table:"):
        table = frame.rename(
            columns={"value": "accuracy (%)", "low": "from", "high": "to", "n": "seeds", "labels": "labelled texts"}
        ).round(2)
        st.dataframe(table, hide_index=True, width="stretch")


def _cancel(run_ids: list[str]) -> None:
    for run_id in run_ids:
        try:
            lab().delete(run_id)
        except EngineError:
            continue  # it has just begun
