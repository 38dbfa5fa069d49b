"""Part "Bug hunt": a run with a hidden fault, or with none, to be named from its curve and what it writes."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import faults
from engine.errors import EngineError, StoreUnavailable
from engine.faults import FAULTS, SOUND, Mystery, laboratory_config, mystery, title_of
from engine.language import N_, _, number
from engine.runs.records import RunRecord
from pages.parts.pretraining.diagnosis import about, changes, curve_table, diagnosis_of, marked_curve
from pages.shared import charts
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence, shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.lesson_runs import stamp_of
from pages.shared.live import kept_current
from pages.shared.quantities import estimate
from pages.shared.run_data import RunView, view
from pages.shared.run_panel import BASELINE_NAMES, LOOK_AGAIN_SECONDS, REFRESH_SECONDS, STATES, choose_step
from pages.shared.tables import show_table
from pages.shared.viewer import lab
from pages.shared.wording import inside

FIRST_STEPS = 30
FIRST_MYSTERY = 7
_NUMBER = "hunt-number"
_ANSWERS = "hunt-answers"
_HINTS = "hunt-hints"


def show() -> None:
    """The part of the lesson."""
    st.markdown(
        _(
            "A small model was trained on the stories, and **something may be wrong with it**. You see what it shows "
            "from outside: curves, samples, next tokens. Name the fault."
        )
    )
    case = _choose()
    run_id = case.config.run_id
    known = {record.run_id: record for record in lab().runs()}
    _score()
    if run_id not in known:
        st.info(
            _("Nobody has trained mystery {number} yet. It stays secret what is wrong with it.", number=case.number)
        )
        st.button(
            _("Train mystery {number} (about {about})", number=case.number, about=about(laboratory_config())),
            type="primary",
            icon=":material/play_arrow:",
            key="hunt-train",
            on_click=_submit,
            args=(case,),
            help=_("A worker trains it; who asks for the same number sees the same run."),
        )
    else:
        live = known[run_id].live
        kept_current(_panel, every=REFRESH_SECONDS if live else LOOK_AGAIN_SECONDS)(case, live)
        if not live:
            _answer(case, known[run_id])
    notice(
        _(
            "Compare training with validation, and both with the baselines: below trigram early on is too good, long "
            "at unigram is too bad."
        ),
        _("Read the samples beside the loss. A low loss with senseless text is a contradiction, and a clue."),
        _("The first ten steps tell of the warmup, the last ten of whether the loss had come to rest."),
    )
    exercise(
        _("Which of these faults would a team notice from the loss alone, and which only from what the model writes?"),
        _(
            "Rates and a stall show in the loss at once. A missing mask and unshifted labels make the loss look better "
            "than ever: only samples, or a doubt about what is too good, reveal them. That is why samples are written "
            "during training."
        ),
    )
    show_code(faults.mystery, faults.Fault)


def _choose() -> Mystery:
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    number = left.number_input(
        _("Mystery number"),
        0,
        9999,
        FIRST_MYSTERY,
        key=_NUMBER,
        persist_state="session",
        help=_(
            "Decides what is wrong, if anything, and the seed of the run. The same number is the same mystery for "
            "everybody."
        ),
    )
    right.button(
        _("Next mystery"),
        icon=":material/skip_next:",
        key="hunt-next",
        on_click=_next,
        help=_("The mystery with the next number."),
    )
    return mystery(int(number) if isinstance(number, (int, float)) and 0 <= number <= 9999 else FIRST_MYSTERY)


def _next() -> None:
    st.session_state[_NUMBER] = (int(st.session_state.get(_NUMBER) or 0) + 1) % 10_000


def _submit(case: Mystery) -> None:
    try:
        lab().submit(case.config, case.label)
    except EngineError as error:
        st.toast(sentence(error), icon=":material/info:")


def _score() -> None:
    answers = st.session_state.get(_ANSWERS, {})
    if answers:
        right = sum(guess == mystery(number).fault for number, guess in answers.items())
        helped = len(set(st.session_state.get(_HINTS, ())) & set(answers))
        hints = _(", {helped} with a hint", helped=helped) if helped else ""
        st.markdown(
            _(
                "**Your score: {right} of {n_answers}** named right{hints}.",
                right=right,
                n_answers=len(answers),
                hints=hints,
            )
        )


# --- what it shows from outside ----------------------------------------------------------------------------


def _panel(case: Mystery, was_live: bool) -> None:
    try:
        record = lab().run(case.config.run_id)
    except StoreUnavailable:
        raise
    except EngineError:
        st.rerun()  # deleted by somebody
    run = view(record, case.label)
    if record.state != "finished":
        _status(record)
    if not run.losses.empty:
        solved = case.number in st.session_state.get(_ANSWERS, {})
        baselines = {_(BASELINE_NAMES[name]): loss for name, loss in run.baselines.items()}
        close = not record.live and st.toggle(
            _("Only the first {first_steps} steps", first_steps=FIRST_STEPS),
            key="hunt-close",
            persist_state="session",
            help=_("A closer look at the beginning, where the learning rate rises, or should."),
        )
        losses = run.losses[run.losses["step"] <= FIRST_STEPS] if close else run.losses
        figure = charts.loss_curves(losses, baselines=baselines)
        if not close and solved and not record.live:
            with shown_errors():
                figure = marked_curve(figure, diagnosis_of(record.run_id, stamp_of(record), False).main)
        figure.show()
        _writing(case, record, run)
        curve_table(run.losses)
    if was_live != record.live:
        st.rerun()


def _status(record: RunRecord) -> None:
    """How far the run is. The reason of a failure is not told: it may be the answer."""
    icon, word = STATES[record.state]
    total = number(record.total_steps) if record.total_steps else "?"
    line = _("{icon} **{word}** · step {step:,} of {total}", icon=icon, word=word, step=record.step, total=total)
    if record.state == "queued":
        place = lab().queue_position(record.run_id) or 1
        line = _(
            "{icon} **{word}** · number {place} in the queue · about {about} once it starts",
            icon=icon,
            word=word,
            place=place,
            about=about(laboratory_config()),
        )
    eta = lab().eta_seconds(record.run_id) if record.live else None
    if eta is not None:
        line += _(" · about {eta} left", eta=estimate(eta))
    st.progress(record.progress, text=line)
    if record.live and (problem := lab().server_problem()):
        st.warning(problem)
    if record.state == "paused":
        st.button(
            _("Resume"),
            icon=":material/play_arrow:",
            key=f"hunt-resume:{record.run_id}",
            on_click=lab().request,
            args=(record.run_id, "resume"),
            help=_("Somebody paused this run; it goes on from its last checkpoint."),
        )


def _writing(case: Mystery, record: RunRecord, run: RunView) -> None:
    if not run.samples:
        return
    by_step = {sample["step"]: sample for sample in run.samples}
    step = choose_step(record, list(by_step))
    sample = by_step[step]
    left, right = st.columns(2, gap="large")
    with left, st.container(border=True):
        st.markdown(_("**What it writes after step {step:,}**", step=step))
        st.text(f"{sample['prompt']}{sample['text']}")
    with right:
        bars = pd.DataFrame([{"token": c["text"], "probability": c["probability"]} for c in sample["candidates"][:6]])
        charts.next_token_bars(bars, title=_("Next token after “{prompt}”", prompt=sample["prompt"])).show()
    if case.number in st.session_state.get(_HINTS, ()) and not run.speeds.empty:
        charts.small_line(run.speeds, "gradient_norm", _("Gradient norm"), _("before clipping")).show()


# --- naming it -----------------------------------------------------------------------------------------------


def _answer(case: Mystery, record: RunRecord) -> None:
    answers = st.session_state.get(_ANSWERS, {})
    if case.number in answers:
        _reveal(case, record, answers[case.number])
        return
    st.header(_("What is wrong?"), anchor=False)
    hinted = case.number in st.session_state.get(_HINTS, ())
    guess = st.radio(
        _("What is wrong?"),
        case.choices,
        index=None,
        format_func=title_of,
        key=f"hunt-guess:{case.number}",
        label_visibility="collapsed",
        help=_("One of these is true."),
    )
    if hinted:
        wrong = next(each for each in case.choices if each != case.fault)
        st.info(
            _(
                "It is not “{title_of}”. The gradient norm is shown as well now: look at its beginning.",
                title_of=title_of(wrong),
            )
        )
    with st.container(horizontal=True):
        st.button(
            _("That is it"),
            type="primary",
            icon=":material/gavel:",
            key="hunt-answer",
            disabled=guess is None,
            on_click=_keep,
            args=(case, guess),
            help=_("Your answer counts; then the truth is shown."),
        )
        st.button(
            _("Hint"),
            icon=":material/lightbulb:",
            key="hunt-hint",
            disabled=hinted,
            on_click=_hint,
            args=(case,),
            help=_("Shows the gradient norm as well and rules one answer out."),
        )


def _keep(case: Mystery, guess: str | None) -> None:
    if guess in case.choices:
        st.session_state[_ANSWERS] = {**st.session_state.get(_ANSWERS, {}), case.number: guess}


def _hint(case: Mystery) -> None:
    st.session_state[_HINTS] = {*st.session_state.get(_HINTS, ()), case.number}


def _reveal(case: Mystery, record: RunRecord, guess: str) -> None:
    st.header(_("The truth"), anchor=False)
    if guess == case.fault:
        st.success(_("Right: **{title_of}**.", title_of=title_of(case.fault)))
    else:
        st.error(
            _(
                "You said “{title_of}”. It is **{title_of_2}**.",
                title_of=title_of(guess),
                title_of_2=title_of(case.fault),
            )
        )
    if case.fault != SOUND:
        fault = FAULTS[case.fault]
        st.markdown(f"{fault.does} {fault.look_for}")
        sound = fault.sound(laboratory_config(case.config.seed))
        show_table(changes(sound, case.config, (N_("sound"), N_("this run"))), hide_index=True, width="stretch")
    with shown_errors():
        _rules(record)


def _rules(record: RunRecord) -> None:
    found = diagnosis_of(record.run_id, stamp_of(record), False)
    with st.container(border=True):
        st.markdown(_("**What the rules say: {lower}**", lower=inside(found.main.title)))
        st.markdown(found.main.sentence)
        for finding in found.others:
            st.markdown(_("*Also: {lower}.* {sentence}", lower=inside(finding.title), sentence=finding.sentence))
