"""Greedy decoding against beam search: several open translations at a time instead of one."""

from __future__ import annotations

import math
import time
from typing import Any

import pandas as pd
import streamlit as st

from engine import seq2seq
from engine.language import N_, _
from engine.seq2seq import BeamStep, Hypothesis, Seq2Seq, beam_search, beam_steps
from engine.translation import Pair, Quality, Vocabulary, translation_quality
from pages.parts.translation.source import choose_pair, choose_translator, greedy, held_out_of, translator
from pages.shared.charts import percent
from pages.shared.code_panel import show_code
from pages.shared.components.token_table import Cell, Row, token_table
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, inference
from pages.shared.tables import show_table

SENTENCE = "beam-sentence"
FOUND = "beam-found"
SEARCH_SECONDS = 12.0
TAIL = 4  # words of a hypothesis that are shown before its newest


def show() -> None:
    """The part "Greedy and beam"."""
    st.markdown(
        _(
            "Greedy decoding takes the most probable word and never looks back. **Beam search** keeps the *k* most "
            "probable beginnings open and so can recover from a word that looked best too early."
        )
    )
    choice = choose_translator()
    if choice is not None:
        _search(choice)
    notice(
        _(
            "The beam's first is at least as probable as the greedy translation in most sentences, not in all: a "
            "beginning that greedy would have continued can be pushed out by *k* others."
        ),
        _(
            "A well trained model is so sure of itself that both agree. Beams help where it hesitates: choose an early "
            "checkpoint."
        ),
        _("More probable does not mean better: with α = 0 a wide beam prefers translations that end too early."),
    )
    exercise(
        _(
            "Take an early checkpoint and α = 0. Raise the width from 1 to 8 and watch the length of the best "
            "translation, then raise α."
        ),
        _(
            "Each further word multiplies the probability by a number below 1. A wide beam finds the short sentences "
            "that greedy walks past; normalisation makes up for the length (Wu et al. 2016)."
        ),
    )
    show_code(seq2seq.translate_greedily, seq2seq.beam_steps, seq2seq.Hypothesis.score)


def _search(choice: ModelChoice) -> None:
    if found := st.session_state.pop(FOUND, None):
        st.session_state[SENTENCE] = found
    pair = choose_pair(choice, SENTENCE)
    left, right = st.columns(2)
    width = left.slider(
        _("Beam width k"), 1, 8, 4, key="beam-width", persist_state="session", help=_("Open translations. 1 is greedy.")
    )
    penalty = right.slider(
        _("Length normalisation α"),
        0.0,
        1.0,
        0.6,
        0.1,
        key="beam-alpha",
        persist_state="session",
        help=_(
            "Every word lowers the probability, so short sentences win. Scores are log-probabilities over "
            "((5 + length) / 6) to the power α; 0 leaves them as they are."
        ),
    )
    model, vocabulary = translator(choice)
    source = tuple(vocabulary.encode(pair.english))
    steps = _steps(choice.key, source, width, penalty, model)
    greedy_ids, greedy_log = greedy(choice, source)
    _results(vocabulary, steps, pair, greedy_ids, greedy_log, penalty, width)
    _tree(vocabulary, steps)
    _find(choice, width, penalty)
    _compare(choice, width, penalty)


@st.cache_resource(max_entries=64, show_spinner=False)
def _steps(key: str, source: tuple[int, ...], width: int, penalty: float, _model: Seq2Seq) -> list[BeamStep]:
    with inference():
        return list(beam_steps(_model, source, width, length_penalty=penalty))


def _ranked(steps: list[BeamStep], penalty: float) -> list[Hypothesis]:
    done = [each for step in steps for each in step.finished] or list(steps[-1].open)
    return sorted(done, key=lambda each: each.score(penalty), reverse=True)


