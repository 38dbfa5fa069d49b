"""Part: fine-tune the chosen model on the chosen instructions, and watch how many held-out ones it answers."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine import instructions, tuning
from engine.errors import EngineError
from engine.language import N_, _, number
from engine.runs.instructing import DEFAULT_PRESET, PRESETS, InstructionConfig, instruction_config
from engine.runs.records import RunRecord
from engine.training import Trainer
from pages.parts.instructions.source import (
    RUNS,
    assistants,
    chosen_data,
    chosen_template,
    set_title,
    submit,
)
from pages.shared import charts
from pages.shared.base_model import choose_base
from pages.shared.code_panel import show_code
from pages.shared.components.token_table import Cell, Row, token_table
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice
from pages.shared.lesson_runs import follow, stamp_of
from pages.shared.run_data import RunView
from pages.shared.run_panel import choose_step, marks_of
from pages.shared.viewer import lab

_SECONDS = {
    30: N_("½ minute"),
    60: N_("1 minute"),
    95: N_("1½ minutes"),
    180: N_("3 minutes"),
    300: N_("5 minutes"),
    600: N_("10 minutes"),
}
_RATES = {0.1: "÷ 10", 0.3: "÷ 3", 1.0: N_("as it is"), 3.0: "× 3", 10.0: "× 10"}


def show() -> None:
    """Draw the part."""
    data = chosen_data()
    st.markdown(
        _(
            "The same loop as in pretraining goes on with pairs of instructions and answers. Chosen under *Data and "
            "template*: **{ending}**.",
            ending=set_title(data) if data else _("pairs of your own, not ready yet"),
        )
    )
    base = choose_base("instruction")
    if base is not None and data is not None:
        order = _order()
        if st.button(
            _("Train"),
            type="primary",
            icon=":material/play_arrow:",
            help=_("Starts the run, or shows the one with exactly these settings if somebody has trained it already."),
        ):
            config = _config(data, base.run_id, base.step, *order)
            run_id = submit(config) if config is not None else None
            if run_id is not None:
                RUNS.look_at(run_id)
    elif base is not None:
        st.warning(_("Your own pairs are not ready: open **Data and template** and fill the table in."))
    run_id = RUNS.choose(assistants())
    if run_id is None:
        st.info(
            _(
                "Nothing is fine-tuned yet. The settings are ready: press **Train**. Curves and answers then appear "
                "here and follow the training; you may leave the page meanwhile."
            )
        )
    else:
        follow(run_id, _draw)
    notice(
        _(
            "First the form, then the facts: answers look right long before the number in them is right. ROUGE-L, "
            "which counts words in common, rises before exact match does."
        ),
        _(
            "Few steps are enough, because the model can write already: only the form of an answer and its facts are "
            "new."
        ),
        _(
            "The held-out questions ask for the same facts in words that were never trained on. Routes that were never "
            "told are another matter: see *How much better?*"
        ),
    )
    exercise(
        _(
            "Train once more with the checkpoint of step 0, which has learned nothing, and the same settings. What is "
            "the difference after the same time, and what does it say about pretraining?"
        ),
        _(
            "It must learn to write and to answer at once, out of a thousand sentences, and new wordings defeat it: "
            "what a flight costs and what a ticket costs are the same only to a model that has read much."
        ),
    )
    show_code(
        tuning.InstructionTrainer, Trainer._gradients, tuning.answer_loss, instructions.ExampleSampler, tuning.tunable
    )


def _draw(record: RunRecord, run: RunView) -> None:
    losses, quality = st.columns(2)
    with losses:
        charts.loss_curves(run.losses, marks=marks_of(run, "step")).show()
    with quality:
        _quality_chart(record)
    _numbers(run.evaluation, _counted(record.run_id, record.attempt))
    _answers(record)


def _order() -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Preset, changes of the training, other changes."""

    def keyed(name: str) -> dict[str, Any]:
        return {"key": f"instruction-{name}", "persist_state": "session"}

    preset = st.segmented_control(
        _("What learns"),
        list(PRESETS),
        default=DEFAULT_PRESET,
        required=True,
        format_func=lambda name: _(PRESETS[name].title),
        help=_("All weights; two thin matrices beside each frozen one (LoRA); or the last block alone."),
        **keyed("preset"),
    )
    with st.expander(_("All settings"), icon=":material/tune:"):
        first, second, third = st.columns(3)
        seconds = first.select_slider(
            _("Training time"),
            list(_SECONDS),
            95,
            format_func=lambda each: _(_SECONDS[each]),
            help=_("On one core that has little else to do; turned into steps at the start. Measuring comes on top."),
            **keyed("seconds"),
        )
        rate = second.select_slider(
            _("Learning rate"),
            list(_RATES),
            1.0,
            format_func=lambda each: _(_RATES[each]),
            help=_("A factor on the preset's rate. Too high, and what was learned before is lost."),
            **keyed("rate"),
        )
        batch_size = third.select_slider(
            _("Examples in a batch"), [4, 8, 16, 32, 64], 32, help=_("Read in one step."), **keyed("batch-size")
        )
        mask = first.toggle(
            _("Mask the prompt"),
            True,
            help=_("The loss counts the answer's tokens alone. Off: also those of the question."),
            **keyed("mask"),
        )
        rank, alpha = 16, 32
        if preset == "lora":
            rank = second.select_slider(
                _("LoRA rank r"),
                [1, 2, 4, 8, 16, 32],
                rank,
                help=_("The width of the two thin matrices. Parameters grow in proportion."),
                **keyed("rank"),
            )
            alpha = third.select_slider(
                _("LoRA alpha"),
                [1, 2, 4, 8, 16, 32, 64],
                alpha,
                help=_("The update counts alpha / r times."),
                **keyed("alpha"),
            )
        seed = first.number_input(
            _("Seed"), 0, 9999, 0, help=_("Order of the examples, and what is held out."), **keyed("seed")
        )
    chosen = PRESETS[preset]
    training = {
        "seconds": float(seconds),
        "batch_size": batch_size,
        "learning_rate": chosen.learning_rate * rate,
        "matrix_learning_rate": chosen.matrix_learning_rate * rate,
        "seed": int(seed),
    }
    changes: dict[str, Any] = {"mask_prompt": mask, "seed": int(seed)}
    if preset == "lora":
        changes |= {"lora_rank": rank, "lora_alpha": float(alpha)}
    return preset, training, changes


