"""The live record of a run: its state and controls, curves, samples, next tokens, downloads.

One fragment draws everything and asks the store again while the run is live; when the run ends, the whole page is
drawn once more, without the clock.
"""

from __future__ import annotations

import functools
from typing import Any

import pandas as pd
import streamlit as st

from engine.checkpoint import gpt2_obstacle
from engine.errors import EngineError, StoreUnavailable
from engine.language import N_, _, kept, number, retold
from engine.open_models import gpt2_archive
from engine.runs.records import PRETRAINING, RunRecord
from engine.take_home import write_notebook, write_script, write_ticket
from pages.shared import charts, viewer
from pages.shared.errors import said, sentence
from pages.shared.live import kept_current, look_again
from pages.shared.quantities import estimate
from pages.shared.run_data import RunView, differences, run_name, view
from pages.shared.tables import show_table
from pages.shared.viewer import lab

REFRESH_SECONDS = 0.7
LOOK_AGAIN_SECONDS = 3.0  # a run at rest: somebody else may resume it or start it over
BASELINE_NAMES = {
    "uniform": N_("ln V"),
    "unigram": N_("unigram"),
    "bigram": N_("bigram"),
    "trigram": N_("trigram"),
}
STATES = {
    "queued": (":material/hourglass_top:", N_("Waiting for a free core")),
    "running": (":material/model_training:", N_("Training")),
    "paused": (":material/pause_circle:", N_("Paused")),
    "stopping": (":material/stop_circle:", N_("Stopping")),
    "finished": (":material/check_circle:", N_("Finished")),
    "failed": (":material/error:", N_("Failed")),
    "interrupted": (":material/bolt:", N_("Interrupted, will be resumed")),
}
_RATES = {0.1: "÷ 10", 0.25: "÷ 4", 0.5: "÷ 2", 1.0: N_("as planned"), 2.0: "× 2", 4.0: "× 4", 10.0: "× 10"}


def show_run(run_id: str, compare: list[str]) -> None:
    """Draw a run and keep it up to date while it is live; `compare` are ids of runs drawn beside it."""
    record = lab().run(run_id)
    beside = any(lab().run(other).live for other in compare)
    every = REFRESH_SECONDS if record.live else LOOK_AGAIN_SECONDS if beside else None
    kept_current(_panel, every=every)(run_id, tuple(compare), record.live)
    if every is None:
        look_again(functools.partial(_has_changed, run_id, record.updated_at), every=LOOK_AGAIN_SECONDS)


def _has_changed(run_id: str, updated_at: float) -> bool:
    """Whether a run at rest was resumed, started over or deleted."""
    found = lab().store.find(run_id)
    return found is None or found.updated_at != updated_at


@said(N_("show this run"))
def _panel(run_id: str, compare: tuple[str, ...], was_live: bool) -> None:
    try:
        record = lab().run(run_id)
    except StoreUnavailable:
        raise
    except EngineError:
        st.rerun()  # deleted by somebody: the page chooses another one
    views = [view(record, run_name(record))]
    show_status(record)
    show_controls(record, views[0].marks)
    for other in compare:
        if other != run_id:
            another = lab().run(other)
            views.append(view(another, run_name(another)))
    _curves(views)
    _numbers(views[0])
    _sources(views[0])
    _samples(views[0])
    _details(views[0])
    if len(views) > 1:
        st.header(_("What differs"), anchor=False)
        show_table(differences([v.record for v in views]), width="stretch")
    show_downloads(record)
    if was_live != record.live:
        st.rerun()


def show_status(record: RunRecord) -> None:
    """Progress, state and time left of a run."""
    icon, word = STATES[record.state]
    total = number(record.total_steps) if record.total_steps else "?"
    eta = lab().eta_seconds(record.run_id) if record.live else None
    line = _("{icon} **{word}** · step {step:,} of {total}", icon=icon, word=word, step=record.step, total=total)
    if record.state == "queued":
        line = _(
            "{icon} **{word}** · number {value} in the queue",
            icon=icon,
            word=word,
            value=lab().queue_position(record.run_id) or 1,
        )
    elif record.live and record.note:
        line += f" · {retold(record.note)}"
    if eta is not None and record.live:
        line += _(" · about {eta} left", eta=estimate(eta))
    if record.note and record.state in ("paused", "finished"):
        line += f" · {retold(record.note)}"
    st.progress(record.progress, text=line)
    if record.error:
        st.error(sentence(record.error))
    problem = lab().server_problem() if record.live else ""
    if problem:
        st.warning(problem)


