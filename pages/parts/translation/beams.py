"""Greedy decoding against beam search: several open translations at a time instead of one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from engine import seq2seq
from engine.aside_worker import Call
from engine.language import N_, _, number
from engine.seq2seq import BeamStep, Hypothesis
from engine.translation import Pair, Quality, Vocabulary, translation_quality
from engine.two_decodings import Decoded, Searched, decode_both, search_beams
from pages.parts.translation.source import choose_pair, choose_translator, held_out_of, translator
from pages.shared.aside import all_computed, computed
from pages.shared.charts import percent
from pages.shared.code_panel import show_code
from pages.shared.components.token_table import Cell, Row, token_table
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, model_named
from pages.shared.tables import show_table
from pages.shared.wording import slider_form

SENTENCE = "beam-sentence"
WANTED = "beam-wanted"
FOUND = "beam-found"
SEARCHED_TOGETHER, MEASURED_TOGETHER = 20, 4
LEAST_GAIN = 0.01  # nats
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
        format=slider_form(),
        key="beam-alpha",
        persist_state="session",
        help=_(
            "Every word lowers the probability, so short sentences win. Scores are log-probabilities over "
            "((5 + length) / 6) to the power α; 0 leaves them as they are."
        ),
    )
    with shown_errors():
        vocabulary = translator(choice)[1]
        source = tuple(vocabulary.encode(pair.english))
        found = computed(_("Searching …"), search_beams, model_named(choice), source, width, penalty)
        _results(vocabulary, found, pair, penalty, width)
        _tree(vocabulary, found.steps)
    with shown_errors():
        _find(choice, width, penalty)
    _compare(choice, width, penalty)


def _ranked(steps: Sequence[BeamStep], penalty: float) -> list[Hypothesis]:
    done = [each for step in steps for each in step.finished] or list(steps[-1].open)
    return sorted(done, key=lambda each: each.score(penalty), reverse=True)


def _results(vocabulary: Vocabulary, found: Searched, pair: Pair, penalty: float, width: int) -> None:
    listed = [
        (_("greedy"), found.greedy),
        *((_("beam {n}", n=n), h) for n, h in enumerate(_ranked(found.steps, penalty)[:width], 1)),
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
    gain = best.log_probability - found.greedy.log_probability
    if best.ids == found.greedy.ids:
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


def _tree(vocabulary: Vocabulary, steps: Sequence[BeamStep]) -> None:
    st.markdown(_("**How the search went**"))
    width = max(len(step.open) for step in steps)
    n_dropped = min(2, max((len(step.dropped) for step in steps), default=0))
    rows = []
    before: list[tuple[int, ...]] = [()]
    for index, step in enumerate(steps, start=1):
        shown = sorted((*step.open, *step.finished), key=lambda each: each.log_probability, reverse=True)[:width]
        cells = [_cell(vocabulary, each, before, N_("ended") if each.finished else "") for each in shown]
        dropped = [_cell(vocabulary, each, before, N_("dropped")) for each in step.dropped[:n_dropped]]
        rows.append(
            Row(
                str(index),
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
    asked = f"{choice.key}:{width}:{penalty}"
    if st.button(
        _("Find a sentence where the beam wins"),
        icon=":material/search:",
        key="beam-find",
        disabled=width == 1,
        help=_(
            "Searches the held-out sentences for one that the beam translates right and greedy does not; else the "
            "one where the beam gains most probability. Best at an early checkpoint."
        ),
    ):
        st.session_state[WANTED] = asked
    if st.session_state.get(WANTED) != asked:
        return
    best = _where_beam_wins(choice, width, penalty)
    del st.session_state[WANTED]
    if best is None:
        st.info(_("Here both always agree, or greedy is right: choose an earlier checkpoint or a wider beam."))
        return
    st.session_state[FOUND] = best
    st.rerun()


def _where_beam_wins(choice: ModelChoice, width: int, penalty: float) -> str | None:
    """The English sentence that is looked for; NotYet, with how many were searched, while it is."""
    pairs = held_out_of(choice)
    best: Decoded | None = None
    for start in range(0, len(pairs), SEARCHED_TOGETHER):
        some = tuple(pairs[start : start + SEARCHED_TOGETHER])
        text = _("Searching … {number} of {n_pairs} sentences", number=start, n_pairs=len(pairs))
        for each in computed(text, decode_both, model_named(choice), some, width, penalty, True):
            if each.by_beam == each.pair.foreign:
                return each.pair.english
            if each.gain > LEAST_GAIN and (best is None or each.gain > best.gain):
                best = each
    return None if best is None else best.pair.english


def _qualities(choice: ModelChoice, n: int, width: int, penalty: float) -> tuple[Quality, Quality]:
    """Of greedy decoding and of the beam on the first held-out sentences; NotYet while they are translated."""
    pairs = held_out_of(choice)[:n]
    parts = [tuple(pairs[start : start + MEASURED_TOGETHER]) for start in range(0, n, MEASURED_TOGETHER)]
    name = model_named(choice)
    done = all_computed(_("Translating …"), [Call(decode_both, (name, part, width, penalty)) for part in parts])
    decoded = [each for part in done for each in part]
    references = [pair.foreign for pair in pairs]
    return (
        translation_quality([each.by_greedy for each in decoded], references),
        translation_quality([each.by_beam for each in decoded], references),
    )


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
        with shown_errors():
            _measured(choice, n, width, penalty)


def _measured(choice: ModelChoice, n: int, width: int, penalty: float) -> None:
    by_greedy, by_beam = _qualities(choice, n, width, penalty)
    table = pd.DataFrame(
        {
            N_("Decoding"): [
                _("greedy"),
                _("beam search, k = {width}, α = {penalty:g}", width=width, penalty=penalty),
            ],
            N_("Exact match"): [percent(by_greedy.exact_match), percent(by_beam.exact_match)],
            "BLEU": [number(by_greedy.bleu, ".2f"), number(by_beam.bleu, ".2f")],
        }
    )
    show_table(table, hide_index=True, width="stretch")
    st.caption(
        _("{n} held-out sentences. BLEU by sacrebleu, signature {signature}", n=n, signature=by_greedy.signature)
    )
