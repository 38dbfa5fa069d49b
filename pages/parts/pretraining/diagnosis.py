"""Part "Is it normal?": what the record of a run says about it, what to try instead, and runs broken on purpose."""

from __future__ import annotations

import copy
import dataclasses
from functools import lru_cache
from typing import Any

import pandas as pd
import streamlit as st

from engine import diagnosis
from engine.diagnosis import HEALTHY, TITLES, Diagnosis, Finding, diagnose
from engine.errors import ConfigError, EngineError, StoreUnavailable
from engine.faults import FAULTS, Fault, laboratory_config
from engine.language import N_, _, number
from engine.run_facts import RunFacts, leak_check, leak_of
from engine.runs.config import RunConfig
from engine.runs.records import RunRecord
from pages.shared import charts
from pages.shared.aside import NotYet, computed
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence
from pages.shared.examples import example_foundation, example_run
from pages.shared.lesson import exercise, notice
from pages.shared.lesson_runs import stamp_of
from pages.shared.live import kept_current
from pages.shared.models import ModelChoice, held_out_named, model_named
from pages.shared.quantities import estimate
from pages.shared.run_data import RunView, run_name, view
from pages.shared.run_panel import BASELINE_NAMES, LOOK_AGAIN_SECONDS, REFRESH_SECONDS, show_controls, show_status
from pages.shared.tables import show_table
from pages.shared.text_source import corpora
from pages.shared.training_form import expected_seconds
from pages.shared.viewer import lab
from pages.shared.wording import inside

MYSTERY = "Mystery "  # as labels of runs begin, in English
"""What the runs of the bug hunt are called: they are not diagnosed here, which would give them away."""

_RUN = "diagnosed-run"
_BESIDE = "diagnosed-beside"
_CHECKED = "diagnosed-checked"
_SECONDS_A_LAYER = 0.03  # for a step of the laboratory run, measured
_CHEAP_CHARS = 2_000_000  # so much text is read for the look into the model without being asked
_BOXES = {"fine": st.success, "note": st.info, "warning": st.warning, "fault": st.error}
_ICONS = {
    "fine": ":material/check_circle:",
    "note": ":material/hourglass_top:",
    "warning": ":material/error:",
    "fault": ":material/troubleshoot:",
}
_NAMES = {
    "training.learning_rate": N_("Learning rate (AdamW)"),
    "training.matrix_learning_rate": N_("Learning rate (Muon)"),
    "training.warmup": N_("Warmup, share of the steps"),
    "training.steps": N_("Steps"),
    "training.seconds": N_("Seconds"),
    "training.optimizer": N_("Optimizer"),
    "training.target_shift": N_("Target is the token … places on"),
    "model.causal": N_("Causal mask"),
    "model.positions": N_("Positions"),
    "model.residual": N_("Residual stream"),
    "model.norm": N_("Normalisation"),
    "model.n_heads": N_("Heads"),
    "model.n_layers": N_("Layers"),
    "n_chars": N_("Characters of text"),
}
_USUAL = {"training.target_shift": 1, "model.residual": True, "model.norm": "layer"}


def show() -> None:
    """The part of the lesson."""
    st.markdown(
        _(
            "Every run leaves a record: losses, gradients, how far each layer moved. These rules read it as an "
            "engineer would, say what they see with the numbers, and what to try instead."
        )
    )
    left, right = st.columns([1, 2], gap="large")
    with left:
        run_id = _choose_run()
        _break_it()
    with right:
        if run_id is None:
            st.info(_("No run yet. Break one on the left, or train one in **Train**."))
        else:
            beside = _beside(run_id)
            live = any(lab().run(each).live for each in (run_id, *([beside] if beside else [])))
            kept_current(_panel, every=REFRESH_SECONDS if live else LOOK_AGAIN_SECONDS)(run_id, beside, live)
    notice(
        _(
            "The baselines are milestones: a healthy run passes *unigram* early and *bigram* later. A run that rests "
            "at one of them has a reason."
        ),
        _(
            "A climb of the **training** loss is a matter of the learning rate. A climb of the **validation** loss "
            "alone is learning by heart."
        ),
        _("The best-looking curve of all is the most suspicious one: text cannot be predicted to a loss near 0."),
        _(
            "Not every fault shows in one curve. Without positions or with one head the run looks healthy: only a race "
            "against the sound run tells."
        ),
    )
    exercise(
        _(
            "Train “Causal mask off” and look at the last position of a window only. Why is its loss so much higher "
            "than the reported one, and why would nobody notice before generating text?"
        ),
        _(
            "At the last position there is no later token to look at, so the model must really predict, which it never "
            "learned. Training and validation loss are both measured with the future in view, so both look wonderful. "
            "When it writes, every new token is at the last position."
        ),
    )
    show_code(diagnosis.diagnose, *diagnosis.RULES, leak_check)