def _config(
    data: str, base_run: str, step: int, preset: str, training: dict[str, Any], changes: dict[str, Any]
) -> InstructionConfig | None:
    template = chosen_template()
    try:
        kept = lab().keep_model(base_run, step)
        return instruction_config(
            data, kept, preset, training=training, template=(template.without_input, template.with_input), **changes
        )
    except EngineError as error:
        st.warning(sentence(error))
        return None


@st.cache_data(max_entries=32, show_spinner=False)
def _evaluations(run_id: str, stamp: str) -> pd.DataFrame:
    rows = [
        {"step": each["step"], "run": name, "value": 100 * each[key]}
        for each in lab().curve(run_id, 1).evaluations
        for name, key in ((N_("exact match"), "exact_match"), ("ROUGE-L", "rouge_l"))
    ]
    return pd.DataFrame(rows, columns=["step", "run", "value"])


def _quality_chart(record: RunRecord) -> None:
    measured = _evaluations(record.run_id, stamp_of(record))
    if measured.empty:
        st.caption(_("The first evaluation comes soon."))
        return
    charts.small_line(measured, "value", _("Held-out answers"), "%", points=True).show(caption=False)
    newest = measured[measured["step"] == measured["step"].max()].set_index("run")["value"]
    st.caption(
        _(
            "At step {max:,}, {exact_match:.1f} % of the held-out answers are exactly right; "
            "on average they share {rouge_l:.1f} % of their words, in order, with the reference.",
            max=measured["step"].max(),
            exact_match=newest["exact match"],
            rouge_l=newest["ROUGE-L"],
        )
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _counted(run_id: str, attempt: int) -> dict[str, Any]:
    found = lab().events(run_id, kinds=("instructions",))
    return found[-1].payload if found else {}


def _numbers(evaluation: dict[str, Any], counted: dict[str, Any]) -> None:
    if not evaluation or not counted:
        return
    share = counted["n_trainable"] / counted["n_parameters"]
    numbers = (
        (
            _("Exact match"),
            number(evaluation["exact_match"], ".1%"),
            _("Of {n_measured} held-out questions.", n_measured=counted["n_measured"]),
        ),
        ("ROUGE-L", number(evaluation["rouge_l"], ".2f"), _("Words in common with the reference, in order: 0 to 1.")),
        (
            _("Loss of answers"),
            number(evaluation["validation_loss"], ".3f"),
            _("Nats per token of the held-out answers."),
        ),
        (_("Examples"), number(counted["n_train"]), _("Pairs that are trained on.")),
        (
            _("Weights that learn"),
            number(counted["n_trainable"]),
            _("{share:.1%} of {n_parameters:,}.", share=share, n_parameters=counted["n_parameters"]),
        ),
    )
    with st.container(horizontal=True):
        for label, value, help in numbers:
            st.metric(_(label), value, help=_(help), width=160)


@st.cache_data(max_entries=32, show_spinner=False)
def _answers_of(run_id: str, stamp: str) -> dict[int, list[dict[str, Any]]]:
    return {event.step: event.payload["answers"] for event in lab().events(run_id, kinds=("answers",))}


def _answers(record: RunRecord) -> None:
    by_step = _answers_of(record.run_id, stamp_of(record))
    if not by_step:
        return
    st.header(_("Held-out questions, and what it answers"), anchor=False)
    step = choose_step(record, list(by_step))
    rows = [
        Row(
            str(number),
            (
                Cell(f"{each['instruction']} {each['input']}".strip()),
                Cell(each["reference"]),
                Cell(each["text"] or "∅", mark="right" if each["right"] else "wrong", word=_word(each)),
            ),
        )
        for number, each in enumerate(by_step[step], start=1)
    ]
    n_right = sum(each["right"] for each in by_step[step])
    summary = _(
        "After step {step:,}, {n_right} of these {n_rows} are exactly right.",
        step=step,
        n_right=n_right,
        n_rows=len(rows),
    )
    token_table(
        (_("No."), _("Asked"), _("Reference"), _("The model's answer")),
        rows,
        key=f"answers:{record.run_id}",
        summary=summary,
    )
    st.caption(summary)


def _word(answer: dict[str, Any]) -> str:
    return "right" if answer["right"] else _("wrong · ROUGE-L {rouge_l:.2f}", rouge_l=answer["rouge_l"])
