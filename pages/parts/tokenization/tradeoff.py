"""Part: vocabulary trade-off. Fewer tokens against a larger table, and the one number that compares them fairly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import training
from engine.aside_worker import Call
from engine.errors import ConfigError, EngineError
from engine.gpt import GPTConfig
from engine.language import N_, _, number
from engine.runs.config import RunConfig
from engine.runs.named_texts import LEARN_CHARS
from engine.runs.preparation import token_lengths
from engine.runs.recipes import RECIPES, recipe_config
from engine.runs.records import RunRecord
from engine.runs.tokens_made import Measured, measure_tokens
from pages.shared import sitemap
from pages.shared.aside import all_computed
from pages.shared.bpe_charts import bits_per_byte, size_against_length
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence, shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.live import kept_current
from pages.shared.models import settings_aside
from pages.shared.quantities import estimate
from pages.shared.run_panel import STATES
from pages.shared.tables import show_table
from pages.shared.text_source import TextSource, choose_text
from pages.shared.tokenizers import VOCAB_SIZES, TokenizerChoice
from pages.shared.viewer import lab

RECIPE = RECIPES["30s"]
DEFAULT_SIZES = [500, 1000, 2000, 4000]
MAX_SIZES = 6
WIDTHS = [32, 64, 128, 256, 384, 768, 1600, 12288]
REFRESH_SECONDS = 2.0
FEW_STEPS = 100  # below that the comparison tells more about the machine than about the tokenizer


def tradeoff() -> None:
    """Vocabulary against length, and bits per byte."""
    st.markdown(
        _(
            "A larger vocabulary makes texts shorter, so the model has fewer steps to compute and sees further back. "
            "It pays with a larger table: one vector for each token, each of which must be learned."
        )
    )
    left, right = st.columns(2, gap="medium")
    with left:
        source = choose_text(
            "tradeoff-text",
            default="stories",
            label=_("Text"),
            help=_("Tokenizers learn on its first million characters, and encode the same."),
        )
    with right:
        sizes = st.multiselect(
            _("BPE vocabularies"),
            VOCAB_SIZES,
            DEFAULT_SIZES,
            max_selections=MAX_SIZES,
            format_func=_,
            key="tradeoff-sizes",
            persist_state="session",
            help=_("Learned here, at most {max_sizes}. Beside them stand characters and GPT-2.", max_sizes=MAX_SIZES),
        )
    if source.problem:
        st.info(source.problem)
        return
    choices = [
        TokenizerChoice("char", source.name),
        *(TokenizerChoice("bpe", source.name, size) for size in sorted(sizes)),
        TokenizerChoice("gpt2"),
    ]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        width = st.select_slider(
            _("Width of the model (d_model)"),
            WIDTHS,
            RECIPE.d_model,
            format_func=_,
            key="tradeoff-width",
            persist_state="session",
            width=420,
            help=_("The length of each token's vector. 768 is GPT-2's, 12,288 GPT-3's."),
        )
        tied = st.toggle(
            _("One table for reading and writing"),
            True,
            key="tradeoff-tied",
            persist_state="session",
            help=_(
                "Tied embeddings, as in GPT-2: the table that reads tokens also scores them. Untied needs it twice."
            ),
        )
    with shown_errors():
        _sizes(choices, source.name, width, tied)
    _fair_comparison(choices, source)
    notice(
        _(
            "From characters to the first few hundred merges the text shrinks fast; every further doubling of the "
            "vocabulary brings less."
        ),
        _("In a small model the table is most of the model: with GPT-2's vocabulary little is left for anything else."),
        _("The loss per token rises with the vocabulary although the models do not get worse: each token says more."),
        _(
            "Bits per byte does not care how the text was cut. But in the same time a model with a larger table makes "
            "fewer steps, so the best size depends on how long one can train."
        ),
    )
    exercise(
        _(
            "A model with characters has a loss of 1.0 nats per token and 1.0 bytes per token, one with BPE 3.0 nats "
            "and 3.6 bytes. Which one predicts the text better?"
        ),
        _(
            "Per byte: 1.0 / ln 2 / 1.0 = 1.44 bits against 3.0 / ln 2 / 3.6 = 1.20 bits. The one with BPE, although "
            "its loss is three times as high."
        ),
    )
    show_code(training.Trainer._bits_per_byte, GPTConfig.n_parameters.fget, token_lengths)


# --- tokens and tables -------------------------------------------------------------------------------------------


def _sizes(choices: list[TokenizerChoice], source: str, width: int, tied: bool) -> None:
    found = measured(choices, source)
    table = pd.DataFrame([_row(choice, each, width, tied) for choice, each in zip(choices, found, strict=True)])
    size_against_length(table).show()
    _show_table(table)
    st.caption(
        _(
            "Share: of all parameters of a model with {n_layers} layers of this width. Reach: what a context of "
            "{context_length} tokens holds.",
            n_layers=RECIPE.n_layers,
            context_length=RECIPE.context_length,
        )
    )
    known = zip(choices, found, strict=True)
    short = [c.vocab_size for c, each in known if c.kind == "bpe" and each.n_vocab < c.vocab_size]
    if short:
        st.caption(
            _(
                "This text ran out of pairs before a vocabulary of {short:,}: every piece of it is one token by then.",
                short=min(short),
            )
        )


def measured(choices: list[TokenizerChoice], source: str) -> list[Measured]:
    """The first million characters of a text in the tokens of each tokenizer; NotYet while they are cut."""
    settings = settings_aside()
    calls = [Call(measure_tokens, (settings, each.kind, each.vocab_size, source, LEARN_CHARS)) for each in choices]
    return all_computed(_("Encoding the text …"), calls)


def shape(vocab_size: int, width: int, tied: bool) -> GPTConfig:
    """The recipe's model with another vocabulary and width."""
    return GPTConfig(
        vocab_size=vocab_size,
        context_length=RECIPE.context_length,
        n_layers=RECIPE.n_layers,
        n_heads=RECIPE.n_heads,
        d_model=width,
        positions="rotary",
        bias=False,
        tie_embeddings=tied,
    )


