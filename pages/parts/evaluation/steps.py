"""Part: from the logits of one position to cross-entropy, perplexity and bits per byte, one step at a time."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import evaluation
from engine.evaluation import CrossEntropy, cross_entropy
from engine.language import N_, _, number
from pages.parts.evaluation.figures import CAME, OTHER, by_token, candidates, penalty
from pages.shared.charts import _distinct, percent, visible_token
from pages.shared.code_panel import show_code
from pages.shared.components.surprise_text import Piece, surprise_text
from pages.shared.draft import show_bytes
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, choose_model, load
from pages.shared.sentence import Sentence, choose_sentence, traced
from pages.shared.tables import show_table

MOST_TOKENS = 64
TOP = 7
AROUND = 2  # tokens on each side of the chosen one whose numbers are shown
STEPS = (N_("1 Logits"), N_("2 Softmax"), N_("3 −ln p"), N_("4 Mean"), N_("5 Perplexity"), N_("6 Bits per byte"))
STEP_KEY = "evaluation-step"


def show() -> None:
    """The part "Cross-entropy step by step"."""
    st.markdown(
        _(
            "One number tells how well a model predicts a text. Six steps lead to it, and each is a line of arithmetic "
            "on real logits: choose a token and walk through them."
        )
    )
    model, text = st.columns([1, 1.6], gap="large")
    with model:
        choice = choose_model()
    if choice is not None:
        with text:
            sentence = choose_sentence(choice, most=MOST_TOKENS)
        if sentence is not None and len(sentence.ids) < 2:
            st.info(_("Type one more word: the first token of a text has nothing before it that could predict it."))
        elif sentence is not None:
            _walk(choice, sentence)
    notice(
        _("A logit means nothing alone: add 5 to all of them and every probability stays as it was."),
        _("Only the token that came counts in the loss. How the rest is shared out among the others is free."),
        _("A few tokens make most of the loss. Right and sure costs near 0; sure and wrong has no upper limit."),
        _(
            "Loss and perplexity count per token, so a larger vocabulary makes them larger. Bits per byte does not "
            "care how the text was cut."
        ),
    )
    exercise(
        _(
            "Move the checkpoint to step 0 and read the loss. Which number should it be near, and why does every model "
            "begin there?"
        ),
        _(
            "An untrained model gives all V tokens about the same probability 1/V, so each costs −ln(1/V) = ln V: the "
            "loss starts at ln V and the perplexity at V. A model that is worse than that is sure of the wrong things."
        ),
    )
    show_code(evaluation.cross_entropy, evaluation.CrossEntropy)


@st.cache_resource(max_entries=32, show_spinner=False)
def _measured(key: str, ids: tuple[int, ...], _logits: np.ndarray, _tokenizer: Any) -> CrossEntropy:
    n_bytes = [len(_tokenizer.token_bytes(each)) for each in ids[1:]]
    return cross_entropy(_logits[:-1], ids[1:], n_bytes)


def _walk(choice: ModelChoice, sentence: Sentence) -> None:
    _unused, logits = traced(choice, sentence.ids)
    tokenizer = load(choice).tokenizer
    found = _measured(choice.key, sentence.ids, logits, tokenizer)
    at = _choose_token(sentence, found)
    step = _choose_step()
    row = at - 1  # of the arrays, which begin at the second token
    if step in STEPS[:2]:
        _one_row(logits[row], found, row, tokenizer, softmax=step == STEPS[1])
    elif step == STEPS[2]:
        _cost(found, row, sentence)
    elif step == STEPS[3]:
        _mean(found, row, sentence)
    elif step == STEPS[4]:
        _perplexity(found, logits.shape[1])
    else:
        _bits(found)
    _numbers(found, row, sentence, STEPS.index(step))


def _choose_token(sentence: Sentence, found: CrossEntropy) -> int:
    """The position that is predicted, from 1 up; by a click on the text or from a list."""
    n = len(sentence.ids)
    key = f"evaluation-token:{n}"
    if st.session_state.get(key) not in range(1, n):
        st.session_state[key] = n - 1
    bits = [None, *(found.nats / math.log(2)).tolist()]
    pieces = [
        Piece(text, each, _("nothing stood before it") if each is None else _("surprise {each:.1f} bits", each=each))
        for text, each in zip(sentence.tokens, bits, strict=True)
    ]
    clicked = surprise_text(
        pieces,
        "evaluation-strip",
        scale="surprise",
        label=_("Your sentence; press a token to see how it was predicted"),
        selected=st.session_state[key],
    )
    if clicked is not None and clicked > 0 and clicked != st.session_state[key]:
        st.session_state[key] = clicked
        st.rerun()  # the text above is drawn already: it marks the new one
    return st.selectbox(
        _("The token that is predicted"),
        range(1, n),
        format_func=lambda place: _(f"{place}: {visible_token(sentence.tokens[place])}"),
        key=key,
        persist_state="session",
        help=_("The model read everything before it. A press on a token above chooses it too."),
    )


def _go(by: int) -> None:
    here = STEPS.index(st.session_state[STEP_KEY])
    st.session_state[STEP_KEY] = STEPS[min(max(here + by, 0), len(STEPS) - 1)]


def _choose_step() -> str:
    if st.session_state.get(STEP_KEY) not in STEPS:
        st.session_state[STEP_KEY] = STEPS[0]
    steps, buttons = st.columns([2.5, 1], vertical_alignment="bottom")
    step = steps.segmented_control(
        _("Step"),
        STEPS,
        format_func=_,
        required=True,
        key=STEP_KEY,
        persist_state="session",
        help=_("Each step takes the number of the one before. Steps 4 to 6 are of the whole sentence."),
        wrap=True,
    )
    with buttons.container(horizontal=True):
        st.button(
            _("Back"),
            icon=":material/arrow_back:",
            key="evaluation-back",
            on_click=_go,
            args=(-1,),
            disabled=step == STEPS[0],
            help=_("The step before."),
        )
        st.button(
            _("Next"),
            icon=":material/arrow_forward:",
            key="evaluation-next",
            on_click=_go,
            args=(1,),
            disabled=step == STEPS[-1],
            type="primary",
            help=_("The step after."),
        )
    return step


def _one_row(logits: np.ndarray, found: CrossEntropy, row: int, tokenizer: Any, *, softmax: bool) -> None:
    """The best tokens of one position and the one that came, as logits or as probabilities."""
    target = int(found.targets[row])
    best = [int(each) for each in np.argsort(-logits, kind="stable")[:TOP]]
    ids = best if target in best else [*best, target]
    values = logits[ids].astype(float)
    if softmax:
        values = np.exp(values - found.log_sums[row])
    names = _distinct([visible_token(_name(tokenizer, each)) for each in ids])
    frame = pd.DataFrame(
        {
            "name": names,
            "value": values,
            "shown": [percent(each) if softmax else number(each, ".2f") for each in values],
            "kind": [CAME if each == target else OTHER for each in ids],
        }
    )
    place = int(found.ranks[row]) + 1
    if softmax:
        _formula(
            _(
                r"p_i = \frac{{e^{{z_i}}}}{{\sum_{{j=1}}^{{V}} e^{{z_j}}}} \qquad \ln\sum_j e^{{z_j}} = "
                "{log_sums:.3f}",
                log_sums=found.log_sums[row],
            )
        )
        summary = _(
            "The token that came had the logit {logits:.2f}, and e to the power of "
            "{logits:.2f} − {log_sums:.2f} is {percent}. "
            "All {n_logits:,} sum to 100 %.",
            logits=found.logits[row],
            log_sums=found.log_sums[row],
            percent=percent(float(found.probabilities[row])),
            n_logits=len(logits),
        )
        candidates(
            frame, title=_("Probabilities at this position"), x=_("Probability (%)"), percent=True, summary=summary
        ).show()
    else:
        _formula(r"z = W_{\text{head}}\, h \in \mathbb{R}^{V}, \qquad V = " + number(len(logits)))
        summary = _(
            "One score for each of the {n_logits:,} tokens. The one that came has {logits:.2f}, place "
            "{place:,} among them; the highest is {max:.2f}.",
            n_logits=len(logits),
            logits=found.logits[row],
            place=place,
            max=values.max(),
        )
        candidates(frame, title=_("Logits at this position"), x=_("Logit"), percent=False, summary=summary).show()


def _name(tokenizer: Any, token: int) -> str:
    return show_bytes(tokenizer.token_bytes(token)) if token < tokenizer.n_vocab else _("(unused {token})", token=token)


def _names(sentence: Sentence) -> list[str]:
    return [visible_token(each) for each in sentence.tokens[1:]]


def _cost(found: CrossEntropy, row: int, sentence: Sentence) -> None:
    p, nats = float(found.probabilities[row]), float(found.nats[row])
    _formula(
        _(
            r"-\ln p = {log_sums:.3f} - ({logits:.3f}) = {nats:.3f} \ \text{{nats}}",
            log_sums=found.log_sums[row],
            logits=found.logits[row],
            nats=nats,
        )
    )
    penalty(
        found.probabilities,
        _names(sentence),
        row,
        summary=_(
            "The chosen token had {p}, which costs {nats:.2f} nats ({nats_2:.2f} bits): its "
            "surprise (Shannon 1948). Half of the probability always costs 0.69 nats more.",
            p=percent(p),
            nats=nats,
            nats_2=nats / math.log(2),
        ),
    ).show()


def _tokens(n: int) -> str:
    return _("1 predicted token") if n == 1 else _("{n} predicted tokens", n=n)


def _mean(found: CrossEntropy, row: int, sentence: Sentence) -> None:
    n = len(found.nats)
    total = found.nats.sum()
    _formula(
        _(
            r"L = \frac{{1}}{{T}}\sum_{{t=1}}^{{T}} -\ln p_t = \frac{{{total:.2f}}}{{{n}}} = {loss:.3f}",
            total=total,
            n=n,
            loss=found.loss,
        )
    )
    dearest = np.sort(found.nats)[::-1][: max(1, n // 5)].sum() / max(found.nats.sum(), 1e-12)
    by_token(
        found.nats,
        _names(sentence),
        row,
        title=_("Cost of every token"),
        y=_("−ln p (nats)"),
        mean=_("mean"),
        summary=_(
            "The mean over {tokens} is {loss:.3f} nats: the cross-entropy loss. The dearest "
            "fifth of them makes {dearest:.0%} of it.",
            tokens=_tokens(n),
            loss=found.loss,
            dearest=dearest,
        ),
    ).show()


def _perplexity(found: CrossEntropy, n_vocab: int) -> None:
    _formula(
        rf"\text{{PPL}} = e^{{L}} = e^{{{number(found.loss, '.3f')}}} = {number(found.perplexity, '.2f')}"
        r" = \Bigl(\prod_{t} \tfrac{1}{p_t}\Bigr)^{1/T}"
    )
    left, middle, right = st.columns(3)
    left.metric(_("This sentence"), number(found.perplexity, ",.1f"), help=_("e to the loss."))
    middle.metric(
        _("Knowing nothing"), number(n_vocab), help=_("The uniform distribution: as many as there are tokens.")
    )
    right.metric(_("Knowing all"), "1", help=_("Probability 1 for every token that comes."))
    st.caption(
        _(
            "On average the model was as unsure as if it had to choose among {perplexity:,.1f} tokens, all alike, "
            "instead of {n_vocab:,}. It is the geometric mean of 1/p, so one token of tiny probability moves it far.",
            perplexity=found.perplexity,
            n_vocab=n_vocab,
        )
    )


def _bits(found: CrossEntropy) -> None:
    bits, n_bytes = found.nats.sum() / math.log(2), int(found.n_bytes.sum())
    _formula(
        _(
            r"\text{{BPB}} = \frac{{\sum_t -\log_2 p_t}}{{\text{{bytes}}}}"
            r" = \frac{{{sum:.2f}}}{{\ln 2 \cdot {n_bytes}}} = {bits_per_byte:.3f}",
            sum=found.nats.sum(),
            n_bytes=n_bytes,
            bits_per_byte=found.bits_per_byte,
        )
    )
    left, middle, right = st.columns(3)
    left.metric(
        _("All bits"), number(bits, ",.1f"), help=_("The surprise of all predicted tokens: nats divided by ln 2.")
    )
    middle.metric(_("All bytes"), number(n_bytes), help=_("Of the predicted tokens, in UTF-8."))
    right.metric(
        _("Bits per byte"), number(found.bits_per_byte, ".3f"), help=_("What models with different tokenizers share.")
    )
    st.caption(
        _(
            "{tokens} for {n_bytes:,} bytes: {n_bytes_2:.1f} bytes each. As a "
            "compressor the model would write this text in {ceil:,} bytes instead of {n_bytes:,}.",
            tokens=_tokens(len(found.nats)),
            n_bytes=n_bytes,
            n_bytes_2=n_bytes / len(found.nats),
            ceil=math.ceil(bits / 8),
        )
    )


def _numbers(found: CrossEntropy, row: int, sentence: Sentence, step: int) -> None:
    """The arithmetic so far, for the chosen token and those around it; all tokens in an expander."""
    table = pd.DataFrame(
        {
            N_("position"): range(1, len(found.targets) + 1),
            N_("token"): [visible_token(each) for each in sentence.tokens[1:]],
            N_("logit"): found.logits,
            N_("rank"): found.ranks + 1,
            N_("ln Σ e^z"): found.log_sums,
            "p": found.probabilities,
            N_("−ln p (nats)"): found.nats,
            "1/p": np.exp(np.minimum(found.nats, 700)),
            N_("bytes"): found.n_bytes,
            N_("bits"): found.nats / math.log(2),
        }
    )
    shown = [4, 6, 7, 7, 8, 10][step]
    first = min(max(0, row - AROUND), max(0, len(table) - 2 * AROUND - 1))
    around = table.iloc[first : first + 2 * AROUND + 1, :shown]
    st.markdown(_("**The numbers so far, for the chosen token and its neighbours**"))
    _frame(around)
    with st.expander(_("All tokens as a table"), icon=":material/table:"):
        _frame(table)


def _frame(table: pd.DataFrame) -> None:
    number = st.column_config.NumberColumn
    formats = {
        N_("logit"): "%.3f",
        N_("ln Σ e^z"): "%.3f",
        "p": "%.4g",
        N_("−ln p (nats)"): "%.3f",
        "1/p": "%.4g",
        N_("bits"): "%.2f",
    }
    show_table(
        table,
        hide_index=True,
        width="stretch",
        column_config={name: number(format=each) for name, each in formats.items() if name in table},
    )


def _formula(text: str) -> None:
    """A formula whose numbers have the reader's signs: TeX would put a space behind a comma, and knows no thin one."""
    st.latex(re.sub(r"(?<=\d),(?=\d)", "{,}", text).replace("\u202f", r"\,"))
