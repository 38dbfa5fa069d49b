"""The labelled data: choose, upload, relabel, balance, split, and find the texts that would leak."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine import labelled as labelled_module
from engine.classification_metrics import rarest_class
from engine.errors import CorpusError
from engine.labelled import Split, leaked_without_check
from engine.uploads import (
    LABELLED_SUFFIXES,
    LabelledTable,
    LabelledTexts,
    labelled_columns,
    labelled_jsonl,
    read_labelled_table,
)
from pages.parts.classification.source import (
    ABOUT,
    DATA_KEY,
    SETTINGS_KEY,
    TITLES,
    chosen_data,
    data_title,
    labelled,
    made,
    shortened,
    split_now,
    use_data,
)
from pages.shared import charts
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice
from pages.shared.viewer import lab

_FILE = "a file"
ROWS_SHOWN = 25
_PREVIEW = 5
MOST_COPIES = 200


def show() -> None:
    """The part "Data"."""
    st.markdown(
        "A classifier learns from **labelled** texts: each comes with its class. Choose a set, look at it, and decide "
        "how it is split. What you choose here is used by the other parts of this lesson."
    )
    chosen = _choose()
    if chosen is None:
        _upload()
    else:
        _explore(chosen)
    notice(
        "Classes are rarely equally frequent. With 13 % spam, whoever always says “ham” is right 87 times in 100: "
        "accuracy alone says little there.",
        "The same message with another telephone number is the same message. Left in both training and test it "
        "would be remembered, not recognised, and the test would look better than the model is.",
        "Balancing throws texts of the frequent class away; validation and test keep the shares of real life.",
    )
    exercise(
        "Relabel ten spam messages as ham, use the edited rows, train again, and look for these rows among the "
        "mistakes. What does a single wrong label cost?",
        "Little in accuracy, for the model averages over hundreds of rows. But wrong labels in the test set put a "
        "ceiling on what can be measured: a perfect model would be counted wrong there.",
    )
    show_code(
        labelled_module.split_labelled,
        labelled_module.find_copies,
        labelled_module.same_text,
        labelled_module.leaked_without_check,
    )


def _choose() -> str | None:
    """The name of the chosen set; None for a file that is still to be read."""
    titles = {**TITLES, **made(), _FILE: "A file of mine …"}
    if chosen_data() not in titles:
        titles = {chosen_data(): data_title(chosen_data()), **titles}
    # The choice belongs to all parts, so it is kept beside the widget, and the widget follows it.
    if st.session_state.get("classification-set") != _FILE:
        st.session_state["classification-set"] = chosen_data()
    name = st.selectbox(
        "Labelled texts",
        list(titles),
        format_func=titles.__getitem__,
        key="classification-set",
        persist_state="session",
        on_change=_chosen,
        help="Three sets come with the course; a CSV, TSV or JSON lines file of your own works as well.",
    )
    if name == _FILE:
        return None
    if name in ABOUT:
        st.caption(ABOUT[name])
    return str(name)


def _chosen() -> None:
    name = st.session_state["classification-set"]
    if name != _FILE:
        st.session_state[DATA_KEY] = name


# --- a file ----------------------------------------------------------------------------


def _upload() -> None:
    upload = st.file_uploader(
        "Upload labelled texts",
        type=[suffix.removeprefix(".") for suffix in LABELLED_SUFFIXES],
        key="classification-file",
        help="A table with one text and one label in each row: CSV, TSV or JSON lines, up to 20 MB.",
    )
    if upload is None:
        st.info(
            "Upload a table with a column of texts and a column of labels. The columns are guessed, and you confirm "
            "them. At least five different texts of each label are needed; a hundred of each are a good start."
        )
        return
    try:
        table = _table(upload.file_id, upload.name, upload.getvalue())
    except CorpusError as error:
        st.error(sentence(error), icon=":material/error:")
        return
    _confirm(table, upload.file_id)


@st.cache_resource(max_entries=4, show_spinner="Reading the file …")
def _table(file_id: str, name: str, _data: bytes) -> LabelledTable:
    return read_labelled_table(_data, name)


def _confirm(table: LabelledTable, file_id: str) -> None:
    st.markdown("**Are these the columns?**")
    left, right = st.columns(2)
    columns = list(table.columns)
    text_column = left.selectbox(
        "Column of the texts",
        columns,
        index=columns.index(table.text_column),
        key=f"text-column:{file_id}",
        help="Guessed by its name, else the column with the most characters.",
    )
    label_column = right.selectbox(
        "Column of the labels",
        columns,
        index=columns.index(table.label_column),
        key=f"label-column:{file_id}",
        help="Guessed by its name, else the column with the fewest different values.",
    )
    preview = [
        {"label": shortened(row.get(label_column, ""), 60), "text": shortened(row.get(text_column, ""))}
        for row in table.rows[:_PREVIEW]
    ]
    st.dataframe(pd.DataFrame(preview), hide_index=True, width="stretch")
    try:
        found = labelled_columns(table, text_column, label_column)
    except CorpusError as error:
        st.error(sentence(error), icon=":material/error:")
        return
    left_out = len(table.rows) - len(found)
    st.caption(
        f"{len(table.rows):,} rows, the first {len(preview)} shown; {len(found.label_names)} labels."
        + (f" {left_out:,} rows without text or label are left out." if left_out else "")
    )
    st.button(
        "Use these columns",
        type="primary",
        icon=":material/check:",
        key="use-columns",
        on_click=_take,
        args=(found, shortened(table.filename, 40)),
        help="From now on this lesson works on these rows.",
    )


def _take(found: LabelledTexts, title: str) -> None:
    try:
        name = lab().save_upload(labelled_jsonl(found))
    except CorpusError as error:
        st.toast(sentence(error), icon=":material/error:")
        return
    use_data(name, title)
    st.session_state["classification-set"] = name


# --- what is in it ----------------------------------------------------------------------------


def _explore(name: str) -> None:
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
        _copies(name, data, split, settings)
    _rows(name, data)


def _split_controls() -> dict[str, Any]:
    """The settings of the split, kept for the other parts."""
    first, second, third, fourth = st.columns([1.2, 1, 1, 0.8], vertical_alignment="bottom")
    balance = first.toggle(
        "Balance the classes",
        False,
        key="classification-balance",
        persist_state="session",
        help="Train on as many texts of each class as the rarest has. Validation and test stay as they are.",
    )
    test = second.slider(
        "Test texts (%)",
        5,
        40,
        20,
        5,
        key="classification-test",
        persist_state="session",
        help="Kept aside for the last judgement: no choice is made by looking at them.",
    )
    validation = third.slider(
        "Validation texts (%)",
        5,
        30,
        10,
        5,
        key="classification-validation",
        persist_state="session",
        help="Looked at during training, to see when it stops helping.",
    )
    seed = fourth.number_input(
        "Split seed",
        0,
        9999,
        0,
        key="classification-split-seed",
        persist_state="session",
        help="Another number deals the texts out differently, always with the shares of the classes kept.",
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
        ("Texts", f"{len(data):,}", "Rows of the set."),
        ("Classes", f"{len(data.label_names)}", "Different labels."),
        ("Median words", f"{lengths[len(lengths) // 2]:,}", "Half of the texts have more words."),
        ("Copies removed", f"{len(split.copies):,}", "Texts that are the same as an earlier one."),
        ("To train on", f"{len(split.train):,}", "After copies, split and balancing."),
    )
    with st.container(horizontal=True):
        for label, value, help in numbers:
            st.metric(label, value, help=help, width=140)


def _class_chart(split: Split, balance: bool) -> None:
    names = split.train.label_names
    parts = (("train", split.train), ("validation", split.validation), ("test", split.test))
    rows = pd.DataFrame(
        [
            {"row": shortened(name, 30), "series": part, "value": n, "shown": f"{n:,}"}
            for label, name in enumerate(names)
            for part, texts in parts
            for n in [texts.labels.count(label)]
        ]
    )
    least = rarest_class(split.test.labels, len(names))
    commonest = max(split.test.labels.count(label) for label in range(len(names))) / len(split.test)
    summary = (
        f"{len(split.train):,} texts to train on, {len(split.validation):,} to validate, {len(split.test):,} to test. "
        f"The rarest class of the test set has {split.test.labels.count(least):,} texts; always saying the commonest "
        f"class would be right for {commonest:.1%} of them."
    )
    if balance:
        summary += f" Balancing left {split.n_unbalanced:,} texts out of training."
    charts.grouped_bars(
        rows,
        title="Texts of each class",
        rows_title="Class",
        value_title="Texts",
        series_title="Part",
        alt_text="Bar chart: number of texts of each class in training, validation and test.",
        summary="",
        height=min(60 * len(names), 1200) + 130,
    ).show(caption=False)
    st.caption(summary)
    with st.expander("As a table", icon=":material/table:"):
        table = rows.pivot(index="row", columns="series", values="value")[["train", "validation", "test"]]
        table.index.name = "class"
        st.dataframe(table, width="stretch")


@st.cache_data(max_entries=32, show_spinner="Looking for copies …")
def _leaks(name: str, home: str, test_fraction: float, seed: int) -> tuple[int, int]:
    return leaked_without_check(labelled(name), test_fraction, seed)


def _copies(name: str, data: LabelledTexts, split: Split, settings: dict[str, Any]) -> None:
    st.header("The leak that is closed", anchor=False)
    if not split.copies:
        st.markdown(":material/check_circle: No text stands in this set twice. Nothing could leak.")
        return
    try:
        leaked, n = _leaks(name, str(lab().settings.home), settings["test_fraction"], settings["split_seed"])
    except CorpusError as error:
        st.caption(sentence(error))
        return
    differ = sum(data.labels[row] != data.labels[kept] for row, kept in split.copies)
    st.markdown(
        f"Split as it is, **{leaked:,} of {n:,} test texts ({leaked / n:.1%})** would stand in training as well, the "
        "same but for case, spaces and digits. So copies are removed before the split: now there are **0**."
        + (f" {differ:,} copies bore another label than the text that is kept." if differ else "")
    )
    with st.expander(
        "The copy" if len(split.copies) == 1 else f"The {len(split.copies):,} copies", icon=":material/content_copy:"
    ):
        rows = [
            {
                "removed row": row,
                "same as row": kept,
                "label": data.label_names[data.labels[row]],
                "text": shortened(data.texts[row]),
                "the text kept": shortened(data.texts[kept]),
            }
            for row, kept in split.copies[:MOST_COPIES]
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
        if len(split.copies) > MOST_COPIES:
            st.caption(f"The first {MOST_COPIES} of them.")


# --- edit ----------------------------------------------------------------------------


def _rows(name: str, data: LabelledTexts) -> None:
    st.header("Read, relabel, rewrite", anchor=False)
    find, of, more = st.columns([2, 1.3, 1.3], vertical_alignment="bottom")
    wanted = find.text_input(
        "Find texts with",
        key="classification-find",
        persist_state="session",
        max_chars=100,
        placeholder="prize",
        help="Case does not matter. Empty: all texts.",
    )
    label = of.selectbox(
        "Label",
        [None, *range(len(data.label_names))],
        format_func=lambda i: "all labels" if i is None else shortened(data.label_names[i], 40),
        key=f"classification-label:{name}",
        help="Show the rows of one class only.",
    )
    extra = more.text_input(
        "Another label",
        key="classification-extra",
        max_chars=60,
        placeholder="none",
        help="A new label that can then be chosen in the table. It needs at least five different texts.",
    ).strip()
    rows = _matching(data, wanted, label)
    if not rows:
        st.info("No text matches. Type another word, or choose all labels.")
        return
    n_pages = -(-len(rows) // ROWS_SHOWN)
    page = 1
    if n_pages > 1:
        page = st.number_input(
            f"Page (1 to {n_pages:,})",
            1,
            n_pages,
            1,
            key=f"classification-page:{name}:{wanted}:{label}",
            width=220,
            help=f"{len(rows):,} rows match, {ROWS_SHOWN} on a page.",
        )
    on_page = rows[(int(page) - 1) * ROWS_SHOWN :][:ROWS_SHOWN]
    options = [*data.label_names, *([extra] if extra and extra not in data.label_names else [])]
    shown = pd.DataFrame(
        {
            "label": [data.label_names[data.labels[row]] for row in on_page],
            "text": [data.texts[row] for row in on_page],
        },
    )
    edited = st.data_editor(
        shown,
        key=f"rows:{name}:{wanted}:{label}:{page}:{len(options)}",
        num_rows="dynamic",
        hide_index=True,
        width="stretch",
        column_config={
            "label": st.column_config.SelectboxColumn("Label", options=options, required=True, width="small"),
            "text": st.column_config.TextColumn("Text (double click to edit)", required=True, width="large"),
        },
    )
    changed = _apply(data, on_page, shown, edited)
    if changed is None:
        st.caption(
            f"{len(rows):,} of {len(data):,} rows match. Change a label or a text, add rows at the end, or mark rows "
            "and delete them; then a button takes the edited rows over."
        )
        return
    n_changed = _n_changes(shown, edited)
    st.button(
        f"Use the edited rows ({n_changed:,} changed)",
        type="primary",
        icon=":material/save:",
        key="use-edited",
        on_click=_take,
        args=(changed, f"{data_title(name).removesuffix(', edited')}, edited"),
        help="Makes a new set of all rows with your changes, and works on it from now on. The set it came from stays.",
    )


def _matching(data: LabelledTexts, wanted: str, label: int | None) -> list[int]:
    needle = wanted.strip().casefold()
    return [
        row
        for row, text in enumerate(data.texts)
        if (label is None or data.labels[row] == label) and (not needle or needle in text.casefold())
    ]


def _cells(frame: pd.DataFrame) -> dict[Any, tuple[str, str]]:
    """Line on the page → label and text; rows in which one of them is missing are left out."""
    return {
        row: (str(label).strip(), _clean(text))
        for row, label, text in zip(frame.index, frame["label"], frame["text"], strict=True)
        if isinstance(label, str) and isinstance(text, str) and label.strip() and _clean(text)
    }


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()


def _n_changes(shown: pd.DataFrame, edited: pd.DataFrame) -> int:
    before, after = _cells(shown), _cells(edited)
    return sum(before.get(row) != after.get(row) for row in {*before, *after})


def _apply(data: LabelledTexts, on_page: list[int], shown: pd.DataFrame, edited: pd.DataFrame) -> LabelledTexts | None:
    """All rows with the changes of the editor, whose lines are the rows `on_page`; None where nothing has changed."""
    after = _cells(edited)
    if _cells(shown) == after:
        return None
    line_of = {row: line for line, row in enumerate(on_page)}
    pairs = [
        after.get(line_of[row]) if row in line_of else (data.label_names[label], text)
        for row, (text, label) in enumerate(zip(data.texts, data.labels, strict=True))
    ]
    pairs += [cell for line, cell in after.items() if line >= len(on_page)]
    return LabelledTexts.from_names(pair for pair in pairs if pair is not None)
