"""One item as the model met it: the prompt, the endings with their probabilities, and which one it took."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from engine.language import N_, _, number
from engine.probes import Item, ProbeResult
from pages.parts.foundation.scoring import BY_NAME, percent
from pages.shared.components.token_table import Cell, Row, token_table
from pages.shared.tables import show_table

WHICH = (N_("all"), N_("right"), N_("wrong"))
_LETTERS = "ABCD"


def choose_ability(key: str) -> str:
    """The ability whose items are looked at, by its name."""
    return st.segmented_control(
        _("Ability"),
        list(BY_NAME),
        default="translation",
        required=True,
        format_func=lambda name: _(BY_NAME[name].title),
        key=key,
        persist_state="session",
        help=_("Each ability is asked for in its own way. Choose one to see its items."),
    )


def show_items(name: str, items: Sequence[Item], scores: Sequence[np.ndarray], result: ProbeResult, key: str) -> None:
    """Controls for one of the items, and the item; all of them as a table."""
    st.markdown(f"**{_(BY_NAME[name].title)}** · {_(BY_NAME[name].question)}")
    right = [choice == item.right for choice, item in zip(result.chosen, items, strict=True)]
    left, box = st.columns([1, 2], vertical_alignment="bottom")
    which = left.segmented_control(
        _("Items"),
        WHICH,
        default="all",
        required=True,
        format_func=lambda each: f"{_(each)} ({_count(right, each)})",
        key=f"{key}-which",
        persist_state="session",
        help=_("All items, or those that the model got right or wrong."),
    )
    numbers = [number for number in range(len(items)) if _is(right[number], which)]
    if not numbers:
        st.info(
            _("There is no item that it got right.") if which == "right" else _("There is no item that it got wrong.")
        )
        return
    picker = f"{key}-item"
    if st.session_state.get(picker) not in numbers:
        st.session_state[picker] = numbers[0]
    number = box.selectbox(
        _("Item"),
        numbers,
        format_func=lambda n: f"{n + 1} {'✓' if right[n] else '✗'} {_last_line(items[n])}",
        key=picker,
        persist_state="session",
        help=_("By number, with a tick where the model chose the right ending."),
    )
    show_item(items[number], scores[number], key=f"{key}-endings")
    with st.expander(_("All items as a table"), icon=":material/table:"):
        show_table(_table(items, scores, right), hide_index=True, width="stretch")


def show_item(item: Item, scores: np.ndarray, key: str) -> None:
    """The prompt, then the endings in order with their log-probabilities."""
    st.caption(_("Prompt"))
    with st.container(border=True):
        st.text(item.prompt)
    chosen, shares = int(scores.argmax()), np.exp(scores - scores.max())
    shares /= shares.sum()
    rows = []
    for place, (ending, score, share) in enumerate(zip(item.endings, scores, shares, strict=True)):
        if place == item.right:
            mark, word = "right", _("right, and chosen") if place == chosen else _("right")
        else:
            mark, word = ("wrong", _("wrong, but chosen")) if place == chosen else ("", "")
        cells = (
            Cell(ending.strip(), mark=mark, word=word),
            Cell(number(score, ".2f")),
            Cell(percent(float(share)), share=float(share)),
        )
        rows.append(Row(_LETTERS[place], cells, marked=place == chosen))
    summary = _(
        "The model chose ending {letters}, which is {ending}.",
        letters=_LETTERS[chosen],
        ending=_("right") if chosen == item.right else _("wrong"),
    )
    head = (_("Letter"), _("Ending"), _("log P (nats)"), _("Share among these"))
    token_table(head, rows, key=key, summary=summary)
    st.caption(summary)


def _is(right: bool, which: str) -> bool:
    return which == "all" or right == (which == "right")


def _count(right: Sequence[bool], which: str) -> int:
    return sum(_is(each, which) for each in right)


def _last_line(item: Item) -> str:
    """What tells one item from another: the last line of the prompt that is more than a label, shortened."""
    lines = [line for line in item.prompt.split("\n") if line.strip() and not line.endswith(":")]
    line = lines[-1].removeprefix("English: ") if lines else item.prompt
    return line if len(line) <= 70 else f"… {line[-68:]}"


def _table(items: Sequence[Item], scores: Sequence[np.ndarray], right: Sequence[bool]) -> pd.DataFrame:
    rows = [
        (
            number,
            _("✓ right") if good else _("✗ wrong"),
            item.prompt,
            item.endings[item.right].strip(),
            item.endings[int(score.argmax())].strip(),
            round(float(score[item.right] - np.delete(score, item.right).max()), 2),
        )
        for number, (item, score, good) in enumerate(zip(items, scores, right, strict=True), start=1)
    ]
    columns = [
        _("Item"),
        _("Verdict"),
        _("Prompt"),
        _("Right ending"),
        _("Chosen ending"),
        _("Lead of the right one (nats)"),
    ]
    return pd.DataFrame(rows, columns=columns)