# --- which run -----------------------------------------------------------------------------------------------


def _choose_run() -> str | None:
    foundation = example_foundation() or example_run()
    answered = {f"{MYSTERY}{number}" for number in st.session_state.get("hunt-answers", {})}
    names = {
        record.run_id: run_name(record)
        for record in lab().runs()
        if not record.label.startswith(MYSTERY) or record.label in answered
    }
    ids = list(names)
    if not ids:
        return None
    if st.session_state.get(_RUN) not in ids:
        wanted = (st.query_params.get("run"), st.session_state.get("run_id"), foundation)
        st.session_state[_RUN] = next((each for each in wanted if each in ids), ids[0])
    return st.selectbox(
        _("Run to look at"),
        ids,
        format_func=lambda each: _(names[each]),
        key=_RUN,
        persist_state="session",
        help=_(
            "All runs on this server, the newest first. Mysteries of the bug hunt appear once you have named their "
            "fault."
        ),
    )


def _beside(run_id: str) -> str | None:
    """The run that this session started to compare with this one, if it is still there."""
    other = st.session_state.get(_BESIDE, {}).get(run_id)
    try:
        return lab().run(other).run_id if other else None
    except EngineError:
        return None


def _compare(run_id: str, config: RunConfig, label: str) -> None:
    """Train a changed run and draw it beside this one."""
    try:
        other = lab().submit(config, label)
    except EngineError as error:
        st.toast(sentence(error), icon=":material/info:")
        return
    st.session_state[_BESIDE] = {**st.session_state.get(_BESIDE, {}), run_id: other}


# --- break it --------------------------------------------------------------------------------------------------


def _break_it() -> None:
    st.header(_("Break it"), anchor=False)
    name = st.selectbox(
        _("What to break"),
        list(FAULTS),
        format_func=lambda each: _(FAULTS[each].title),
        key="break-fault",
        persist_state="session",
        help=_(
            "One thing is changed in a small, sound run on the stories. The number of steps is fixed, so that every "
            "machine computes the same curve."
        ),
    )
    fault = FAULTS[name]
    sound, broken = fault.sound(laboratory_config()), fault.broken(laboratory_config())
    st.markdown(fault.does)
    show_table(changes(sound, broken, (N_("sound"), N_("broken"))), hide_index=True, width="stretch")
    st.button(
        _("Break it and train (about {about})", about=about(broken)),
        type="primary",
        icon=":material/build:",
        key="break-train",
        width="stretch",
        on_click=_train_broken,
        args=(fault, broken, sound),
        help=_("Trains the broken run, or shows it at once if somebody has trained it already."),
    )
    st.button(
        _("Also train the sound run (about {about})", about=about(sound)),
        icon=":material/compare_arrows:",
        key="break-sound",
        width="stretch",
        on_click=_train_broken,
        args=(fault, broken, sound, True),
        help=_("Both curves in one chart: the sound run has the same seed and text."),
    )
    with st.expander(_("What should happen"), icon=":material/visibility:"):
        st.markdown(fault.look_for)
        st.markdown(_("The rules should then say: *{titles}*.", titles=_(TITLES[fault.expected])))