def _row(choice: TokenizerChoice, found: Measured, width: int, tied: bool) -> dict[str, Any]:
    parameters = found.n_vocab * width * (1 if tied else 2)
    kinds = {"char": _("characters"), "bpe": _("BPE learned here")}
    return {
        "tokenizer": choice.title,
        "kind": kinds.get(choice.kind, _("official")),
        "vocabulary": found.n_vocab,
        "tokens": found.n_tokens,
        "bytes_per_token": found.n_bytes / found.n_tokens,
        "parameters": parameters,
        "share": 100 * parameters / shape(found.n_vocab, width, tied).n_parameters,
        "reach": RECIPE.context_length * found.n_bytes / found.n_tokens,
    }


def _show_table(table: pd.DataFrame) -> None:
    show_table(
        table.drop(columns="kind"),
        width="stretch",
        hide_index=True,
        column_config={
            N_("tokenizer"): _("Tokenizer"),
            N_("vocabulary"): st.column_config.NumberColumn(
                _("Vocabulary"), format="localized", help=_("Tokens it knows.")
            ),
            N_("tokens"): st.column_config.NumberColumn(_("Tokens"), format="localized", help=_("Length of the text.")),
            "bytes_per_token": st.column_config.NumberColumn(
                _("Bytes per token"), format="%.2f", help=_("Compression.")
            ),
            N_("parameters"): st.column_config.NumberColumn(
                _("Embedding parameters"), format="localized", help=_("Vocabulary × width, twice if untied.")
            ),
            N_("share"): st.column_config.NumberColumn(_("Share (%)"), format="%.0f", help=_("Of the whole model.")),
            N_("reach"): st.column_config.NumberColumn(
                _("Reach (bytes)"), format="%.0f", help=_("How far back it sees.")
            ),
        },
    )


