"""Train an encoder–decoder on the phrasebook and watch how many held-out sentences it gets right."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine import seq2seq, translation
from engine.errors import ConfigError, EngineError
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
from pages.shared.viewer import lab

NORMS = {"before": "before each part, as in GPT-2", "after": "after each part, as in the paper"}
OPTIMIZERS = {"muon": "Muon", "adamw": "AdamW"}
_ADAMW_RATE = 2e-3  # alone it moves the matrices too, which 5e-3 drives apart


def show() -> None:
    """The part "Train it"."""
    st.markdown(
        "In 2017 the transformer was built to translate: an **encoder** reads the English sentence, a **decoder** "
        "writes the other language word by word and looks back at the encoder's output. Here one learns from nothing."
    )
    config = _order()
    if config is not None and st.button(
        "Train",
        type="primary",
        icon=":material/play_arrow:",
        help="Starts the run, or shows the one with exactly these settings if somebody has trained it already.",
    ):
        try:
            RUNS.look_at(lab().submit(config, label_of(config)))
        except EngineError as error:
            st.error(sentence(error))
    run_id = RUNS.choose(translators())
    if run_id is None:
        st.info(
            "No translator yet. The settings are ready: press **Train**. Curves and translations then appear here "
            "and follow the training; you may leave the page meanwhile."
        )
    else:
        follow(run_id, _draw)
    notice(
        "Loss falls long before whole sentences are right: a sentence of ten words needs ten right words. At 90 % per "
        "word only about 0.9¹⁰ = 35 % of them would be.",
        "BLEU rises earlier than exact match: it gives credit for every run of one to four words that agrees.",
        "The held-out sentences are new, but each word and each rule of grammar occurs in training. This is a test of "
        "combining, not of knowing the world.",
    )
    exercise(
        "Train once more with the norm after each part, as the paper has it, and the same time. What changes, and why "
        "did later models move the norm?",
        "With the norm after each part the residual stream is normalised again and again, so gradients of the lower "
        "layers depend on all norms above: training is touchier and needs a longer warmup. With the norm before, the "
        "stream itself is never touched (Xiong et al. 2020).",
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
        "From English to",
        list(LANGUAGE_NAMES),
        default="german",
        required=True,
        format_func=LANGUAGE_NAMES.__getitem__,
        key="translation-language",
        persist_state="session",
        help="German moves verbs to the end and bends articles; French has elisions and moves adjectives.",
    )
    preset = right.segmented_control(
        "Time",
        list(PRESETS),
        default=DEFAULT_PRESET,
        required=True,
        format_func=lambda name: PRESETS[name].title,
        key="translation-preset",
        persist_state="session",
        help="On one core that has little else to do. The number of steps is fixed at the start from the measured "
        "speed.",
    )
    with st.expander("All settings", icon=":material/tune:"):
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
        "Layers of each stack", 1, 4, 2, help="The paper has 6 in the encoder and 6 in the decoder.", **keyed("layers")
    )
    d_model = second.select_slider(
        "Width d_model", [32, 64, 96, 128, 192, 256], 128, help="Numbers for each token. The paper: 512.", **keyed("d")
    )
    n_heads = third.select_slider("Heads", [1, 2, 4, 8], 4, help="In every attention. The paper: 8.", **keyed("heads"))
    norm = first.selectbox(
        "Norm",
        list(NORMS),
        format_func=NORMS.__getitem__,
        help="Where the layer norm stands.",
        **keyed("norm"),
    )
    optimizer = second.selectbox(
        "Optimizer",
        list(OPTIMIZERS),
        format_func=OPTIMIZERS.__getitem__,
        help="The paper used Adam, of which AdamW is the present form. Muon learns this in fewer steps.",
        **keyed("optimizer"),
    )
    batch_size = third.select_slider(
        "Sentences in a batch", [16, 32, 64, 128], 64, help="Pairs of like length share a batch.", **keyed("batch")
    )
    seed = first.number_input("Seed", 0, 9999, 0, help="Weights, order and phrases follow from it.", **keyed("seed"))
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
        for name, value in (("exact match (%)", 100 * each["exact_match"]), ("BLEU", each["bleu"]))
    ]
    return pd.DataFrame(rows, columns=["step", "run", "value"])


def _quality_chart(record: RunRecord) -> None:
    measured = _evaluations(record.run_id, stamp_of(record))
    if measured.empty:
        st.caption("The first evaluation comes soon.")
        return
    figure = charts.small_line(measured, "value", "Held-out translations", "0 to 100", points=True)
    figure.show(caption=False)
    newest = measured[measured["step"] == measured["step"].max()].set_index("run")["value"]
    st.caption(
        f"At step {measured['step'].max():,}, {newest['exact match (%)']:.1f} % of the held-out sentences are exactly "
        f"right, and BLEU is {newest['BLEU']:.1f}."
    )


def _numbers(evaluation: dict[str, Any]) -> None:
    if not evaluation:
        return
    numbers = (
        ("Exact match", f"{evaluation['exact_match']:.1%}", "Held-out sentences translated as the phrasebook does."),
        ("BLEU", f"{evaluation['bleu']:.1f}", "Runs of one to four words that agree with the reference, 0 to 100."),
        ("Validation loss", f"{evaluation['validation_loss']:.3f}", "Nats per token, with the reference fed."),
    )
    with st.container(horizontal=True):
        for label, value, help in numbers:
            st.metric(label, value, help=help, width=140)


@st.cache_data(max_entries=32, show_spinner=False)
def _translations_of(run_id: str, stamp: str) -> dict[int, list[dict[str, Any]]]:
    recorded = lab().events(run_id, kinds=("translations",))
    return {event.step: event.payload["translations"] for event in recorded}


def _translations(record: RunRecord) -> None:
    by_step = _translations_of(record.run_id, stamp_of(record))
    if not by_step:
        return
    st.header("Held-out sentences, and what it makes of them", anchor=False)
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
    summary = f"After step {step:,}, {n_right} of these {len(rows)} are exactly right."
    token_table(
        ("No.", "English", f"{language}, by the phrasebook", "The model's own"),
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
    with st.expander("Held out: how and why", icon=":material/fact_check:"):
        st.markdown(
            "A model that has seen a sentence may simply remember it. So one English sentence in twenty, chosen by the "
            "hash of its text, is kept out of training, wherever and however often the phrasebook writes it. The "
            "worker counted, before this run began:"
        )
        st.dataframe(
            pd.DataFrame(
                [
                    ("Sentence pairs to train on", f"{counted['n_train']:,}"),
                    ("Held-out sentences", f"{counted['n_held_out']:,}"),
                    ("… of these translated at every evaluation", f"{record.config_dict['evaluated']:,}"),
                    ("Held-out English sentences that occur in training", f"{counted['overlap']:,}"),
                    ("Words of held-out sentences that never occur in training", f"{counted['new_words']:,}"),
                    ("Words of both languages (with three special tokens)", f"{counted['n_vocab']:,}"),
                    ("Parameters of the model", f"{counted['n_parameters']:,}"),
                ],
                columns=["Counted", "Number"],
            ),
            hide_index=True,
            width="stretch",
        )
        st.markdown(
            "Compositions are new, words are not: that is what the number above measures. A word that was never "
            "read could not be translated at all."
        )
        st.caption(f"BLEU is sacrebleu's; its signature says how it was computed: {_signature()}")


@st.cache_data(show_spinner=False)
def _signature() -> str:
    return translation.translation_quality(["a"], ["a"]).signature
