"""One table: every method and every trained classifier on the same test texts."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine.classification_metrics import Quality
from engine.labelled import Split
from engine.language import N_, _, number
from engine.runs.classifying import (
    DEFAULT_PRESET,
    PRESETS,
    ClassificationConfig,
    classification_config,
    is_study,
)
from engine.runs.records import RunRecord
from engine.simple_classifiers import SIMPLE
from pages.parts.classification import figures
from pages.parts.classification.methods import (
    FINE_TUNED,
    FROM_RANDOM,
    counts_of,
    quality_of_run,
    simple_call,
    simple_qualities,
    submit_all,
)
from pages.parts.classification.source import (
    WHAT_LEARNS,
    config_of,
    default_base,
)
from pages.shared.errors import said
from pages.shared.live import kept_current
from pages.shared.run_panel import LOOK_AGAIN_SECONDS, REFRESH_SECONDS, STATES
from pages.shared.tables import show_table
from pages.shared.viewer import lab
from pages.shared.wording import begin

_MOST_OTHERS = 6


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


def compare(name: str, settings: dict[str, Any], split: Split) -> None:
    """The button that starts what is missing, and the table."""
    st.header(_("One test set, six methods"), anchor=False)
    base = default_base()
    if base is None:
        st.info(_("There is no pretrained model yet. Train one in **Pretraining**; the simple methods need none."))
        pair = {}
    else:
        pair = _pair(base, name, settings)
    known = {record.run_id: record for record in lab().runs(job="classification")}
    missing = [title for title, config in pair.items() if config.run_id not in known]
    if missing:
        st.info(
            _(
                "{ending} not trained on this split yet: about "
                "{title} each on one core. The simple methods below were trained just now.",
                ending=_("The networks are") if len(missing) > 1 else _("One network is"),
                title=PRESETS[DEFAULT_PRESET].title,
            )
        )
        st.button(
            _("Train both") if len(missing) > 1 else _("Train it"),
            type="primary",
            icon=":material/play_arrow:",
            key="worth-train",
            on_click=submit_all,
            args=([pair[title] for title in missing],),
            help=_("Starts what is missing in the table. You may leave the page meanwhile."),
        )
    live = any(known[config.run_id].live for config in pair.values() if config.run_id in known)
    kept_current(_table, every=REFRESH_SECONDS if live else LOOK_AGAIN_SECONDS)(name, settings, split, pair, live)


@said(N_("compare the methods"))
def _table(
    name: str, settings: dict[str, Any], split: Split, pair: dict[str, ClassificationConfig], was_live: bool
) -> None:
    records = {record.run_id: record for record in lab().runs(job="classification")}
    rows: list[dict[str, Any]] = []
    simple = simple_qualities([simple_call(name, method, settings) for method in SIMPLE])
    for method, (found, seconds) in zip(SIMPLE, simple, strict=True):
        rows.append(_row(begin(method), found, seconds, "–"))
    live = False
    for title, config in pair.items():
        record = records.get(config.run_id)
        live |= record is not None and record.live
        rows.append(_run_row(begin(title), record, split))
    asked = {config.run_id for config in pair.values()}
    others = [
        record
        for record in records.values()
        if record.run_id not in asked
        and not is_study(config_of(record))
        and _same_test(config_of(record), name, settings)
        and quality_of_run(record, split) is not None
    ]
    for record in others[:_MOST_OTHERS]:
        config = config_of(record)
        start = _(", random start") if config.start == "random" else ""
        labels = "" if config.n_train is None else _(", {n_train:,} labels", n_train=config.n_train)
        title = f"{_(WHAT_LEARNS[config.trainable])}{start}{labels} · {record.run_id[:4]}"
        rows.append(_run_row(title, record, split))
    measured = pd.DataFrame([row for row in rows if row["accuracy"] is not None])
    best = measured.loc[measured["accuracy"].idxmax()]
    chart = pd.DataFrame(
        {
            "method": measured["method"],
            "value": 100 * measured["accuracy"],
            "low": 100 * measured["low"],
            "high": 100 * measured["high"],
            "shown": [_("{value:.2f} %", value=100 * value) for value in measured["accuracy"]],
        }
    )
    figures.compared(
        chart,
        title=_("Test accuracy, with 95 % intervals"),
        value_title=_("Test accuracy (%)"),
        summary=_(
            "{method} is right most often here: {accuracy:.2%} of {n_test:,} texts. The "
            "commonest class alone gives {iloc:.2%}.",
            method=best["method"],
            accuracy=best["accuracy"],
            n_test=len(split.test),
            iloc=measured["accuracy"].iloc[0],
        ),
    ).show()
    which = _("F1 of the rarer class") if len(split.test.label_names) == 2 else _("mean F1")
    show_table(
        pd.DataFrame(
            {
                N_("method"): [row["method"] for row in rows],
                N_("accuracy (%)"): [
                    None if row["accuracy"] is None else round(100 * row["accuracy"], 2) for row in rows
                ],
                N_("95 % interval"): [row["interval"] for row in rows],
                which: [None if row["f1"] is None else round(row["f1"], 4) for row in rows],
                N_("training (s)"): [row["seconds"] for row in rows],
                N_("learning numbers"): [row["numbers"] for row in rows],
                N_("state"): [row["state"] for row in rows],
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
        "interval": "–"
        if found is None
        else _("{interval:.1%} to {interval_2:.1%}", interval=found.interval[0], interval_2=found.interval[1]),
        "f1": None if found is None else found.f1,
        "seconds": None if seconds is None else round(seconds, 2),
        "numbers": numbers,
        "state": state,
    }


def _run_row(title: str, record: RunRecord | None, split: Split) -> dict[str, Any]:
    if record is None:
        return _row(title, None, None, "–", _("not trained yet"))
    word = STATES[record.state][1]
    if record.live:
        word += f", {number(record.progress, '.0%')}"
    counted = counts_of(record.run_id, record.attempt, record.step > 0)
    numbers = number(counted["n_trainable"]) if counted else "–"
    return _row(title, quality_of_run(record, split), record.seconds or None, numbers, word)