def show_controls(record: RunRecord, marks: list[dict[str, Any]]) -> None:
    """What a learner can do with a run in its present state."""
    if not lab().may_steer(record.run_id):
        st.caption(_("Another learner trains this: you can watch it, but not change it."))
        return

    def button(label: str, kind: str, icon: str, help: str, enabled: bool) -> None:
        st.button(
            _(label),
            key=f"{kind}:{record.run_id}",
            icon=icon,
            help=_(help),
            disabled=not enabled,
            on_click=_request,
            args=(record.run_id, kind),
        )

    with st.container(horizontal=True):
        state = record.state
        if state in ("paused", "failed", "interrupted"):
            button(_("Resume"), "resume", ":material/play_arrow:", _("Go on from the last checkpoint, exactly."), True)
        else:
            can_pause = state in ("queued", "running")
            button(_("Pause"), "pause", ":material/pause:", _("Save, and give the core to somebody else."), can_pause)
        can_stop = state in ("queued", "running", "paused", "failed", "interrupted") and record.step > 0
        button(_("Stop"), "stop", ":material/stop:", _("End here and keep the model as it is now."), can_stop)
        # A new attempt is a new popover: it closes once it has been used.
        with st.popover(
            _("Start over"),
            key=f"over:{record.run_id}:{record.attempt}",
            icon=":material/restart_alt:",
            help=_("Train the same run again from step 0."),
        ):
            st.write(_("This erases the record and the models of this run, also for others who share it."))
            button(_("Erase and start over"), "restart", ":material/restart_alt:", _("Cannot be undone."), True)
        planned = record.config_dict.get("training", {}).get("decay") != "rising"  # a range test must keep its rates
        if state == "running" and planned:
            factor = marks[-1]["value"] if marks else 1.0
            # A new widget after every change, so that whoever watches sees the factor that holds now.
            key = f"rate:{record.run_id}:{record.attempt}:{len(marks)}"
            st.selectbox(
                _("Learning rate from here on"),
                list(_RATES),
                index=list(_RATES).index(factor if factor in _RATES else 1.0),
                format_func=lambda rate: _("Learning rate {rates}", rates=_(_RATES[rate])),
                key=key,
                width=250,
                label_visibility="collapsed",
                help=_("A factor on the planned learning rate, at once. It is marked on the curve."),
                on_change=_change_rate,
                args=(record.run_id, key),
            )

    _show_sharing(record.run_id)


def _show_sharing(run_id: str) -> None:
    """In a class: whether all may see the run."""
    if not viewer.in_class() or not (lab().is_mine(run_id) or viewer.is_teacher()):
        return
    key = f"share:{run_id}"
    st.session_state[key] = run_id in lab().store.shared_runs()
    st.toggle(
        _("Show it to the class"),
        key=key,
        on_change=_share,
        args=(run_id, key),
        help=_("Everybody then finds this run and its models among those to choose from. Only you can change it."),
    )


def _share(run_id: str, key: str) -> None:
    try:
        lab().share(run_id, on=bool(st.session_state[key]))
    except EngineError as error:
        st.toast(sentence(error), icon=":material/info:")


def _request(run_id: str, kind: str) -> None:
    try:
        lab().request(run_id, kind)
    except EngineError as error:
        st.toast(sentence(error), icon=":material/info:")


def _change_rate(run_id: str, key: str) -> None:
    try:
        if lab().run(run_id).state != "running":
            return  # it ended while the box was on its way out: nobody moved it
        lab().request(run_id, "learning_rate", float(st.session_state[key]))
    except EngineError as error:
        st.toast(sentence(error), icon=":material/info:")


