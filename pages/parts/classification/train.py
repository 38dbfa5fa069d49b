"""Swap the head, choose what learns, and watch the classifier learn: curves, and a confusion matrix that moves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import classification, lora
from engine.classification import Classifier, ClassifierConfig
from engine.errors import EngineError
from engine.gpt import GPT
from engine.language import N_, _, language, number
from engine.runs.classifying import DEFAULT_PRESET, PRESETS, ClassificationConfig, classification_config
from engine.runs.records import RunRecord
from pages.parts.classification.source import (
    RUNS,
    WHAT_LEARNS,
    cell_told,
    chosen_data,
    classifiers,
    data_title,
    keep_base,
    label_of,
    labelled,
    shortened,
    split_of_run,
    split_settings,
)
from pages.shared import charts
from pages.shared.base_model import choose_base
from pages.shared.code_panel import show_code
from pages.shared.components.confusion_grid import MAX_CLASSES, confusion_grid
from pages.shared.components.head_swap import Part, head_swap
from pages.shared.draft import show_bytes
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice
from pages.shared.lesson_runs import follow, stamp_of
from pages.shared.models import ModelChoice, load
from pages.shared.run_data import RunView
from pages.shared.run_panel import choose_step, marks_of
from pages.shared.tables import show_table
from pages.shared.viewer import lab

POOLINGS = {"mean": N_("Mean of all tokens"), "last": N_("Last token")}
STARTS = {"pretrained": N_("Pretrained weights"), "random": N_("Random weights")}
MOST_TEXTS = 30
_CELL = "classification-cell"


def show() -> None:
    """The part "Train it"."""
    st.markdown(
        _(
            "The pretrained model gives every token a vector, and its head turns a vector into a score for each token "
            "that may come next. A classifier keeps the body and gets a **new head**: one score for each class."
        )
    )
    name = chosen_data()
    st.text(_("Data: {data_title}", data_title=data_title(name)))
    base = choose_base("classification")
    if base is not None:
        _order(name, base)
    run_id = RUNS.choose(classifiers())
    if run_id is None:
        st.info(
            _(
                "No classifier yet. The settings are ready: press **Train**. Curves and the confusion matrix then "
                "appear here and follow the training; you may leave the page meanwhile."
            )
        )
    else:
        follow(run_id, _draw)
    notice(
        _(
            "At step 0 the new head is random, and its guesses with it. In a few steps it finds the commonest class, "
            "which looks good in accuracy and is worth nothing; only then the matrix fills its second row."
        ),
        _("Training accuracy runs ahead of validation accuracy: the texts that were trained on can be remembered."),
        _("A head alone has a few hundred numbers to learn, LoRA some ten thousand, the whole model millions."),
    )
    exercise(
        _("Train with the head only, then with everything. Why does the same pretrained model need its body changed?"),
        _(
            "Its vectors were made to predict the next token. What tells spam from ham may be in them, but not along "
            "lines that a linear head can read. Training the body moves it there."
        ),
    )
    show_code(
        classification.Classifier.forward,
        classification.Classifier.pooled,
        classification.Classifier._choose_trainable,
        classification.ClassificationTrainer._gradients,
        lora.LoRALinear.forward,
    )


# --- the order ----------------------------------------------------------------------------


def _order(name: str, base: ModelChoice) -> None:
    """The controls, the drawing of what they mean, and the button."""
    left, middle, right = st.columns([1.65, 1.35, 1])
    trainable = left.segmented_control(
        _("What learns"),
        list(WHAT_LEARNS),
        default="all",
        required=True,
        format_func=lambda each: _(WHAT_LEARNS[each]),
        key="classification-trainable",
        persist_state="session",
        help=_(
            "The new head always learns. LoRA leaves the body as it is and learns a thin update beside each matrix."
        ),
        wrap=True,
    )
    pooling = middle.segmented_control(
        _("What the head reads"),
        list(POOLINGS),
        default="mean",
        required=True,
        format_func=lambda each: _(POOLINGS[each]),
        key="classification-pooling",
        persist_state="session",
        help=_("A causal model has read the whole text only at its last token; the mean listens to every token."),
    )
    preset = right.segmented_control(
        _("Time"),
        list(PRESETS),
        default=DEFAULT_PRESET,
        required=True,
        format_func=lambda each: _(PRESETS[each].title),
        key="classification-preset",
        persist_state="session",
        help=_(
            "On one core that has little else to do. The number of steps is fixed at the start from the measured speed."
        ),
    )
    with st.expander(_("All settings"), icon=":material/tune:"):
        changes, training = _advanced(trainable)
    try:
        checkpoint = load(base)
        names = labelled(name).label_names
        config = classification_config(
            "model:" + 64 * "0",
            preset,
            data=name,
            trainable=trainable,
            pooling=pooling,
            training=training,
            **split_settings(),
            **changes,
        )
        _draw_swap(checkpoint.model, checkpoint.tokenizer, names, config)
    except EngineError as error:
        st.warning(sentence(error))
        return
    if st.button(
        _("Train"),
        type="primary",
        icon=":material/play_arrow:",
        key="train-classifier",
        help=_("Starts the run, or shows the one with exactly these settings if somebody has trained it already."),
    ):
        try:
            ordered = ClassificationConfig.from_dict({**config.to_dict(), "base": keep_base(base)})
            RUNS.look_at(lab().submit(ordered, label_of(ordered)))
        except EngineError as error:
            st.error(sentence(error))


def _advanced(trainable: str) -> tuple[dict[str, Any], dict[str, Any]]:
    def keyed(name: str) -> dict[str, Any]:
        return {"key": f"classification-{name}", "persist_state": "session"}

    first, second, third = st.columns(3)
    start = first.selectbox(
        _("Start"),
        list(STARTS),
        format_func=lambda each: _(STARTS[each]),
        help=_("Random weights take only the shape and the tokenizer of the chosen model."),
        **keyed("start"),
    )
    factor = second.select_slider(
        _("Learning rate"),
        [0.1, 0.3, 1.0, 3.0],
        1.0,
        format_func=lambda each: _(f"× {number(each, 'g')}"),
        help=_("A factor on the usual rates for what learns."),
        **keyed("rate"),
    )
    seed = third.number_input(_("Seed"), 0, 9999, 0, help=_("New weights, order of the texts, LoRA."), **keyed("seed"))
    limited = first.toggle(
        _("Fewer labels"), False, help=_("Train on a part of the training texts."), **keyed("limited")
    )
    n_train = 0
    if limited:
        n_train = first.number_input(
            _("Training texts"), 2, 100_000, 100, help=_("Drawn by the seed."), **keyed("n-train")
        )
    most = second.select_slider(
        _("Tokens read of each text"),
        [0, 16, 32, 48, 64, 128, 256],
        0,
        format_func=lambda each: _(f"{each}" if each else "usual"),
        help=_("Of longer texts the middle is left out: the time of a step grows with it. 48 for SMS, 128 for others."),
        **keyed("most"),
    )
    dropout = third.select_slider(
        _("Token dropout"),
        [None, 0.0, 0.15, 0.3, 0.5],
        None,
        format_func=lambda share: _("usual" if share is None else number(share, ".0%")),
        help=_(
            "So many tokens of a text are left out at random whenever it is learned: no word can decide alone. 30 % "
            "for SMS, none for others."
        ),
        **keyed("dropout"),
    )
    training: dict[str, Any] = {"seed": int(seed)}
    changes: dict[str, Any] = {"start": start, "seed": int(seed), "rate_factor": factor}
    if dropout is not None:
        changes["token_dropout"] = dropout
    if most:
        changes["most_tokens"] = most
        if most > 64:
            training["batch_size"] = 12
    if limited:
        changes["n_train"] = int(n_train)
    if trainable == "lora":
        changes["lora_rank"] = third.select_slider(
            _("LoRA rank"),
            [1, 2, 4, 8, 16, 32],
            8,
            help=_("The thin side of the two matrices of an update."),
            **keyed("rank"),
        )
    return changes, training


def _draw_swap(model: GPT, tokenizer: Any, names: tuple[str, ...], config: ClassificationConfig) -> None:
    shape = ClassifierConfig(
        model.config,
        names,
        pooling=config.pooling,
        trainable=config.trainable,
        lora_rank=min(config.lora_rank, model.config.d_model),
        lora_alpha=config.lora_alpha,
    )
    counted, learning = _counted(shape, language())
    parts = [
        Part(name, n, "adapter" if config.trainable == "lora" and block else "yes" if learns else "no")
        for name, n, learns, block in counted
    ]
    total = sum(part.n_parameters for part in parts) + learning[1]
    share = learning[0] / total
    tokens = [show_bytes(tokenizer.token_bytes(id)) for id in range(1000, 1005) if id < tokenizer.n_vocab]
    words = _(
        "{learning:,} of {total:,} numbers learn: {share:.2%}. The head shrinks from {vocab_size:,} "
        "rows, one a token, to {n_names}, one a class.",
        learning=learning[0],
        total=total,
        share=share,
        vocab_size=model.config.vocab_size,
        n_names=len(names),
    )
    head_swap(
        parts,
        tokens,
        model.config.vocab_size,
        names,
        model.config.d_model,
        key="head-swap",
        pooling=config.pooling,
        tied=model.config.tie_embeddings,
        summary=words,
    )
    st.progress(min(1.0, share), text=words)


@st.cache_data(max_entries=32, show_spinner=False)
def _counted(shape: ClassifierConfig, spoken: str) -> tuple[list[tuple[str, int, bool, bool]], tuple[int, int]]:
    """(name, parameters, learns, is a block) of the body from below, and (learning in all, parameters of the head)."""
    model = Classifier(shape)
    body = model.body

    def row(name: str, modules: list[Any], block: bool = False) -> tuple[str, int, bool, bool]:
        numbers = [parameter for module in modules for parameter in module.parameters()]
        return name, sum(p.numel() for p in numbers), any(p.requires_grad for p in numbers), block

    inside = {id(p) for module in (*body.layers, body.norm) for p in module.parameters()}
    below = [p for p in body.parameters() if id(p) not in inside]
    embeddings = (_("Embeddings"), sum(p.numel() for p in below), any(p.requires_grad for p in below), False)
    blocks = [row(_("Block {n}", n=n), [layer], True) for n, layer in enumerate(body.layers, start=1)]
    head = sum(p.numel() for p in model.classify.parameters())
    return [embeddings, *blocks, row(_("Last norm"), [body.norm])], (model.n_trainable, head)


# --- the run ----------------------------------------------------------------------------


def _draw(record: RunRecord, run: RunView) -> None:
    _curves(record, run)
    _confusion(record)


@st.cache_data(max_entries=32, show_spinner=False)
def evaluations(run_id: str, stamp: str) -> list[dict[str, Any]]:
    """All evaluations of a run, in order."""
    return lab().curve(run_id, 2).evaluations


def _curves(record: RunRecord, run: RunView) -> None:
    losses, right = st.columns(2)
    with losses:
        charts.loss_curves(run.losses, marks=marks_of(run, "step"), unit=_("nats per text")).show()
    with right:
        measured = evaluations(record.run_id, stamp_of(record))
        rows = [
            {"step": each["step"], "run": name, "value": 100 * each[f"{name}_accuracy"]}
            for each in measured
            for name in ("train", "validation")
        ]
        if not rows:
            st.caption(_("The first evaluation comes soon."))
            return
        frame = pd.DataFrame(rows)
        charts.small_line(frame, "value", _("Accuracy"), _("% of texts"), points=True).show(caption=False)
        newest = measured[-1]
        st.caption(
            _(
                "At step {step:,}, {train_accuracy:.1%} of (some) training texts and "
                "{validation_accuracy:.1%} of the validation texts are called rightly.",
                step=newest["step"],
                train_accuracy=newest["train_accuracy"],
                validation_accuracy=newest["validation_accuracy"],
            )
        )
        with st.expander(_("As a table"), icon=":material/table:"):
            table = frame.pivot(index="step", columns="run", values="value").round(2)
            show_table(table, width="stretch")


def _choose_cell(row: int, column: int) -> None:
    st.session_state[_CELL] = (row, column)


def _confusion(record: RunRecord) -> None:
    by_step = {each["step"]: each for each in evaluations(record.run_id, stamp_of(record))}
    if not by_step:
        return
    st.header(_("What is taken for what"), anchor=False)
    step = choose_step(record, list(by_step))
    measured = by_step[step]
    try:
        validation = split_of_run(record).validation
    except EngineError as error:
        st.caption(sentence(error))
        return
    names, counts = validation.label_names, np.array(measured["confusion"])
    summary = _(
        "After step {step:,}, {trace:,} of {sum:,} validation texts are called rightly ({validation_accuracy:.1%}).",
        step=step,
        trace=np.trace(counts),
        sum=counts.sum(),
        validation_accuracy=measured["validation_accuracy"],
    )
    wrong = [(row, column) for row in range(len(names)) for column in range(len(names)) if row != column]
    worst = max(wrong, key=lambda place: counts[place])
    chosen = st.session_state.get(_CELL)
    if not (isinstance(chosen, tuple) and max(chosen) < len(names)):
        chosen = worst
    if len(names) <= MAX_CLASSES:
        confusion_grid(
            counts,
            names,
            key=f"confusion:{record.run_id}",
            title=_("Validation texts: what they are, what they were called"),
            summary=summary,
            selected=chosen,
            on_click=_choose_cell,
        )
    else:
        chosen = worst
        frame = pd.DataFrame(counts, index=list(names), columns=list(names))
        show_table(frame, width="stretch")
    st.caption(_("{summary} Choose a cell: its texts are listed below.", summary=summary))
    _texts_of_cell(validation, measured, names, chosen)


def _texts_of_cell(validation: Any, measured: dict[str, Any], names: tuple[str, ...], cell: tuple[int, int]) -> None:
    predicted = measured.get("predicted", ())
    if len(predicted) != len(validation):
        return
    is_class, called = cell
    rows = [
        {N_("no."): row + 1, N_("text"): shortened(text)}
        for row, (text, label, said) in enumerate(zip(validation.texts, validation.labels, predicted, strict=True))
        if label == is_class and said == called
    ]
    st.text(cell_told(len(rows), names[is_class], names[called]))
    if rows:
        show_table(
            pd.DataFrame(rows[:MOST_TEXTS]),
            hide_index=True,
            width="stretch",
            column_config={N_("no."): st.column_config.NumberColumn(width="small")},
        )
        if len(rows) > MOST_TEXTS:
            st.caption(_("The first {most_texts} of them.", most_texts=MOST_TEXTS))
    else:
        st.caption(_("There is none at this step."))