def _results(
    vocabulary: Vocabulary,
    steps: list[BeamStep],
    pair: Pair,
    greedy_ids: tuple[int, ...],
    greedy_log: float,
    penalty: float,
    width: int,
) -> None:
    as_hypothesis = Hypothesis(greedy_ids, greedy_log, True)
    listed = [
        (_("greedy"), as_hypothesis),
        *((_("beam {n}", n=n), h) for n, h in enumerate(_ranked(steps, penalty)[:width], 1)),
    ]
    texts = [vocabulary.decode(each.ids) for _unused, each in listed]
    table = pd.DataFrame(
        {
            N_("Decoding"): [name for name, _unused in listed],
            N_("Translation"): texts,
            N_("Right"): ["✓" if text == pair.foreign else "✗" for text in texts],
            N_("log p (nats)"): [each.log_probability for _unused, each in listed],
            N_("Score"): [each.score(penalty) for _unused, each in listed],
            N_("Words"): [len(each.ids) for _unused, each in listed],
        }
    )
    st.text(_("Reference: {foreign}", foreign=pair.foreign))
    numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in (N_("log p (nats)"), N_("Score"))}
    show_table(table, hide_index=True, width="stretch", column_config=numbers)
    best = listed[1][1]
    gain = best.log_probability - greedy_log
    if tuple(best.ids) == greedy_ids:
        said = _("Beam search chooses the same translation as greedy decoding.")
    elif gain > 0:
        times = math.exp(gain)
        said = _(
            "The beam's choice is {gain:.2f} nats more probable than greedy's: {times:.3g} times as probable.",
            gain=gain,
            times=times,
        )
    else:
        said = _(
            "The beam's choice has the better score, though its probability is lower by {value:.2f} nats.", value=-gain
        )
    st.caption(said)


def _tree(vocabulary: Vocabulary, steps: list[BeamStep]) -> None:
    st.markdown(_("**How the search went**"))
    width = max(len(step.open) for step in steps)
    n_dropped = min(2, max((len(step.dropped) for step in steps), default=0))
    rows = []
    before: list[tuple[int, ...]] = [()]
    for number, step in enumerate(steps, start=1):
        shown = sorted((*step.open, *step.finished), key=lambda each: each.log_probability, reverse=True)[:width]
        cells = [_cell(vocabulary, each, before, N_("ended") if each.finished else "") for each in shown]
        dropped = [_cell(vocabulary, each, before, N_("dropped")) for each in step.dropped[:n_dropped]]
        rows.append(
            Row(
                str(number),
                (*cells, *[None] * (width - len(cells)), *dropped, *[None] * (n_dropped - len(dropped))),
            )
        )
        before = [() if each.finished else each.ids for each in shown]
    head = (
        _("Step"),
        *(f"{n}" for n in range(1, width + 1)),
        *(_("dropped {n}", n=n) for n in range(1, n_dropped + 1)),
    )
    summary = _(
        "{n_steps} steps. In each the most probable beginnings, best first; the number after “from” is the column "
        "of the step before that it goes on from.",
        n_steps=len(steps),
    )
    token_table(head, rows, key="beam-tree", summary=summary)
    st.caption(summary + _(" log p is the sum so far, in nats."))


def _cell(vocabulary: Vocabulary, each: Hypothesis, before: list[tuple[int, ...]], mark: Any) -> Cell:
    words = [vocabulary.words[i] for i in each.ids]
    parent = each.ids if each.finished else each.ids[:-1]
    origin = _("from {value} · ", value=before.index(parent) + 1) if len(before) > 1 and parent in before else ""
    tail = words if each.finished else words[:-1]
    leading = ("… " if len(tail) > TAIL else "") + " ".join(tail[-TAIL:])
    text, token = (_("end"), seq2seq.END) if each.finished else (words[-1], each.ids[-1])
    note = _("{origin}log p {log_probability:.2f}", origin=origin, log_probability=each.log_probability)
    return Cell(text, token, before=leading, note=note, mark=mark, word=_(mark) if mark else "")


