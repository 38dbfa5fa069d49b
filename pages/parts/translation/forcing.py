"""The same sentence with the reference fed and with the model's own words fed: teacher forcing and exposure bias."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import seq2seq, translation
from engine.language import N_, _, number
from engine.seq2seq import END
from engine.translation import FedPosition, Vocabulary
from engine.two_decodings import exposure_of, feed_both
from pages.parts.translation.source import choose_pair, choose_translator, held_out_of, translator
from pages.shared.aside import computed
from pages.shared.charts import percent
from pages.shared.code_panel import show_code
from pages.shared.components.token_table import Cell, Row, token_table
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, model_named
from pages.shared.tables import show_table

N_MEASURED = 100


def show() -> None:
    """The part "Teacher forcing"."""
    st.markdown(
        _(
            "In training the decoder always reads the **reference** before the next word, even after a wrong guess: a "
            "teacher corrects every word at once, so all positions are learned in one pass. In use there is no "
            "teacher: it reads **its own words**."
        )
    )
    choice = choose_translator()
    if choice is not None:
        _compare(choice)
    notice(
        _("Both columns agree up to the first mistake: until then the same words are fed."),
        _(
            "After a mistake the left column recovers, for the teacher feeds the right word. The right column stands "
            "on its own mistake, often loses its place and is wrong again: **exposure bias**."
        ),
        _(
            "Training loss is measured with the teacher. It promises more than free running keeps; that is why exact "
            "match and BLEU are measured freely."
        ),
    )
    exercise(
        _(
            "Go to an early checkpoint and press Another until the two columns part. Which kinds of mistake are "
            "repaired by the teacher at once, and which would you repair in training?"
        ),
        _(
            "A wrong noun or adjective hardly matters to later words; a wrong article or auxiliary changes the endings "
            "that should follow. Scheduled sampling (Bengio et al. 2015) feeds the model's own word now and then; "
            "large language models rely on so much data that mistakes become rare."
        ),
    )
    show_code(
        seq2seq.Seq2Seq.loss,
        translation.teacher_forced,
        translation.free_running,
        translation._positions,
        translation.measure_exposure,
    )


def _table(
    vocabulary: Vocabulary, reference: tuple[int, ...], forced: list[FedPosition], free: list[FedPosition]
) -> None:
    def word(token: int) -> str:
        return _("end") if token == END else vocabulary.words[token]

    def said(position: FedPosition) -> Cell:
        right = position.token == position.right_token
        note = percent(position.probability)
        if not right:
            note += _(", the right one {right_probability}", right_probability=percent(position.right_probability))
        return Cell(
            word(position.token),
            position.token,
            note=note,
            share=position.probability,
            mark="right" if right else "wrong",
            word=_("right") if right else _("wrong"),
        )

    right = [*reference, END]
    n_rows = max(len(right), len(free))
    parted = next((place for place, each in enumerate(free) if each.token != each.right_token), None)
    rows = [
        Row(
            _("{place} · they part", place=place + 1) if place == parted else str(place + 1),
            (
                Cell(word(right[place]), right[place]) if place < len(right) else None,
                said(forced[place]) if place < len(forced) else None,
                said(free[place]) if place < len(free) else None,
            ),
            marked=place == parted,
        )
        for place in range(n_rows)
    ]
    wrong_forced = sum(each.token != each.right_token for each in forced)
    wrong_free = sum(each.token != each.right_token for each in free)
    if parted is None:
        summary = _("Every word is right, so both columns are fed the same and agree.")
    else:
        summary = _(
            "They part at position {parted}. With the reference fed {wrong_forced} of {n_forced} positions are "
            "wrong, with its own words fed {wrong_free} of {n_free}.",
            parted=parted + 1,
            wrong_forced=wrong_forced,
            n_forced=len(forced),
            wrong_free=wrong_free,
            n_free=len(free),
        )
    token_table(
        (_("Position"), _("Reference"), _("Reference fed: it says"), _("Own words fed: it says")),
        rows,
        key="forcing-table",
        summary=summary,
    )
    st.caption(summary + _(" The percentage is the probability of the word; the bar shows the same."))


def _compare(choice: ModelChoice) -> None:
    pair = choose_pair(choice, "forcing-sentence")
    _unused, vocabulary = translator(choice)
    source, reference = tuple(vocabulary.encode(pair.english)), tuple(vocabulary.encode(pair.foreign))
    with shown_errors():
        forced, free = computed(_("Translating …"), feed_both, model_named(choice), source, reference)
        _table(vocabulary, reference, forced, free)
    with shown_errors():
        _measured(choice)


def _measured(choice: ModelChoice) -> None:
    pairs = tuple(held_out_of(choice)[:N_MEASURED])
    found = computed(_("Translating a hundred held-out sentences …"), exposure_of, model_named(choice), pairs)
    st.markdown(_("**Measured on {n_sentences} held-out sentences at this checkpoint**", n_sentences=found.n_sentences))

    def share(value: float | None) -> str:
        return _("no mistake") if value is None else number(value, ".1%")

    table = pd.DataFrame(
        {
            N_("Right tokens"): [_("all"), _("after the first mistake of a sentence")],
            N_("Reference fed"): [share(found.forced), share(found.forced_after_mistake)],
            N_("Own words fed"): [share(found.free), share(found.free_after_mistake)],
        }
    )
    show_table(table, hide_index=True, width="stretch")
    if found.free_after_mistake is not None and found.forced_after_mistake is not None:
        st.caption(
            _(
                "After a mistake the teacher keeps {forced_after_mistake:.0%} of the tokens right, the model's own "
                "words {free_after_mistake:.0%}: the difference is what exposure costs.",
                forced_after_mistake=found.forced_after_mistake,
                free_after_mistake=found.free_after_mistake,
            )
        )
