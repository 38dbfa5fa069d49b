"""What the run panel draws, read from the run service and shaped for the charts.

Watchers of the same run share the work: everything is cached under the number of the last event seen.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from engine.language import N_, _, number, retold
from engine.runs.records import RunRecord
from pages.shared.text_source import english_title
from pages.shared.viewer import lab

MAX_POINTS = 400
SHARED_SECONDS = 0.6  # a little less than a panel waits between two looks


@dataclass(frozen=True)
class RunView:
    """One run ready to draw. `losses`: step, tokens, seconds, loss, series, run. `speeds`: one row per step drawn.

    `evaluation`: the newest one's numbers, empty before the first. `sources`: step, tokens, seconds, run (the title of
    the source), loss, bits_per_byte of every evaluation of a mixture; empty for a single text.
    """

    record: RunRecord
    losses: pd.DataFrame
    speeds: pd.DataFrame
    marks: list[dict[str, Any]]
    evaluation: dict[str, Any]
    sources: pd.DataFrame
    baselines: dict[str, float]
    samples: list[dict[str, Any]]


def view(record: RunRecord, name: str) -> RunView:
    """Everything about one run as it is at this moment."""
    stamp = _stamps().of(record)
    losses, speeds, marks, evaluation, sources = _curves(record.run_id, name, stamp)
    baselines, samples = _reports(record.run_id, stamp)
    return RunView(record, losses, speeds, marks, evaluation, sources, baselines, samples)


class _Stamps:
    """Lets those who watch a live run share what one of them read: its record changes several times a second, and
    without this everyone would read a state of their own. Safe to share between threads.
    """

    def __init__(self) -> None:
        self._newest: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def of(self, record: RunRecord) -> str:
        """Names the state of the run that is to be shown: its own, or that of at most a second ago while it is live."""
        own, now = f"{record.attempt}:{record.step}:{record.state}:{record.updated_at}", time.monotonic()
        if not record.live:
            return own
        key = f"{record.run_id}:{record.attempt}:{record.state}"
        with self._lock:
            at, stamp = self._newest.get(key, (float("-inf"), ""))
            if now - at >= SHARED_SECONDS:
                self._newest = {each: kept for each, kept in self._newest.items() if now - kept[0] < 60.0}
                self._newest[key] = now, own
                return own
        return stamp


@st.cache_resource(show_spinner=False)
def _stamps() -> _Stamps:
    return _Stamps()


@st.cache_data(max_entries=64, show_spinner=False)
def _curves(
    run_id: str, name: str, stamp: str
) -> tuple[pd.DataFrame, pd.DataFrame, list[dict[str, Any]], dict[str, Any], pd.DataFrame]:
    curve = lab().curve(run_id, MAX_POINTS)
    rows = [
        {"step": p["step"], "tokens": p["tokens"], "seconds": p["seconds"], "loss": p["loss"], "series": "train"}
        for p in curve.steps
    ] + [
        {
            "step": p["step"],
            "tokens": p["tokens"],
            "seconds": p["seconds"],
            "loss": p["validation_loss"],
            "series": "validation",
        }
        for p in curve.evaluations
    ]
    losses = pd.DataFrame(rows, columns=["step", "tokens", "seconds", "loss", "series"])
    losses["run"] = name
    columns = ["step", "tokens", "seconds", "learning_rate", "gradient_norm", "tokens_per_second"]
    speeds = pd.DataFrame([{c: p[c] for c in columns} for p in curve.steps], columns=columns)
    evaluation = curve.evaluations[-1] if curve.evaluations else {}
    return losses, speeds, curve.controls, evaluation, _by_source(curve.evaluations)


def _by_source(evaluations: list[dict[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            **{column: evaluation[column] for column in ("step", "tokens", "seconds")},
            "run": english_title(source["name"]),
            "loss": source["validation_loss"],
            "bits_per_byte": source["bits_per_byte"],
        }
        for evaluation in evaluations
        for source in evaluation.get("sources", ())
    ]
    return pd.DataFrame(rows, columns=["step", "tokens", "seconds", "run", "loss", "bits_per_byte"])


@st.cache_data(max_entries=64, show_spinner=False)
def _reports(run_id: str, stamp: str) -> tuple[dict[str, float], list[dict[str, Any]]]:
    baselines: dict[str, float] = {}
    samples: list[dict[str, Any]] = []
    for event in lab().events(run_id, kinds=("baselines", "sample")):
        if event.kind == "baselines":
            baselines = {k: v for k, v in event.payload.items() if k in ("uniform", "unigram", "bigram", "trigram")}
        else:
            samples.append(event.payload)
    return baselines, samples


def run_name(record: RunRecord) -> str:
    """A name for pickers and legends: the label and the first digits of the id."""
    return f"{retold(record.label) or _('run')} · {record.run_id[:6]}"


def flat_config(record: RunRecord) -> dict[str, Any]:
    """The settings of a run as one level of names, for a table of differences."""
    flat: dict[str, Any] = {}
    for name, value in record.config_dict.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": item for inner, item in value.items()})
        elif name == "corpora":
            flat["text"] = " + ".join(f"{corpus[:14]} {number(weight, '.0%')}" for corpus, weight in value)
        else:
            flat[name] = value
    return flat


def differences(records: list[RunRecord]) -> pd.DataFrame:
    """One column a run: what came out, then the settings that are not the same in all of them."""
    columns = {}
    for record in records:
        evaluations = lab().curve(record.run_id, 2).evaluations
        best = min((e["validation_loss"] for e in evaluations), default=None)
        bits = evaluations[-1]["bits_per_byte"] if evaluations else None
        columns[run_name(record)] = {
            "state": record.state,
            "steps": record.step,
            N_("training seconds"): round(record.seconds, 1),
            N_("validation loss (nats per token)"): record.validation_loss,
            N_("best validation loss"): best,
            N_("bits per byte"): bits,
            **flat_config(record),
        }
    table = pd.DataFrame(columns)
    measured = table.index[:6]
    differing = [name for name in table.index[6:] if table.loc[name].astype(str).nunique() > 1]
    return table.loc[[*measured, *differing]].map(lambda v: number(v, ".4g") if isinstance(v, float) else str(v))
