"""What a labelled set holds and how it is split: controls, numbers, and the classes of each part."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine.classification_metrics import rarest_class
from engine.errors import CorpusError
from engine.labelled import Split
from engine.language import N_, _, number
from engine.uploads import (
    LabelledTexts,
)
from pages.parts.classification.copies import show_copies
from pages.parts.classification.edit_rows import edit_rows
from pages.parts.classification.source import (
    SETTINGS_KEY,
    labelled,
    shortened,
    split_now,
)
from pages.shared import charts
from pages.shared.errors import sentence
from pages.shared.tables import show_table


def explore(name: str) -> None:
    """Draw a set: controls of the split, numbers, classes, copies and rows."""
    try:
        data = labelled(name)
    except CorpusError as error:
        st.error(sentence(error), icon=":material/error:")
        if hint := getattr(error, "install_hint", ""):
            st.code(hint, language="shell")
        return
    settings = _split_controls()
    try:
        split = split_now(name, settings)
    except CorpusError as error:
        st.error(sentence(error), icon=":material/error:")
    else:
        _numbers(data, split)
        _class_chart(split, settings["balance"])
        show_copies(name, data, split, settings)
    edit_rows(name, data)


def _split_controls() -> dict[str, Any]:
    """The settings of the split, kept for the other parts."""
    first, second, third, fourth = st.columns([1.2, 1, 1, 0.8], vertical_alignment="bottom")
    balance = first.toggle(
        _("Balance the classes"),
        False,
        key="classification-balance",
        persist_state="session",
        help=_("Train on as many texts of each class as the rarest has. Validation and test stay as they are."),
    )
    test = second.slider(
        _("Test texts (%)"),
        5,
        40,
        20,
        5,
        key="classification-test",
        persist_state="session",
        help=_("Kept aside for the last judgement: no choice is made by looking at them."),
    )
    validation = third.slider(
        _("Validation texts (%)"),
        5,
        30,
        10,
        5,
        key="classification-validation",
        persist_state="session",
        help=_("Looked at during training, to see when it stops helping."),
    )
    seed = fourth.number_input(
        _("Split seed"),
        0,
        9999,
        0,
        key="classification-split-seed",
        persist_state="session",
        help=_("Another number deals the texts out differently, always with the shares of the classes kept."),
    )
    settings = {
        "balance": bool(balance),
        "test_fraction": test / 100,
        "validation_fraction": validation / 100,
        "split_seed": int(seed),
    }
    st.session_state[SETTINGS_KEY] = settings
    return settings


def _numbers(data: LabelledTexts, split: Split) -> None:
    lengths = sorted(len(text.split()) for text in data.texts)
    numbers = (
        (_("Texts"), number(len(data)), _("Rows of the set.")),
        (_("Classes"), f"{len(data.label_names)}", _("Different labels.")),
        (_("Median words"), number(lengths[len(lengths) // 2]), _("Half of the texts have more words.")),
        (_("Copies removed"), number(len(split.copies)), _("Texts that are the same as an earlier one.")),
        (_("To train on"), number(len(split.train)), _("After copies, split and balancing.")),
    )
    with st.container(horizontal=True):
        for label, value, help in numbers:
            st.metric(_(label), value, help=_(help), width=140)


def _class_chart(split: Split, balance: bool) -> None:
    names = split.train.label_names
    parts = ((_("train"), split.train), (_("validation"), split.validation), (_("test"), split.test))
    rows = pd.DataFrame(
        [
            {"row": shortened(name, 30), "series": part, "value": n, "shown": number(n)}
            for label, name in enumerate(names)
            for part, texts in parts
            for n in [texts.labels.count(label)]
        ]
    )
    least = rarest_class(split.test.labels, len(names))
    commonest = max(split.test.labels.count(label) for label in range(len(names))) / len(split.test)
    summary = _(
        "{n_train:,} texts to train on, {n_validation:,} to validate, {n_test:,} to test. "
        "The rarest class of the test set has {least:,} texts; always saying the commonest "
        "class would be right for {commonest:.1%} of them.",
        n_train=len(split.train),
        n_validation=len(split.validation),
        n_test=len(split.test),
        least=split.test.labels.count(least),
        commonest=commonest,
    )
    if balance:
        summary += _(" Balancing left {n_unbalanced:,} texts out of training.", n_unbalanced=split.n_unbalanced)
    charts.grouped_bars(
        rows,
        title=_("Texts of each class"),
        rows_title=_("Class"),
        value_title=_("Texts"),
        series_title=_("Part"),
        alt_text=_("Bar chart: number of texts of each class in training, validation and test."),
        summary="",
        height=min(60 * len(names), 1200) + 130,
    ).show(caption=False)
    st.caption(summary)
    with st.expander(_("As a table"), icon=":material/table:"):
        table = rows.pivot(index="row", columns="series", values="value")[[part for part, _unused in parts]]
        table.index.name = N_("class")
        show_table(table, width="stretch")