def _curves(views: list[RunView]) -> None:
    main = views[0]
    x = st.segmented_control(
        _("Horizontal axis"),
        [N_("step"), N_("tokens"), N_("seconds")],
        format_func=_,
        default="step",
        required=True,
        key="curve-x",
        persist_state="session",
        help=_("Steps compare recipes at equal numbers of updates, tokens at equal data, seconds at equal time."),
    )
    if main.losses.empty:
        note = retold(main.record.note) if main.record.live else ""
        st.info(note[:1].upper() + note[1:] + " …" if note else _("The curve begins with the first step."))
        return
    baselines = {_(BASELINE_NAMES[name]): loss for name, loss in main.baselines.items()}
    marks = marks_of(main, x)
    points = pd.concat([v.losses for v in views], ignore_index=True)
    charts.loss_curves(points, x=x, baselines=baselines, marks=marks).show()


def _numbers(run: RunView) -> None:
    """The newest evaluation in the units that are used for it, and the speed."""
    if not run.evaluation:
        return
    measured = run.evaluation
    bits, speed = measured["bits_per_byte"], run.speeds["tokens_per_second"].median()
    numbers = (
        (
            _("Validation loss"),
            number(measured["validation_loss"], ".3f"),
            _("Nats per token on text the model never trains on."),
        ),
        (
            _("Perplexity"),
            number(measured["perplexity"], ",.1f"),
            _("e to the loss: as unsure as if it chose among so many tokens."),
        ),
        (
            _("Bits per byte"),
            "–" if bits is None else number(bits, ".3f"),
            _("The loss for each byte of text: comparable between tokenizers."),
        ),
        (
            N_("Tokens/s"),
            "–" if run.speeds.empty else number(speed, ",.0f"),
            _("Training speed on one core, the median of the run so far."),
        ),
    )
    with st.container(horizontal=True):
        for label, value, help in numbers:
            st.metric(_(label), value, help=_(help), width=125)


def _sources(run: RunView) -> None:
    """The validation loss of each text of a mixture, in the unit that compares texts of different token lengths."""
    if run.sources.empty:
        return
    sources = run.sources.assign(run=run.sources["run"].map(_))
    figure = charts.small_line(
        sources, "bits_per_byte", _("Validation loss per source"), _("bits per byte"), points=True
    )
    figure.show(caption=False)
    newest = sources[sources["step"] == sources["step"].max()].sort_values("bits_per_byte")
    values = " · ".join(
        _("{source} {bits:.2f} bits per byte ({loss:.2f} nats per token)", source=source, bits=bits, loss=loss)
        for source, bits, loss in zip(newest["run"], newest["bits_per_byte"], newest["loss"], strict=True)
    )
    st.caption(
        _(
            "Each text by itself, on a part that is never trained on, at step {max:,}: {values}.",
            max=newest["step"].max(),
            values=values,
        )
    )


def marks_of(run: RunView, x: str) -> list[tuple[float, str]]:
    marks = []
    for control in run.marks:
        at = control["step"]
        if x != "step" and not run.speeds.empty:
            at = float(run.speeds.loc[(run.speeds["step"] - at).abs().idxmin(), x])
        marks.append((at, _("learning rate × {value:g}", value=control["value"])))
    return marks


def _samples(run: RunView) -> None:
    st.header(_("What it writes"), anchor=False)
    if not run.samples:
        st.caption(_("The first sample comes with the first evaluation."))
        return
    prompts = list(dict.fromkeys(sample["prompt"] for sample in run.samples))
    prompt = prompts[0]
    if len(prompts) > 1:
        prompt = st.selectbox(
            _("Prompt"), prompts, format_func=_, key=f"prompt:{run.record.run_id}", help=_("The text it continues.")
        )
    by_step = {sample["step"]: sample for sample in run.samples if sample["prompt"] == prompt}
    step = choose_step(run.record, list(by_step))
    sample = by_step[step]
    with st.container(border=True):
        st.text(f"{prompt}{sample['text']}")
        st.caption(
            _(
                "After step {step:,}. The prompt is “{prompt}”, the rest is the model's; same dice every time.",
                step=step,
                prompt=prompt,
            )
        )
    bars = pd.DataFrame([{"token": c["text"], "probability": c["probability"]} for c in sample["candidates"]])
    charts.next_token_bars(bars, title=_("Next token after “{prompt}”", prompt=prompt)).show()


