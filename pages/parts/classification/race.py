"""Head only, last block, everything or LoRA: the same number of steps, side by side while they train."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine import classification, lora
from engine.classification_metrics import quality
from engine.errors import CorpusError, EngineError
from engine.labelled import Split
from engine.language import N_, _, number
from engine.runs.classifying import ClassificationConfig, classification_config
from engine.runs.records import RunRecord
from pages.parts.classification.methods import counts_of
from pages.parts.classification.source import (
    WHAT_LEARNS,
    chosen_data,
    data_title,
    default_base,
    label_of,
    recorded_test,
    split_now,
    split_settings,
)
from pages.parts.classification.train import evaluations
from pages.shared import charts
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice
from pages.shared.live import kept_current
from pages.shared.quantities import estimate
from pages.shared.run_panel import LOOK_AGAIN_SECONDS, REFRESH_SECONDS, STATES
from pages.shared.tables import show_table
from pages.shared.viewer import lab

LENGTHS = (60, 150, 300)
_SECONDS_A_STEP = {"all": 0.35, "last block": 0.18, "lora": 0.3, "head": 0.12}
_AXES = {"step": N_("step"), "seconds": N_("seconds of training")}
_EVALUATIONS = 12


def show() -> None:
    """The part "Race"."""
    st.markdown(
        _(
            "The same pretrained model, the same texts, the same number of steps. What differs is **how much of it may "
            "learn**: the new head alone, the last block too, everything, or LoRA's thin updates beside frozen "
            "matrices."
        )
    )
    name, settings = chosen_data(), split_settings()
    st.text(_("Data: {data_title}", data_title=data_title(name)))
    base = default_base()
    if base is None:
        st.info(_("There is no pretrained model yet. Train one in **Pretraining**; half a minute is enough to begin."))
    else:
        try:
            _race(base, name, settings, split_now(name, settings))
        except CorpusError as error:
            st.error(sentence(error), icon=":material/error:")
    notice(
        _(
            "By step, everything usually leads; by seconds the head alone starts fast, for its gradient ends at the "
            "top."
        ),
        _(
            "LoRA learns a few per cent of the numbers but still computes the gradient through the whole body: it "
            "saves memory more than time."
        ),
        _("Memory for gradients and the optimizer grows with what learns, not with what is frozen."),
    )
    exercise(
        _(
            "At the scale of GPT-3 one copy of gradients and optimizer state would take 12 bytes for each of 175 "
            "billion numbers. How much is that, and how much with LoRA at 0.01 % of the numbers?"
        ),
        _(
            "2.1 terabytes against about 0.2 gigabytes. Hu et al. (2021) let ten thousand times fewer numbers learn "
            "than full fine-tuning does, and lose nothing: that is why large models are adapted this way."
        ),
    )
    show_code(classification.Classifier._choose_trainable, lora.LoRALinear, lora.add_lora)


def race_configs(
    base: str, name: str, settings: dict[str, Any], entrants: list[str], steps: int
) -> dict[str, ClassificationConfig]:
    """The run of every entrant."""
    training = {"steps": steps, "seconds": None, "evaluations": _EVALUATIONS}
    return {
        each: classification_config(base, data=name, trainable=each, training=training, **settings) for each in entrants
    }


def _race(base: str, name: str, settings: dict[str, Any], split: Split) -> None:
    left, middle, right = st.columns([2.2, 1.2, 1.2])
    chosen = left.pills(
        _("Entrants"),
        list(WHAT_LEARNS),
        selection_mode="multi",
        default=list(WHAT_LEARNS),
        format_func=lambda each: _(WHAT_LEARNS[each]),
        key="race-entrants",
        persist_state="session",
        help=_("What may learn in each of the runs."),
    )
    steps = middle.segmented_control(
        _("Steps"),
        list(LENGTHS),
        format_func=_,
        default=LENGTHS[1],
        required=True,
        key="race-steps",
        persist_state="session",
        help=_("The same for all."),
    )
    axis = right.segmented_control(
        _("Horizontal axis"),
        list(_AXES),
        default="step",
        required=True,
        format_func=lambda each: _(_AXES[each]),
        key="race-axis",
        persist_state="session",
        help=_("Steps compare what an update brings, seconds what the time brings."),
    )
    if not chosen:
        st.info(_("Choose at least one entrant."))
        return
    entrants = [each for each in WHAT_LEARNS if each in chosen]
    configs = race_configs(base, name, settings, entrants, steps)
    known = {record.run_id: record for record in lab().runs(job="classification")}
    missing = [config for config in configs.values() if config.run_id not in known]
    if missing:
        seconds = sum(steps * _SECONDS_A_STEP[config.trainable] + 15 for config in missing)
        st.button(
            _(
                "Start {ending} (about {seconds} of one core)",
                ending=_("the race") if len(missing) == len(configs) else _("those that are missing"),
                seconds=estimate(seconds),
            ),
            type="primary",
            icon=":material/flag:",
            key="race-start",
            on_click=_submit,
            args=(missing,),
            help=_("As many train at a time as the server has places; the clock of each counts its own training only."),
        )
    live = any(known[config.run_id].live for config in configs.values() if config.run_id in known)
    kept_current(_panel, every=REFRESH_SECONDS if live else LOOK_AGAIN_SECONDS)(configs, split, axis, live)


def _submit(configs: list[ClassificationConfig]) -> None:
    for config in configs:
        try:
            lab().submit(config, label_of(config))
        except EngineError as error:
            st.toast(sentence(error), icon=":material/info:")
            return


def _panel(configs: dict[str, ClassificationConfig], split: Split, axis: Any, was_live: bool) -> None:
    records = {record.run_id: record for record in lab().runs(job="classification")}
    ours = {each: records[config.run_id] for each, config in configs.items() if config.run_id in records}
    if not ours:
        st.info(_("Nobody has started yet. Press the button; the curves then grow here side by side."))
        return
    rows = [
        {
            "step": m["step"],
            "seconds": m["seconds"],
            "run": _(WHAT_LEARNS[each]),
            "value": 100 * m["validation_accuracy"],
        }
        for each, record in ours.items()
        for m in evaluations(record.run_id, f"{record.attempt}:{record.step}:{record.state}:{record.updated_at}")
    ]
    if rows:
        frame = pd.DataFrame(rows)
        charts.small_line(frame, "value", _("Validation accuracy"), _("% of texts"), x=axis, points=True).show(
            caption=False
        )
        newest = frame.sort_values("step").groupby("run", sort=False).last()
        leader = str(newest["value"].idxmax())
        st.caption(
            _(
                "{leader} is in front with {max:.2f} % of {n_validation:,} validation texts, "
                "after {loc:,.0f} steps and {loc_2:.0f} s of its training.",
                leader=leader,
                max=newest["value"].max(),
                n_validation=len(split.validation),
                loc=newest.loc[leader, "step"],
                loc_2=newest.loc[leader, "seconds"],
            )
        )
    show_table(
        pd.DataFrame([_row(each, record, split) for each, record in ours.items()]), hide_index=True, width="stretch"
    )
    st.caption(
        _(
            "Memory is computed, not measured: four bytes of gradient and eight of the optimizer's averages (at most) "
            "for each number that learns."
        )
    )
    if rows:
        with st.expander(_("The curves as a table"), icon=":material/table:"):
            table = frame.rename(columns={"value": "validation accuracy (%)", "run": "what learns"}).round(2)
            show_table(table, hide_index=True, width="stretch")
    live = any(record.live for record in ours.values())
    if was_live != live:
        st.rerun()


def _row(each: str, record: RunRecord, split: Split) -> dict[str, Any]:
    counted = counts_of(record.run_id, record.attempt, record.step > 0)
    n_learning, n = counted.get("n_trainable"), counted.get("n_parameters")
    measured = evaluations(record.run_id, f"{record.attempt}:{record.step}:{record.state}:{record.updated_at}")
    said = recorded_test(record.run_id, record.attempt, record.state)
    judged = None if said is None or len(said) != len(split.test) else quality(split.test.labels, said)
    state = STATES[record.state][1] + (f", {number(record.progress, '.0%')}" if record.live else "")
    return {
        N_("what learns"): WHAT_LEARNS[each],
        N_("learning numbers"): n_learning,
        N_("share (%)"): None if n_learning is None else round(100 * n_learning / n, 2),
        N_("step"): record.step,
        N_("seconds"): round(record.seconds, 1),
        N_("validation accuracy (%)"): round(100 * measured[-1]["validation_accuracy"], 2) if measured else None,
        N_("test accuracy (%)"): None if judged is None else round(100 * judged.accuracy, 2),
        N_("test F1"): None if judged is None else round(judged.f1, 3),
        N_("gradients and optimizer (MB)"): None if n_learning is None else round(12 * n_learning / 1e6, 2),
        N_("state"): state,
    }
