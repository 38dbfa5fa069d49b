"""Part: the same pairs learned in different ways: all weights, LoRA, the last block; the prompt masked or not."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine import lora, tuning
from engine.errors import EngineError, StoreUnavailable
from engine.instructions import collate
from engine.language import N_, _, number
from engine.runs.instructing import PRESETS, InstructionConfig, instruction_config
from engine.runs.records import RunRecord
from pages.parts.instructions.source import chosen_data, chosen_template, set_title, submit
from pages.shared import charts
from pages.shared.base_model import choose_base
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice
from pages.shared.live import kept_current
from pages.shared.run_panel import LOOK_AGAIN_SECONDS, REFRESH_SECONDS, STATES
from pages.shared.tables import show_table
from pages.shared.viewer import lab

_SECONDS = {30: N_("½ minute each"), 60: N_("1 minute each"), 90: N_("1½ minutes each")}
_FLOAT = 4
_RACES = {"ways": N_("All weights, LoRA, last block"), "mask": N_("Prompt masked or not")}


def show() -> None:
    """Draw the part."""
    st.markdown(
        _("Several runs begin with the same model, read the same pairs in the same order, and differ in one thing.")
    )
    base = choose_base("instruction")
    data = chosen_data()
    if base is not None and data is not None:
        left, right = st.columns(2)
        race = left.segmented_control(
            _("Compare"),
            list(_RACES),
            default="ways",
            required=True,
            format_func=lambda each: _(_RACES[each]),
            key="compare-race",
            persist_state="session",
            help=_("What differs between the runs."),
            wrap=True,
        )
        seconds = right.select_slider(
            _("Training time"),
            list(_SECONDS),
            60,
            format_func=lambda each: _(_SECONDS[each]),
            key="compare-seconds",
            persist_state="session",
            help=_("On one core each; runs wait for a free one."),
        )
        try:
            kept = lab().keep_model(base.run_id, base.step)
            configs = _configs(race, data, kept, float(seconds))
        except EngineError as error:
            st.warning(sentence(error))
        else:
            _race(configs, set_title(data))
    elif base is not None:
        st.warning(_("Your own pairs are not ready: open **Data and template** and fill the table in."))
    notice(
        _(
            "LoRA trains a few per cent of the weights and needs the optimizer's memory for those alone. A step still "
            "reads all weights forward and back, so it is hardly faster."
        ),
        _(
            "In large models the update that fine-tuning needs has low rank, so LoRA loses little. In a model as small "
            "as this one there is less to spare."
        ),
        _("With the prompt not masked, a part of every gradient goes into learning to ask."),
    )
    exercise(
        _(
            "Which way keeps most of what the model could do before? Guess first, then look at *What it has forgotten* "
            "for each of the runs."
        ),
        _(
            "The one that changes fewest weights least. LoRA's frozen matrices are still there: with the update's "
            "strength at zero the old model is back, exactly."
        ),
    )
    show_code(lora.LoRALinear, lora.add_lora, tuning.choose_tunable, collate)


def _configs(race: str, data: str, base: str, seconds: float) -> dict[str, InstructionConfig]:
    template = chosen_template()
    common: dict[str, Any] = {"template": (template.without_input, template.with_input)}
    training = {"seconds": seconds}
    if race == "ways":
        return {
            preset.title: instruction_config(data, base, name, training=training, **common)
            for name, preset in PRESETS.items()
        }
    return {
        title: instruction_config(data, base, training=training, mask_prompt=mask, **common)
        for title, mask in ((_("Prompt masked"), True), (_("Prompt learned too"), False))
    }


def _race(configs: dict[str, InstructionConfig], title: str) -> None:
    known = {record.run_id: record for record in lab().runs(job="instructions")}
    missing = {name: config for name, config in configs.items() if config.run_id not in known}
    if missing:
        st.button(
            _(
                "Start {n_missing} run{ending}: {join}",
                n_missing=len(missing),
                ending="s" if len(missing) > 1 else "",
                join=", ".join(missing),
            ),
            type="primary",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(list(missing.values()),),
            help=_("Fine-tunes on {title} once for each. You may leave the page meanwhile.", title=title),
        )
    there = {name: config for name, config in configs.items() if config.run_id in known}
    if not there:
        st.info(_("None of these runs is there yet. Start them; their curves then appear here, one over the other."))
        return
    live = any(known[config.run_id].live for config in there.values())
    names = {config.run_id: name for name, config in there.items()}
    kept_current(_figures, every=2 * REFRESH_SECONDS if live else LOOK_AGAIN_SECONDS)(names, live)


def _start(configs: list[InstructionConfig]) -> None:
    for config in configs:
        submit(config)


def _figures(names: dict[str, str], was_live: bool) -> None:
    records: dict[str, RunRecord] = {}
    for run_id, name in names.items():
        try:
            records[name] = lab().run(run_id)
        except StoreUnavailable:
            raise
        except EngineError:
            st.rerun()  # deleted by somebody
    curves = _evaluations(tuple((name, r.run_id, f"{r.attempt}:{r.step}:{r.state}") for name, r in records.items()))
    if not curves.empty:
        left, right = st.columns(2)
        for column, value, heading, unit in (
            (left, "exact", _("Exact match, held out"), "%"),
            (right, "loss", _("Loss of held-out answers"), _("nats per token")),
        ):
            with column:
                charts.small_line(curves, value, heading, unit, x="seconds", points=True).show(caption=False)
    rows = [_row(name, record) for name, record in records.items()]
    show_table(pd.DataFrame(rows), hide_index=True, width="stretch")
    st.caption(_sentence(curves))
    if any(record.live for record in records.values()):
        with st.container(horizontal=True):
            for name, record in records.items():
                if record.live:
                    st.button(
                        _("Stop {name}", name=name),
                        key=f"compare-stop:{record.run_id}",
                        icon=":material/stop:",
                        disabled=not record.step,
                        on_click=_stop,
                        args=(record.run_id,),
                        help=_("End this run here and keep its model as it is now."),
                    )
    if was_live != any(record.live for record in records.values()):
        st.rerun()


def _stop(run_id: str) -> None:
    try:
        lab().request(run_id, "stop")
    except EngineError as error:
        st.toast(sentence(error), icon=":material/info:")


@st.cache_data(max_entries=32, show_spinner=False)
def _evaluations(runs: tuple[tuple[str, str, str], ...]) -> pd.DataFrame:
    rows = [
        {
            "run": name,
            "step": each["step"],
            "seconds": each["seconds"],
            "exact": 100 * each["exact_match"],
            "loss": each["validation_loss"],
        }
        for name, run_id, _unused in runs
        for each in lab().curve(run_id, 1).evaluations
    ]
    return pd.DataFrame(rows, columns=[N_("run"), N_("step"), N_("seconds"), N_("exact"), N_("loss")])


def _row(name: str, record: RunRecord) -> dict[str, Any]:
    counted = lab().events(record.run_id, kinds=("instructions",))
    evaluations = lab().curve(record.run_id, 1).evaluations
    row: dict[str, Any] = {N_("Run"): name, N_("State"): _(STATES[record.state][1]), N_("Steps"): record.step}
    if counted:
        numbers = counted[-1].payload
        learned = numbers["n_trainable"]
        row[N_("Weights that learn")] = f"{number(learned)} ({number(learned / numbers['n_parameters'], '.1%')})"
        # Gradient, and AdamW's two running means, for each weight that learns.
        row[N_("Memory for learning")] = _("{value:.1f} MB", value=3 * _FLOAT * learned / 1e6)
        row[N_("Saved apart")] = _("{value:.1f} MB", value=_FLOAT * learned / 1e6)
    if record.step:
        row[N_("Seconds a step")] = number(record.seconds / record.step, ".2f")
    if evaluations:
        row[N_("Loss of answers")] = number(evaluations[-1]["validation_loss"], ".3f")
        row[N_("Exact match")] = number(evaluations[-1]["exact_match"], ".1%")
    return row


def _sentence(curves: pd.DataFrame) -> str:
    if curves.empty:
        return _("The first evaluations come soon.")
    last = curves.sort_values("step").groupby("run").tail(1).set_index("run")
    best = last["exact"].idxmax()
    others = ", ".join(
        _("{run} {value:.0f} %", run=run, value=value) for run, value in last["exact"].items() if run != best
    )
    start = _(
        "{best} is ahead with {value:.0f} % of the held-out answers exactly right", best=best, value=last["exact"][best]
    )
    memory = _("Memory is that of gradients and AdamW's two means, float32; Muon keeps one mean less for matrices.")
    return f"{start}{f'; {others}' if others else ''}. {memory}"