def choose_step(run: RunRecord, steps: list[int]) -> int:
    """The newest evaluation while a live run is followed; else the one that a slider back through time names.

    There is no slider while it follows: one that is moved from here while the browser draws it may answer with the
    value before, which looks like a move of the learner's.
    """
    newest = steps[-1]
    if run.live and st.toggle(
        _("Follow the training"),
        True,
        key=f"follow:{run.run_id}",
        help=_("Shows the newest sample. Switch it off to go back through time with a slider."),
    ):
        return newest
    if len(steps) == 1:
        return newest
    return st.select_slider(
        _("Step"),
        steps,
        newest,
        format_func=_,
        key=f"sample-step:{run.run_id}:{run.attempt}:{run.live}",
        help=_("Back through time: what the model wrote after the same prompt at earlier steps."),
    )


def _details(run: RunView) -> None:
    if run.speeds.empty:
        return
    with st.expander(
        _("Learning rate, gradient norm, speed"),
        icon=":material/monitoring:",
        key=f"details:{run.record.run_id}",
        on_change="rerun",
    ) as details:
        if not details.open:  # folded charts would be a quarter of what a live panel costs
            return
        panels = (
            ("learning_rate", _("Learning rate"), ""),
            ("gradient_norm", _("Gradient norm"), _("before clipping")),
            ("tokens_per_second", _("Speed"), _("tokens per second")),
        )
        for column, (name, title, unit) in zip(st.columns(3), panels, strict=True):
            with column:
                charts.small_line(run.speeds, name, title, unit).show()


def show_downloads(record: RunRecord) -> None:
    """The record and the newest model as files."""
    if not record.step:
        return
    with st.container(horizontal=True):
        st.download_button(
            _("Record as CSV"),
            data=lambda: lab().record_csv(record.run_id).encode(),
            file_name=f"run-{record.run_id}.csv",
            mime="text/csv",
            key=f"csv:{record.run_id}",
            icon=":material/download:",
            on_click="ignore",
            help=_("Every step and evaluation: loss, learning rate, gradient norm, tokens, seconds."),
        )
        st.download_button(
            _("Model as safetensors"),
            data=lambda: lab().checkpoint_archive(record.run_id),
            file_name=f"model-{record.run_id}.zip",
            mime="application/zip",
            key=f"zip:{record.run_id}",
            icon=":material/download:",
            on_click="ignore",
            help=_("The newest checkpoint with its tokenizer and config in one zip file."),
        )
        _show_take_home(record)
        if record.job != PRETRAINING:
            return
        obstacle = gpt2_obstacle(record.config.model)
        st.download_button(
            _("For transformers"),
            data=lambda: gpt2_archive(lab().load_model(record.run_id)),
            file_name=f"gpt2-{record.run_id}.zip",
            mime="application/zip",
            key=f"gpt2:{record.run_id}",
            icon=":material/download:",
            on_click="ignore",
            disabled=bool(obstacle),
            help=sentence(obstacle)
            or _("The newest model as a GPT-2 folder: GPT2LMHeadModel.from_pretrained loads it with the same logits."),
        )


def _show_take_home(record: RunRecord) -> None:
    """What trains this run again elsewhere."""
    with st.popover(
        _("Take it home"),
        icon=":material/luggage:",
        help=_("A ticket that reopens this run, and code that trains it again."),
    ):
        for label, make, suffix, mime, about in (
            (
                _("Run ticket"),
                write_ticket,
                "json",
                "application/json",
                _(
                    "Everything that decides the run, with a checksum. "
                    "**The pipeline** opens it, on this server or another."
                ),
            ),
            (
                _("Notebook"),
                write_notebook,
                "ipynb",
                "application/x-ipynb+json",
                _("For Jupyter: trains the run again with the engine alone, and compares."),
            ),
            (_("Script"), write_script, "py", "text/x-python", _("The same as a Python file.")),
        ):
            st.download_button(
                _(label),
                data=kept(functools.partial(make, record)),
                file_name=f"run-{record.run_id}.{suffix}",
                mime=mime,
                key=f"home-{suffix}:{record.run_id}",
                icon=":material/download:",
                on_click="ignore",
                help=_(about),
            )