# --- bits per byte -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """A tokenizer with the run that the recipe asks for, or why there can be none, and the run that was found."""

    choice: TokenizerChoice
    config: RunConfig | None
    problem: str
    record: RunRecord | None


def _fair_comparison(choices: list[TokenizerChoice], source: TextSource) -> None:
    st.header(_("The fair comparison"), anchor=False)
    st.markdown(
        _(
            "The loss is measured per token, and a token of one tokenizer is not one of another: a longer one is "
            "harder to guess and says more. Per byte all predict the same text:"
        )
    )
    bits, loss, tokens, size = _("bits per byte"), _("loss"), _("tokens"), _("bytes")
    st.latex(
        rf"\text{{{bits}}} = \frac{{\text{{{loss}}}}}{{\ln 2}} \cdot \frac{{\text{{{tokens}}}}}{{\text{{{size}}}}}"
    )
    entries = find_entries(choices, source)
    live = any(entry.record is not None and entry.record.live for entry in entries)
    kept_current(_runs, every=REFRESH_SECONDS if live else None)(tuple(choices), source, live)


def find_entries(choices: list[TokenizerChoice] | tuple[TokenizerChoice, ...], source: TextSource) -> list[Entry]:
    """For each tokenizer the run to compare: the recipe's own, else the newest finished one on the same text."""
    records = lab().runs()
    entries = []
    for choice in choices:
        settings: dict[str, Any] = {"tokenizer_kind": choice.kind}
        if choice.kind == "bpe":
            settings["vocab_size"] = choice.vocab_size
        try:
            config = recipe_config(RECIPE.name, source.name, **settings)
        except ConfigError as error:
            entries.append(Entry(choice, None, sentence(error), None))
            continue
        entries.append(Entry(choice, config, "", _matching(records, config)))
    return entries


def _matching(records: list[RunRecord], config: RunConfig) -> RunRecord | None:
    own = next((record for record in records if record.run_id == config.run_id), None)
    if own is not None:
        return own
    wanted = config.to_dict()
    same = ["corpora", "n_chars", "validation_fraction", "tokenizer_kind"]
    same += ["vocab_size"] if config.tokenizer_kind == "bpe" else []
    fitting = [
        record
        for record in records
        if record.state == "finished" and all(record.config_dict.get(name) == wanted[name] for name in same)
    ]
    return fitting[0] if fitting else None


def _runs(choices: tuple[TokenizerChoice, ...], source: TextSource, was_live: bool) -> None:
    entries = find_entries(choices, source)
    if was_live != any(entry.record is not None and entry.record.live for entry in entries):
        st.rerun()
    results = [result for entry in entries if (result := _result(entry)) is not None]
    finished = pd.DataFrame([result for result in results if result["bits"] is not None])
    if not finished.empty:
        bits_per_byte(finished).show()
        if finished["seconds"].max() > 1.5 * finished["seconds"].min() or finished["shape"].nunique() > 1:
            st.caption(_("Not all of these trained for the same time with the same model: compare those that did."))
        if finished["steps"].min() < FEW_STEPS:
            st.caption(
                _(
                    "Some of these models made fewer than {few_steps} steps, because the machine was busy or their "
                    "table is large. They have hardly begun to learn: train them longer in Pretraining before you "
                    "judge.",
                    few_steps=FEW_STEPS,
                )
            )
    if results:
        _show_runs(results)
    for entry in entries:
        if entry.problem:
            st.caption(f"{entry.choice.title}: {entry.problem}")
    _train_missing(entries, source)
    _links(entries)
    problem = lab().server_problem() if was_live else ""
    if problem:
        st.warning(problem)


