"""Which runs race: a prepared question, one setting with several values, or runs that are there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from engine.language import N_, _, number
from engine.runs.config import RunConfig
from engine.runs.races import MAX_LANES, MAX_SEEDS, RACES, SETTINGS, race_configs
from pages.shared.run_data import run_name
from pages.shared.text_source import corpora
from pages.shared.viewer import lab

STEPS = (100, 200, 400, 800)
SEEDS = (1, 3, 5)
TEXT = "stories"
NATS, BITS, PREDICTED = N_("nats per token"), N_("bits per byte"), N_("nats per predicted token")


@dataclass(frozen=True)
class Heat:
    """A race as it is shown: the runs of each lane by the lane's name; `configs` where they can be started here."""

    lanes: dict[str, tuple[str, ...]]
    unit: str
    configs: dict[str, tuple[RunConfig, ...]]
    two_tasks: bool = False

    @property
    def run_ids(self) -> tuple[str, ...]:
        return tuple(run_id for ids in self.lanes.values() for run_id in ids)


def ready_made() -> Heat:
    """A race whose question is prepared."""
    names = list(RACES)
    left, right = st.columns([1, 1])
    name = left.selectbox(
        _("What differs"),
        names,
        format_func=lambda each: _(RACES[each].title),
        key="race-name",
        persist_state="session",
        help=_("Everything else is the same in all lanes."),
    )
    race = RACES[name]
    with right:
        corpus = _choose_text()
    st.markdown(f"*{_(race.question)}*")
    configs = race_configs(race.entries, corpus, *_choose_length())
    if race.two_tasks:
        return replace(_heat(configs, PREDICTED), two_tasks=True)
    return _heat(configs, BITS if race.in_bits else NATS)


def of_one_setting() -> Heat | None:
    """A race of up to four values of one setting; None, with advice, for fewer than two."""
    left, right = st.columns([1, 1])
    name = left.selectbox(
        _("Setting"),
        list(SETTINGS),
        format_func=lambda each: _(SETTINGS[each].title),
        key="race-setting",
        persist_state="session",
        help=_("The lanes differ in this alone; the rest is the recipe for half a minute."),
    )
    with right:
        corpus = _choose_text()
    setting = SETTINGS[name]
    chosen = st.pills(
        _("Up to {max_lanes} values", max_lanes=MAX_LANES),
        list(setting.values),
        selection_mode="multi",
        default=list(setting.values[:2]),
        format_func=lambda value: number(value) if isinstance(value, int) else _(value),
        key=f"race-values-{name}",
        persist_state="session",
        help=_("One lane for each."),
    )
    values = [value for value in setting.values if value in (chosen or [])]
    length = _choose_length()
    if not 2 <= len(values) <= MAX_LANES:
        st.info(_("Choose two to {max_lanes} values: {n_values} chosen.", max_lanes=MAX_LANES, n_values=len(values)))
        return None
    configs = race_configs(tuple(setting.entry(value) for value in values), corpus, *length)
    return _heat(configs, BITS if name == "vocab_size" else NATS)


def of_runs() -> Heat | None:
    """A race of runs that exist already; None, with advice, for fewer than two."""
    records = {record.run_id: record for record in lab().runs() if record.step > 0}
    chosen = st.multiselect(
        _("Up to {max_lanes} runs", max_lanes=MAX_LANES),
        list(records),
        max_selections=MAX_LANES,
        format_func=lambda run_id: _(run_name(records[run_id])),
        key="race-runs",
        persist_state="session",
        help=_("The first one is what the others are compared with."),
    )
    chosen = [run_id for run_id in chosen if run_id in records]
    if len(chosen) < 2:
        st.info(_("Choose at least two runs. If there are none, train some in **Train**, or start a ready-made race."))
        return None
    settings = [records[run_id].config_dict for run_id in chosen]
    same_tokens = len({str([each.get(n) for n in _TOKENS]) for each in settings}) == 1
    if len({str([each.get(n) for n in _TEXTS]) for each in settings}) > 1:
        st.warning(_("These runs read different texts or are checked on different parts: their losses do not compare."))
    elif not same_tokens:
        st.caption(_("These runs cut the text into different tokens, so they are compared in bits per byte."))
    names = {run_name(records[run_id]).replace("'", "’"): (run_id,) for run_id in chosen}
    return Heat(names, NATS if same_tokens else BITS, {})


_TEXTS = ("corpora", "n_chars", "validation_fraction")
_TOKENS = (*_TEXTS, "tokenizer_kind", "vocab_size")


def _heat(configs: dict[str, tuple[RunConfig, ...]], unit: str) -> Heat:
    told = {_(name): runs for name, runs in configs.items()}
    return Heat({name: tuple(run.run_id for run in runs) for name, runs in told.items()}, unit, told)


def _choose_text() -> str:
    names = [name for name, info in corpora().items() if info.available]
    text: str = st.selectbox(
        _("Text"),
        names,
        index=names.index(TEXT) if TEXT in names else 0,
        format_func=lambda name: _(corpora()[name].title),
        key="race-text",
        persist_state="session",
        help=_("All lanes read the same million characters of it, in the same order for the same seed."),
    )
    return text


def _choose_length() -> tuple[int, tuple[int, ...]]:
    left, right = st.columns([1, 1])
    steps = left.segmented_control(
        _("Steps of each lane"),
        list(STEPS),
        format_func=_,
        default=STEPS[1],
        required=True,
        key="race-steps",
        persist_state="session",
        help=_(
            "Fixed, so that the result is the same on every machine. The learning rate falls towards the last step, "
            "so 200 steps are not the beginning of 800."
        ),
    )
    n_seeds = right.segmented_control(
        _("Seeds"),
        list(SEEDS),
        format_func=_,
        default=SEEDS[0],
        required=True,
        key="race-seeds",
        persist_state="session",
        help=_(
            "How often each lane runs, with other weights and batches each time; at most {max_seeds}. Only several "
            "seeds tell a better recipe from luck.",
            max_seeds=MAX_SEEDS,
        ),
    )
    return int(steps), tuple(range(int(n_seeds)))
