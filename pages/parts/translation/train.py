"""Train an encoder–decoder on the phrasebook and watch how many held-out sentences it gets right."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine import seq2seq, translation
from engine.errors import ConfigError, EngineError
from engine.language import N_, _, number
from engine.runs.records import RunRecord
from engine.runs.translating import DEFAULT_PRESET, PRESETS, TranslationConfig, translation_config
from pages.parts.translation.source import LANGUAGE_NAMES, RUNS, label_of, translators
from pages.shared import charts
from pages.shared.code_panel import show_code
from pages.shared.components.token_table import Cell, Row, token_table
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice
from pages.shared.lesson_runs import follow, stamp_of
from pages.shared.run_data import RunView
from pages.shared.run_panel import choose_step, marks_of
from pages.shared.tables import show_table
from pages.shared.viewer import lab

NORMS = {"before": N_("before each part, as in GPT-2"), "after": N_("after each part, as in the paper")}
OPTIMIZERS = {"muon": N_("Muon"), "adamw": "AdamW"}
_ADAMW_RATE = 2e-3  # alone it moves the matrices too, which 5e-3 drives apart


def show() -> None:
    """The part "Train it"."""
    st.markdown(
        _(
            "In 2017 the transformer was built to translate: an **encoder** reads the English sentence, a **decoder** "
            "writes the other language word by word and looks back at the encoder's output. Here one learns from "
            "nothing."
        )
    )
    config = _order()
    if config is not None and st.button(
        _("Train"),
        type="primary",
        icon=":material/play_arrow:",
        help=_("Starts the run, or shows the one with exactly these settings if somebody has trained it already."),
    ):
        try:
            RUNS.look_at(lab().submit(config, label_of(config)))
        except EngineError as error:
            st.error(sentence(error))
    run_id = RUNS.choose(translators())
    if run_id is None:
        st.info(
            _(
                "No translator yet. The settings are ready: press **Train**. Curves and translations then appear here "
                "and follow the training; you may leave the page meanwhile."
            )
        )
    else:
        follow(run_id, _draw)
    notice(
        _(
            "Loss falls long before whole sentences are right: a sentence of ten words needs ten right words. At 90 % "
            "per word only about 0.9¹⁰ = 35 % of them would be."
        ),
        _("BLEU rises earlier than exact match: it gives credit for every run of one to four words that agrees."),
        _(
            "The held-out sentences are new, but each word and each rule of grammar occurs in training. This is a test "
            "of combining, not of knowing the world."
        ),
    )
    exercise(
        _(
            "Train once more with the norm after each part, as the paper has it, and the same time. What changes, and "
            "why did later models move the norm?"
        ),
        _(
            "With the norm after each part the residual stream is normalised again and again, so gradients of the "
            "lower layers depend on all norms above: training is touchier and needs a longer warmup. With the norm "
            "before, the stream itself is never touched (Xiong et al. 2020)."
        ),
    )
    show_code(
        seq2seq.Seq2Seq.forward,
        seq2seq.DecoderBlock.forward,
        seq2seq.Seq2Seq.loss,
        translation.TranslationTrainer._gradients,
        translation.translation_quality,
    )


def _draw(record: RunRecord, run: RunView) -> None:
    losses, quality = st.columns(2)
    with losses:
        charts.loss_curves(run.losses, marks=marks_of(run, "step")).show()
    with quality:
        _quality_chart(record)
    _numbers(run.evaluation)
    _translations(record)
    _held_out(record)


def _order() -> TranslationConfig | None:
    """The controls; None, with the reason, while they ask for what cannot be."""
    left, right = st.columns(2)
    language = left.segmented_control(
        _("From English to"),
        list(LANGUAGE_NAMES),
        default="german",
        required=True,
        format_func=lambda each: _(LANGUAGE_NAMES[each]),
        key="translation-language",
        persist_state="session",
        help=_("German moves verbs to the end and bends articles; French has elisions and moves adjectives."),
    )
    preset = right.segmented_control(
        _("Time"),
        list(PRESETS),
        default=DEFAULT_PRESET,
        required=True,
        format_func=lambda name: _(PRESETS[name].title),
        key="translation-preset",
        persist_state="session",
        help=_(
            "On one core that has little else to do. The number of steps is fixed at the start from the measured speed."
        ),
    )
    with st.expander(_("All settings"), icon=":material/tune:"):
        changes, training = _advanced()
    try:
        return translation_config(preset, language=language, training=training, **changes)
    except ConfigError as error:
        st.warning(sentence(error))
        return None


def _advanced() -> tuple[dict[str, Any], dict[str, Any]]:
    def keyed(name: str) -> dict[str, Any]:
        return {"key": f"translation-{name}", "persist_state": "session"}

    first, second, third = st.columns(3)
    n_layers = first.slider(
        _("Layers of each stack"),
        1,
        4,
        2,
        help=_("The paper has 6 in the encoder and 6 in the decoder."),
        **keyed("layers"),
    )
    d_model = second.select_slider(
        _("Width d_model"),
        [32, 64, 96, 128, 192, 256],
        128,
        help=_("Numbers for each token. The paper: 512."),
        **keyed("d"),
    )
    n_heads = third.select_slider(
        _("Heads"), [1, 2, 4, 8], 4, help=_("In every attention. The paper: 8."), **keyed("heads")
    )
    norm = first.selectbox(
        _("Norm"),
        list(NORMS),
        format_func=lambda each: _(NORMS[each]),
        help=_("Where the layer norm stands."),
        **keyed("norm"),
    )
    optimizer = second.selectbox(
        _("Optimizer"),
        list(OPTIMIZERS),
        format_func=lambda each: _(OPTIMIZERS[each]),
        help=_("The paper used Adam, of which AdamW is the present form. Muon learns this in fewer steps."),
        **keyed("optimizer"),
    )
    batch_size = third.select_slider(
        _("Sentences in a batch"),
        [16, 32, 64, 128],
        64,
        help=_("Pairs of like length share a batch."),
        **keyed("batch"),
    )
    seed = first.number_input(
        _("Seed"), 0, 9999, 0, help=_("Weights, order and phrases follow from it."), **keyed("seed")
    )
    training: dict[str, Any] = {"optimizer": optimizer, "batch_size": batch_size, "seed": int(seed)}
    if optimizer == "adamw":
        training |= {"learning_rate": _ADAMW_RATE}
    shape = {"n_layers": n_layers, "d_model": d_model, "n_heads": n_heads, "norm": norm, "seed": int(seed)}
    return shape, training


@st.cache_data(max_entries=32, show_spinner=False)
def _evaluations(run_id: str, stamp: str) -> pd.DataFrame:
    rows = [
        {"step": each["step"], "run": name, "value": value}
        for each in lab().curve(run_id, 1).evaluations
        for name, value in ((N_("exact match (%)"), 100 * each["exact_match"]), ("BLEU", each["bleu"]))
    ]
    return pd.DataFrame(rows, columns=[N_("step"), N_("run"), N_("value")])


def _quality_chart(record: RunRecord) -> None:
    measured = _evaluations(record.run_id, stamp_of(record))
    if measured.empty:
        st.caption(_("The first evaluation comes soon."))
        return
    figure = charts.small_line(measured, "value", _("Held-out translations"), _("0 to 100"), points=True)
    figure.show(caption=False)
    newest = measured[measured["step"] == measured["step"].max()].set_index("run")["value"]
    st.caption(
        _(
            "At step {max:,}, {exact_match:.1f} % of the held-out sentences are exactly right, and BLEU is {bleu:.1f}.",
            max=measured["step"].max(),
            exact_match=newest["exact match (%)"],
            bleu=newest["BLEU"],
        )
    )


def _numbers(evaluation: dict[str, Any]) -> None:
    if not evaluation:
        return
    numbers = (
        (
            _("Exact match"),
            number(evaluation["exact_match"], ".1%"),
            _("Held-out sentences translated as the phrasebook does."),
        ),
        (
            "BLEU",
            number(evaluation["bleu"], ".1f"),
            _("Runs of one to four words that agree with the reference, 0 to 100."),
        ),
        (
            _("Validation loss"),
            number(evaluation["validation_loss"], ".3f"),
            _("Nats per token, with the reference fed."),
        ),
    )
    with st.container(horizontal=True):
        for label, value, help in numbers:
            st.metric(_(label), value, help=_(help), width=140)


@st.cache_data(max_entries=32, show_spinner=False)
def _translations_of(run_id: str, stamp: str) -> dict[int, list[dict[str, Any]]]:
    recorded = lab().events(run_id, kinds=("translations",))
    return {event.step: event.payload["translations"] for event in recorded}


def _translations(record: RunRecord) -> None:
    by_step = _translations_of(record.run_id, stamp_of(record))
    if not by_step:
        return
    st.header(_("Held-out sentences, and what it makes of them"), anchor=False)
    step = choose_step(record, list(by_step))
    rows = [
        Row(
            str(number),
            (
                Cell(each["source"]),
                Cell(each["reference"]),
                Cell(
                    each["text"] or "∅",
                    mark="right" if each["right"] else "wrong",
                    word="right" if each["right"] else "wrong",
                ),
            ),
        )
        for number, each in enumerate(by_step[step], start=1)
    ]
    n_right = sum(each["right"] for each in by_step[step])
    language = LANGUAGE_NAMES[record.config_dict["language"]]
    summary = _(
        "After step {step:,}, {n_right} of these {n_rows} are exactly right.",
        step=step,
        n_right=n_right,
        n_rows=len(rows),
    )
    token_table(
        (_("No."), _("English"), _("{language}, by the phrasebook", language=language), _("The model's own")),
        rows,
        key=f"translations:{record.run_id}",
        summary=summary,
    )
    st.caption(summary)


@st.cache_data(max_entries=32, show_spinner=False)
def _pairs_of(run_id: str, attempt: int) -> dict[str, Any]:
    found = lab().events(run_id, kinds=("pairs",))
    return found[-1].payload if found else {}


def _held_out(record: RunRecord) -> None:
    counted = _pairs_of(record.run_id, record.attempt)
    if not counted:
        return
    with st.expander(_("Held out: how and why"), icon=":material/fact_check:"):
        st.markdown(
            _(
                "A model that has seen a sentence may simply remember it. So one English sentence in twenty, chosen by "
                "the hash of its text, is kept out of training, wherever and however often the phrasebook writes it. "
                "The worker counted, before this run began:"
            )
        )
        show_table(
            pd.DataFrame(
                [
                    (_("Sentence pairs to train on"), number(counted["n_train"])),
                    (_("Held-out sentences"), number(counted["n_held_out"])),
                    (_("… of these translated at every evaluation"), number(record.config_dict["evaluated"])),
                    (_("Held-out English sentences that occur in training"), number(counted["overlap"])),
                    (_("Words of held-out sentences that never occur in training"), number(counted["new_words"])),
                    (_("Words of both languages (with three special tokens)"), number(counted["n_vocab"])),
                    (_("Parameters of the model"), number(counted["n_parameters"])),
                ],
                columns=[N_("Counted"), N_("Number")],
            ),
            hide_index=True,
            width="stretch",
        )
        st.markdown(
            _(
                "Compositions are new, words are not: that is what the number above measures. A word that was never "
                "read could not be translated at all."
            )
        )
        st.caption(
            _("BLEU is sacrebleu's; its signature says how it was computed: {signature}", signature=_signature())
        )


@st.cache_data(show_spinner=False)
def _signature() -> str:
    return translation.translation_quality(["a"], ["a"]).signature