def _train_broken(fault: Fault, broken: RunConfig, sound: RunConfig, both: bool = False) -> None:
    try:
        run_id = lab().submit(broken, _("Broken: {title}", title=fault.title))
    except EngineError as error:
        st.toast(sentence(error), icon=":material/info:")
        return
    st.session_state[_RUN] = run_id
    if both:
        deeper = "" if sound == laboratory_config() else _(" (for “{title}”)", title=fault.title)
        _compare(run_id, sound, _("Sound laboratory run{deeper}", deeper=deeper))


def about(config: RunConfig) -> str:
    """How long a run takes on one quiet core, in words; small models take longer than their arithmetic."""
    seconds = max(expected_seconds(config), _SECONDS_A_LAYER * config.model.n_layers * (config.training.steps or 0))
    return estimate(max(5, 5 * round(seconds / 5)))


def changes(before: RunConfig, after: RunConfig, names: tuple[str, str]) -> pd.DataFrame:
    """The settings in which two configs differ, one row each."""
    old, new = _flat(before), _flat(after)
    rows = [
        {N_("setting"): _(_NAMES.get(name, name)), names[0]: _shown(old.get(name)), names[1]: _shown(new.get(name))}
        for name in sorted(set(old) | set(new))
        if old.get(name) != new.get(name)
    ]
    return pd.DataFrame(rows, columns=[N_("setting"), *names])


def _flat(config: RunConfig) -> dict[str, Any]:
    nested = config.to_dict()
    flat = {name: value for name, value in nested.items() if name not in ("model", "training", "corpora")}
    for part in ("model", "training"):
        flat |= {f"{part}.{name}": value for name, value in nested[part].items()}
    return {**_USUAL, **flat}


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return _("on") if value else _("off")
    return number(value) if isinstance(value, int) else number(value, "g") if isinstance(value, float) else str(value)


# --- the verdict -----------------------------------------------------------------------------------------------


def _panel(run_id: str, beside: str | None, was_live: bool) -> None:
    if _beside(run_id) != beside:
        st.rerun()  # a press in this fragment began a run to draw beside: the whole page has to know
    try:
        record = lab().run(run_id)
        other = lab().run(beside) if beside else None
    except StoreUnavailable:
        raise
    except EngineError:
        st.rerun()  # deleted by somebody: the page chooses another one
    run = view(record, run_name(record))
    if record.live or record.state in ("failed", "paused"):
        show_status(record)
        show_controls(record, run.marks)
    if run.losses.empty:
        if record.live:
            st.info(_("The diagnosis begins with the first evaluations."))
    else:
        try:
            verdict(record, run, other)
        except NotYet as waiting:
            waiting.show()
        except ConfigError as error:
            st.error(sentence(error), icon=":material/error:")
        except StoreUnavailable:
            raise
        except EngineError:
            st.rerun()  # deleted while it was read
    if was_live != (record.live or (other is not None and other.live)):
        st.rerun()


def verdict(record: RunRecord, run: RunView, other: RunRecord | None) -> None:
    """What the rules say of a run, the curve with the stretch that shows it, and what to try."""
    checked = record.run_id in st.session_state.get(_CHECKED, ())
    found = diagnosis_of(record.run_id, stamp_of(record), checked)
    main = found.main
    st.subheader(f"{_ICONS[main.severity]} {main.title}", anchor=False)
    advice = _("\n\n**What to do:** {advice}", advice=main.advice) if main.advice else ""
    _BOXES[main.severity](main.sentence + advice)
    views = [run]
    if other is not None:
        views.append(view(other, run_name(other)))
    baselines = {_(BASELINE_NAMES[name]): loss for name, loss in run.baselines.items()}
    points = pd.concat([each.losses for each in views if not each.losses.empty], ignore_index=True)
    figure = charts.loss_curves(points, baselines=baselines)
    marked_curve(figure, main).show()
    if other is not None:
        _beside_it(record, other)
    for finding in found.others:
        with st.container(border=True):
            st.markdown(_("**Also: {lower}**", lower=inside(finding.title)))
            st.markdown(finding.sentence)
    if main.remedy is not None and main.kind != HEALTHY:
        _try_this(record, main)
    _evidence(record, checked)
    curve_table(points)