def _find(choice: ModelChoice, width: int, penalty: float) -> None:
    """A held-out sentence that the beam gets right and greedy does not, or at least finds more probable."""
    if not st.button(
        _("Find a sentence where the beam wins"),
        icon=":material/search:",
        key="beam-find",
        disabled=width == 1,
        help=_(
            "Searches the held-out sentences for one that the beam translates right and greedy does not; else the "
            "one where the beam gains most probability. Best at an early checkpoint."
        ),
    ):
        return
    model, vocabulary = translator(choice)
    pairs = held_out_of(choice)
    progress = st.progress(0.0, text=_("Searching …"))
    deadline = time.monotonic() + SEARCH_SECONDS
    best: tuple[float, str] | None = None
    for number, pair in enumerate(pairs, start=1):
        source = tuple(vocabulary.encode(pair.english))
        own, own_log = greedy(choice, source)
        if vocabulary.decode(own) != pair.foreign:
            with inference():
                top = beam_search(model, source, width, length_penalty=penalty)[0]
            gain = top.log_probability - own_log
            if vocabulary.decode(top.ids) == pair.foreign:
                best = (gain, pair.english)
                break
            if gain > 0.01 and (best is None or gain > best[0]):
                best = (gain, pair.english)
        progress.progress(
            number / len(pairs),
            text=_("Searching … {number} of {n_pairs} sentences", number=number, n_pairs=len(pairs)),
        )
        if time.monotonic() > deadline:
            break
    progress.empty()
    if best is None:
        st.info(_("Here both always agree, or greedy is right: choose an earlier checkpoint or a wider beam."))
        return
    st.session_state[FOUND] = best[1]
    st.rerun()


@st.cache_data(max_entries=32, show_spinner=False)
def _qualities(key: str, n: int, width: int, penalty: float, _choice: ModelChoice) -> tuple[Quality, Quality]:
    model, vocabulary = translator(_choice)
    pairs = held_out_of(_choice)[:n]
    progress = st.progress(0.0, text=_("Translating …"))
    greedy_texts, beam_texts = [], []
    for number, pair in enumerate(pairs, start=1):
        source = tuple(vocabulary.encode(pair.english))
        greedy_texts.append(vocabulary.decode(greedy(_choice, source)[0]))
        with inference():
            beam_texts.append(vocabulary.decode(beam_search(model, source, width, length_penalty=penalty)[0].ids))
        progress.progress(
            number / len(pairs),
            text=_("Translating … {number} of {n_pairs} sentences", number=number, n_pairs=len(pairs)),
        )
    progress.empty()
    references = [pair.foreign for pair in pairs]
    return translation_quality(greedy_texts, references), translation_quality(beam_texts, references)


def _compare(choice: ModelChoice, width: int, penalty: float) -> None:
    with st.expander(_("Both on many held-out sentences"), icon=":material/balance:"):
        n = st.slider(
            _("Sentences"),
            20,
            100,
            40,
            20,
            key="beam-n",
            persist_state="session",
            help=_("The first so many held out."),
        )
        asked = f"{choice.key}:{n}:{width}:{penalty}"
        if st.button(_("Measure both"), key="beam-measure", icon=":material/play_arrow:", help=_("A few seconds.")):
            st.session_state["beam-measured"] = asked
        if st.session_state.get("beam-measured") != asked:
            return
        by_greedy, by_beam = _qualities(choice.key, n, width, penalty, choice)
        table = pd.DataFrame(
            {
                N_("Decoding"): [
                    _("greedy"),
                    _("beam search, k = {width}, α = {penalty:g}", width=width, penalty=penalty),
                ],
                N_("Exact match"): [percent(by_greedy.exact_match), percent(by_beam.exact_match)],
                "BLEU": [f"{by_greedy.bleu:.2f}", f"{by_beam.bleu:.2f}"],
            }
        )
        show_table(table, hide_index=True, width="stretch")
        st.caption(
            _("{n} held-out sentences. BLEU by sacrebleu, signature {signature}", n=n, signature=by_greedy.signature)
        )