def _result(entry: Entry) -> dict[str, Any] | None:
    record = entry.record
    if record is None:
        return None
    evaluation = _last_evaluation(record.run_id, f"{record.attempt}:{record.step}:{record.state}:{record.updated_at}")
    loss, bits = evaluation.get("validation_loss"), evaluation.get("bits_per_byte")
    state = STATES[record.state][1]
    if record.live:
        state += f", {number(record.progress, '.0%')}"
    model = record.config_dict.get("model", {})
    return {
        "tokenizer": entry.choice.title,
        "state": state,
        "loss": loss,
        "bits": bits,
        "per_token": loss / math.log(2) / bits if loss and bits else None,
        "steps": record.step,
        "seconds": record.seconds,
        "shape": _("{get} layers × {get_2}", get=model.get("n_layers"), get_2=model.get("d_model")),
        "detail": _(
            "{run_id} · {seconds:.0f} s, {step:,} steps",
            run_id=record.run_id[:6],
            seconds=record.seconds,
            step=record.step,
        ),
    }


@st.cache_data(max_entries=128, show_spinner=False)
def _last_evaluation(run_id: str, stamp: str) -> dict[str, Any]:
    evaluations = lab().curve(run_id, 2).evaluations
    return evaluations[-1] if evaluations else {}


def _show_runs(results: list[dict[str, Any]]) -> None:
    table = pd.DataFrame(results).drop(columns="detail")
    for column in ("loss", "bits", "per_token"):
        table[column] = table[column].astype(np.float64)
    show_table(
        table,
        width="stretch",
        hide_index=True,
        column_config={
            N_("tokenizer"): _("Tokenizer"),
            N_("state"): _("State"),
            N_("loss"): st.column_config.NumberColumn(
                _("Loss (nats per token)"), format="%.3f", help=_("Not comparable.")
            ),
            N_("bits"): st.column_config.NumberColumn(
                _("Bits per byte"), format="%.3f", help=_("Comparable; lower is better.")
            ),
            "per_token": st.column_config.NumberColumn(
                _("Bytes per token"), format="%.2f", help=_("Of the held-out text.")
            ),
            N_("steps"): st.column_config.NumberColumn(_("Steps"), format="localized", help=_("Optimizer updates.")),
            N_("seconds"): st.column_config.NumberColumn(
                _("Training (s)"), format="%.0f", help=_("Time spent training.")
            ),
            N_("shape"): _("Model"),
        },
    )


def _train_missing(entries: list[Entry], source: TextSource) -> None:
    missing = [entry for entry in entries if entry.config is not None and entry.record is None]
    if not missing:
        return
    st.markdown(
        _(
            "**{n_missing} of {n_entries}** have not been trained on this text yet. The same small model learns "
            "with each tokenizer for {seconds} on one core: about "
            "**{estimate}** in all where one runs after the other.",
            n_missing=len(missing),
            n_entries=len(entries),
            seconds=estimate(RECIPE.seconds),
            estimate=estimate(len(missing) * RECIPE.seconds),
        )
    )
    if st.button(
        _("Train the missing {n_missing} run", n_missing=len(missing))
        if len(missing) == 1
        else _("Train the missing {n_missing} runs", n_missing=len(missing)),
        key="tradeoff-train",
        icon=":material/play_arrow:",
        type="primary",
        help=_("They run in the background: go on with another part and come back."),
    ):
        for entry in missing:
            try:
                lab().submit(entry.config, f"{source.title} · {entry.choice.title}")
            except EngineError as error:
                st.error(sentence(error))
        st.rerun()


def _links(entries: list[Entry]) -> None:
    found = [entry for entry in entries if entry.record is not None]
    if not found:
        return
    st.caption(_("Open a run in Pretraining:"))
    with st.container(horizontal=True):
        for entry in found:
            if st.button(
                _(entry.choice.title),
                key=f"tradeoff-open-{entry.record.run_id}",
                icon=":material/open_in_new:",
                help=_("Its curves, samples and settings."),
            ):
                st.session_state["run_id"] = entry.record.run_id
                sitemap.open_lesson("pretraining")