def curve_table(points: pd.DataFrame) -> None:
    """The curve's points, folded away."""
    with st.expander(_("The curve as a table"), icon=":material/table:"):
        table = points[["run", "series", "step", "loss"]].rename(columns={"loss": N_("loss (nats per token)")})
        show_table(table.round(3), hide_index=True, width="stretch", words=["series"])


def marked_curve(figure: charts.Figure, finding: Finding) -> charts.Figure:
    """A chart of losses with the stretch of a finding shaded, and the sentence that says which."""
    if finding.kind in (HEALTHY, diagnosis.TOO_EARLY):
        return figure
    first, last = finding.stretch
    band = pd.DataFrame([{"layer": "stretch", "x": float(first), "until": float(max(last, first + 1)), "run": ""}])
    data = pd.concat([figure.data, band], ignore_index=True)
    data["label"] = data["label"].fillna("")
    summary = _(
        "{summary} Shaded: steps {first:,} to {last:,}, where it shows.", summary=figure.summary, first=first, last=last
    )
    return charts.Figure(data, _banded(_Spec(figure.spec)), figure.alt, summary)


class _Spec:
    """A specification as a key: two of the same identity are the same."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec

    def __hash__(self) -> int:
        return id(self.spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Spec) and self.spec is other.spec


@lru_cache(maxsize=64)
def _banded(key: _Spec) -> dict[str, Any]:
    """The specification with a shaded band behind the curves: from `x` to `until` of the row in layer "stretch"."""
    spec = copy.deepcopy(key.spec)
    horizontal = next(layer["encoding"]["x"] for layer in spec["layer"] if "field" in layer["encoding"].get("x", {}))
    band = {
        "transform": [{"filter": "datum.layer == 'stretch'"}],
        "mark": {"type": "rect", "opacity": 0.18, "aria": False},
        "encoding": {"x": horizontal, "x2": {"field": "until"}, "color": {"value": "orange"}},
    }
    spec["layer"] = [band, *spec["layer"]]
    return spec


def _beside_it(record: RunRecord, other: RunRecord) -> None:
    """State of the run that is drawn beside this one, and what the rules say of it."""
    if other.live or other.state == "failed":
        show_status(other)
        return
    if other.validation_loss is None:
        return
    found = diagnosis_of(other.run_id, stamp_of(other), False).main
    text = _(
        "Beside it: **{title}**, validation loss {validation_loss:.2f}",
        title=found.title,
        validation_loss=other.validation_loss,
    )
    if record.validation_loss is not None and not record.live:
        text += _(" where this run has {validation_loss:.2f}", validation_loss=record.validation_loss)
    st.markdown(text + ".")


def _try_this(record: RunRecord, finding: Finding) -> None:
    assert finding.remedy is not None
    st.header(_("Try this"), anchor=False)
    show_table(changes(record.config, finding.remedy, (N_("this run"), N_("to try"))), hide_index=True, width="stretch")
    st.button(
        _("Try this (about {about})", about=about(finding.remedy)),
        type="primary",
        icon=":material/healing:",
        key=f"try:{record.run_id}:{finding.kind}",
        on_click=_compare,
        args=(record.run_id, finding.remedy, f"{record.label or 'Run'}, mended"),
        help=_("Trains the run with these settings and draws it beside this one while it learns."),
    )


def _evidence(record: RunRecord, checked: bool) -> None:
    facts = facts_of(record.run_id, stamp_of(record), checked)
    with st.expander(_("The numbers behind it"), icon=":material/table:"):
        size = facts.update_size()
        rows = [
            (
                _("Steps"),
                _("{last_step:,} of {total_steps:,}", last_step=facts.last_step, total_steps=facts.total_steps),
            ),
            (
                _("Validation loss, first and last"),
                f"{number(facts.validation[0], '.3f')} → {number(facts.validation[-1], '.3f')}",
            )
            if len(facts.validation)
            else (_("Validation loss"), "–"),
            *((_("Baseline: {name}", name=name), number(loss, ".3f")) for name, loss in facts.baselines.items()),
            (
                _("Largest update, as a share of the layers' length"),
                _("not recorded") if size is None else number(size, ".2%"),
            ),
            (_("Tokens of text (about)"), "–" if facts.text_tokens is None else number(facts.text_tokens)),
            (_("Passes over the text"), "–" if facts.passes is None else number(facts.passes, ".2f")),
            (_("Numbers in the model"), number(facts.config.model.n_parameters)),
        ]
        if facts.leak is not None:
            rows += [
                (_("Loss at the last position of held-out windows"), number(facts.leak.loss, ".3f")),
                (_("Probability of repeating the token just read"), number(facts.leak.copied, ".1%")),
            ]
        show_table(pd.DataFrame(rows, columns=[N_("measured"), N_("value")]), hide_index=True, width="stretch")
        if facts.leak is None and not record.live and lab().checkpoints(record.run_id):
            st.button(
                _("Ask the model itself for a leak"),
                icon=":material/search:",
                key=f"leak:{record.run_id}",
                on_click=_check_leak,
                args=(record.run_id,),
                help=_(
                    "Measures its loss at the last position of held-out windows, where no future token can be seen. "
                    "Reading the text may take some seconds."
                ),
            )


def _check_leak(run_id: str) -> None:
    st.session_state[_CHECKED] = {*st.session_state.get(_CHECKED, ()), run_id}


# --- the facts of a run ----------------------------------------------------------------------------------------


@st.cache_data(max_entries=64, show_spinner=N_("Reading the record …"))
def _recorded(run_id: str, stamp: str) -> RunFacts:
    record = lab().run(run_id)
    config = record.config
    assert isinstance(config, RunConfig)
    names = [name for name, _unused in config.corpora]
    known = corpora()
    lengths = [known[name].n_chars for name in names if name in known]
    return RunFacts.from_events(
        config,
        [event.payload for event in lab().events(run_id, kinds=("step", "eval", "layers", "baselines"))],
        live=record.live or record.state == "paused",
        error=record.error,
        total_steps=record.total_steps,
        corpus_chars=lengths[0] if len(names) == 1 and lengths else None,
    )


def facts_of(run_id: str, stamp: str, look_inside: bool) -> RunFacts:
    """The record of a run as the rules want it, with a look into its model where the loss looks too good; NotYet while
    the model is asked.
    """
    facts, record = _recorded(run_id, stamp), lab().run(run_id)
    if record.live or not (look_inside or _suspicious(facts)):
        return facts
    return _with_leak_check(facts, record)


def _suspicious(facts: RunFacts) -> bool:
    """Whether the loss is so low that the model itself is asked; below the trigram only where the text is short."""
    trigram = facts.baselines.get("trigram")
    if trigram is None or not len(facts.validation):
        return False
    short = (facts.config.n_chars or _CHEAP_CHARS + 1) <= _CHEAP_CHARS
    return bool(facts.validation[-1] < (trigram if short else 0.4 * trigram))


def _with_leak_check(facts: RunFacts, record: RunRecord) -> RunFacts:
    steps = [info.step for info in lab().checkpoints(record.run_id)]
    if not steps or steps[-1] == 0:
        return facts
    choice = ModelChoice(record.run_id, steps[-1], run_name(record))
    try:
        text = _("Asking the model itself for a leak")
        check = computed(text, leak_of, model_named(choice), held_out_named(choice, 4096))
    except EngineError:
        return facts  # its text is gone: the rules do without
    return dataclasses.replace(facts, leak=check)


def diagnosis_of(run_id: str, stamp: str, look_inside: bool) -> Diagnosis:
    """What the rules say of a run at this moment."""
    return _diagnosis(run_id, stamp, look_inside, facts_of(run_id, stamp, look_inside))


@st.cache_data(max_entries=128, show_spinner=False)
def _diagnosis(run_id: str, stamp: str, look_inside: bool, _facts: RunFacts) -> Diagnosis:
    return diagnose(_facts)
