"""With fewer labels: the methods on 10, 30, 100, … of the training texts, by several seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine.aside_worker import Call
from engine.classification_metrics import mean_interval
from engine.errors import EngineError
from engine.labelled import Split
from engine.language import N_, _, number
from engine.runs.classifying import (
    STUDY_SIZES,
    ClassificationConfig,
    study_config,
)
from pages.parts.classification import figures
from pages.parts.classification.methods import (
    FINE_TUNED,
    FROM_RANDOM,
    quality_of_run,
    simple_call,
    simple_qualities,
    submit_all,
)
from pages.parts.classification.source import (
    default_base,
)
from pages.shared.errors import said
from pages.shared.live import kept_current
from pages.shared.quantities import estimate
from pages.shared.run_panel import LOOK_AGAIN_SECONDS, REFRESH_SECONDS
from pages.shared.tables import show_table
from pages.shared.viewer import lab

STUDIED = (N_("keyword rule"), N_("naive Bayes"), N_("logistic regression"))
MAX_SEEDS = 3
_SECONDS_A_STEP = 0.35
_SECONDS_A_RUN = 6
ALL = "all"


def show_study(name: str, settings: dict[str, Any], split: Split) -> None:
    """Controls, the button that starts what is missing, and the chart."""
    st.header(_("With fewer labels"), anchor=False)
    st.markdown(
        _(
            "Labels cost work. Each method is trained on 10, 30, 100, … of the training texts, drawn by several seeds, "
            "and judged on the same test texts."
        )
    )
    base = default_base()
    if base is None:
        st.info(_("This needs a pretrained model: train one in **Pretraining**."))
        return
    left, middle, right = st.columns([2, 1, 1.4], vertical_alignment="bottom")
    possible: list[Any] = [n for n in STUDY_SIZES if len(split.train.label_names) <= n < len(split.train)] + [ALL]
    sizes = left.pills(
        _("Numbers of labels"),
        possible,
        selection_mode="multi",
        default=possible,
        format_func=lambda n: _("all {n_train:,}", n_train=len(split.train)) if n == ALL else number(n),
        key=f"study-sizes:{len(split.train)}:{len(split.train.label_names)}",
        help=_("Runs of few labels take seconds, that of all labels the longest."),
    )
    seeds = middle.slider(
        _("Seeds"),
        1,
        MAX_SEEDS,
        3,
        key="study-seeds",
        persist_state="session",
        help=_("How often each is repeated with other texts and other new weights; two or more give intervals."),
    )
    random_too = right.toggle(
        _("Random start as well"),
        False,
        key="study-random",
        persist_state="session",
        help=_("The same network without pretraining: twice as many runs."),
    )
    if not sizes:
        st.info(_("Choose at least one number of labels."))
        return
    chosen = [each for each in possible if each in sizes]
    plan = study_plan(base, name, settings, chosen, seeds, random_too)
    known = {record.run_id: record for record in lab().runs(job="classification")}
    missing = [config for _unused, _unused, config in plan if config.run_id not in known]
    if missing:
        seconds = sum(_SECONDS_A_STEP * (c.training.steps or 0) + _SECONDS_A_RUN for c in missing)
        st.button(
            _(
                "Start the {n_missing} missing runs (about {seconds} on one core)",
                n_missing=len(missing),
                seconds=estimate(seconds),
            ),
            icon=":material/play_arrow:",
            key="study-start",
            on_click=submit_all,
            args=(missing,),
            help=_(
                "They train one after another; results appear in the chart as they come. Others may train meanwhile."
            ),
        )
    live = any(known[c.run_id].live for _unused, _unused, c in plan if c.run_id in known)
    kept_current(_study_panel, every=2 * REFRESH_SECONDS if live else LOOK_AGAIN_SECONDS)(
        name, settings, split, plan, chosen, seeds, live
    )


Plan = list[tuple[str, Any, ClassificationConfig]]


def study_plan(
    base: str, name: str, settings: dict[str, Any], sizes: list[Any], n_seeds: int, random_too: bool
) -> Plan:
    """(method, size, config) of every run of the study, small ones first."""
    starts = [(FINE_TUNED, "pretrained"), *([(FROM_RANDOM, "random")] if random_too else [])]
    return [
        (method, size, study_config(base, None if size == ALL else size, seed, data=name, start=start, **settings))
        for size in sizes
        for method, start in starts
        for seed in range(n_seeds)
    ]


@said(N_("draw the study"))
def _study_panel(
    name: str, settings: dict[str, Any], split: Split, plan: Plan, sizes: list[Any], seeds: int, was_live: bool
) -> None:
    records = {record.run_id: record for record in lab().runs(job="classification")}
    ours = [records[config.run_id] for _unused, _unused, config in plan if config.run_id in records]
    waiting = [record for record in ours if record.state == "queued"]
    live = any(record.live for record in ours)
    done = sum(record.state == "finished" for record in ours)
    if ours and done < len(plan):
        st.progress(
            done / len(plan),
            text=_(
                "{done} of {n_plan} runs are done, {n_waiting} wait.",
                done=done,
                n_plan=len(plan),
                n_waiting=len(waiting),
            ),
        )
    if waiting:
        st.button(
            _("Cancel those that wait"),
            icon=":material/close:",
            key="study-cancel",
            on_click=_cancel,
            args=([record.run_id for record in waiting],),
            help=_("What has finished stays; the rest can be started again at any time."),
        )
    values: dict[tuple[str, Any], list[float]] = {}
    for method, size, config in plan:
        record = records.get(config.run_id)
        found = None if record is None else quality_of_run(record, split)
        if found is not None:
            values.setdefault((method, size), []).append(found.accuracy)
    calls: list[tuple[str, Any, Call]] = []
    for method in STUDIED:
        for size in sizes:
            n_seeds = 1 if size == ALL else seeds  # all texts are the same texts for every seed
            drawn: list[dict[str, Any]] = [
                {} if size == ALL else {"n_train": size, "draw_seed": seed} for seed in range(n_seeds)
            ]
            calls += [(method, size, simple_call(name, method, {**settings, **each})) for each in drawn]
    found_by = simple_qualities([call for _unused, _unused, call in calls])
    for (method, size, _unused), (judged, _seconds) in zip(calls, found_by, strict=True):
        values.setdefault((method, size), []).append(judged.accuracy)
    _study_chart(values, split)
    if was_live != live:
        st.rerun()


def _study_chart(values: dict[tuple[str, Any], list[float]], split: Split) -> None:
    methods = [method for method in (FINE_TUNED, FROM_RANDOM, *STUDIED) if any(key[0] == method for key in values)]
    rows = []
    for (method, size), accuracies in values.items():
        mean, low, high = mean_interval(accuracies)
        labels = len(split.train) if size == ALL else size
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
    words = "; ".join(
        _("{labels:,}: {method} ({value:.1f} %)", labels=row["labels"], method=_(row["method"]), value=row["value"])
        for _unused, row in best.iterrows()
    )
    commonest = np.bincount(split.test.labels).max() / len(split.test)
    figures.by_labels(
        frame,
        methods,
        summary=_(
            "The best by number of labels: {words}. Always the commonest class: {commonest:.1%}. Bars are 95 % "
            "intervals of the mean over seeds (Student's t): with three seeds they are wide.",
            words=words,
            commonest=commonest,
        ),
    ).show()
    if not any(method in (FINE_TUNED, FROM_RANDOM) for method in methods):
        st.caption(_("The network's own points come when its runs have been started and have finished."))
    with st.expander(_("As a table"), icon=":material/table:"):
        table = frame.rename(
            columns={
                "value": N_("accuracy (%)"),
                "low": N_("from"),
                "high": N_("to"),
                "n": N_("seeds"),
                "labels": N_("labelled texts"),
            }
        ).round(2)
        show_table(table, hide_index=True, width="stretch", words=["method"])


def _cancel(run_ids: list[str]) -> None:
    for run_id in run_ids:
        try:
            lab().delete(run_id)
        except EngineError:
            continue  # it has just begun
