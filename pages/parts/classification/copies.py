"""The texts that stand in a set twice, and how many would have leaked from training into the test."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine.errors import CorpusError
from engine.labelled import Split, leaked_without_check
from engine.language import N_, _
from engine.uploads import (
    LabelledTexts,
)
from pages.parts.classification.source import (
    labelled,
    shortened,
)
from pages.shared.errors import sentence
from pages.shared.tables import show_table
from pages.shared.viewer import lab

MOST_COPIES = 200


@st.cache_data(max_entries=32, show_spinner=N_("Looking for copies …"))
def _leaks(name: str, home: str, test_fraction: float, seed: int) -> tuple[int, int]:
    return leaked_without_check(labelled(name), test_fraction, seed)


def show_copies(name: str, data: LabelledTexts, split: Split, settings: dict[str, Any]) -> None:
    """Say what would have leaked, and list the copies."""
    st.header(_("The leak that is closed"), anchor=False)
    if not split.copies:
        st.markdown(_(":material/check_circle: No text stands in this set twice. Nothing could leak."))
        return
    try:
        leaked, n = _leaks(name, str(lab().settings.home), settings["test_fraction"], settings["split_seed"])
    except CorpusError as error:
        st.caption(sentence(error))
        return
    differ = sum(data.labels[row] != data.labels[kept] for row, kept in split.copies)
    st.markdown(
        _(
            "Split as it is, **{leaked:,} of {n:,} test texts ({leaked_2:.1%})** would stand in training as well, the "
            "same but for case, spaces and digits. So copies are removed before the split: now there are **0**.",
            leaked=leaked,
            n=n,
            leaked_2=leaked / n,
        )
        + (_(" {differ:,} copies bore another label than the text that is kept.", differ=differ) if differ else "")
    )
    with st.expander(
        _("The copy") if len(split.copies) == 1 else _("The {n_copies:,} copies", n_copies=len(split.copies)),
        icon=":material/content_copy:",
    ):
        rows = [
            {
                N_("removed row"): row,
                N_("same as row"): kept,
                N_("label"): data.label_names[data.labels[row]],
                N_("text"): shortened(data.texts[row]),
                N_("the text kept"): shortened(data.texts[kept]),
            }
            for row, kept in split.copies[:MOST_COPIES]
        ]
        show_table(pd.DataFrame(rows), hide_index=True, width="stretch")
        if len(split.copies) > MOST_COPIES:
            st.caption(_("The first {most_copies} of them.", most_copies=MOST_COPIES))
