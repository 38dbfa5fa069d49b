"""Part: examples in the prompt. Does a model that never learns from them do better after them?"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from engine import probes
from engine.checkpoint import Checkpoint
from engine.language import N_, _
from engine.probes import Item, ProbeResult, difference, few_shot, prompt_room, result_of
from pages.parts.foundation.figures import over_examples
from pages.parts.foundation.items import choose_ability, show_item
from pages.parts.foundation.model import choose_foundation
from pages.parts.foundation.scoring import (
    BY_NAME,
    answers,
    calls_for,
    choose_count,
    go_ahead,
    items_of,
    missing,
    percent,
    verdict_words,
)
from pages.shared.aside import all_computed
from pages.shared.code_panel import show_code
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, load, model_named
from pages.shared.tables import show_table

SHOTS = (0, 1, 2, 4, 8)


def show() -> None:
    """The part "Few-shot"."""
    st.markdown(
        _(
            "GPT-3's surprise was **in-context learning**: solved examples in the prompt, no weight changed, and the "
            "model does better. Here are the same items after no, one, two, four and eight examples."
        )
    )
    choice = choose_foundation()
    figure = st.container()  # the words below it are there while it is computed
    notice(
        _("The weights stay as they are: whatever the examples change, they change through attention to them."),
        _(
            "Examples cost context. When they no longer fit, the prompt loses its beginning, and further examples "
            "cannot help."
        ),
        _(
            "A small model that knows the pattern already gains nothing from seeing it again; one that has never met "
            "two of them in a row may even be disturbed. In GPT-3 the gain grew with the size of the model (Brown et "
            "al. 2020, figure 1.2)."
        ),
    )
    exercise(
        _(
            "Compare translation with question answering. For which of them are eight examples more than fits, and "
            "what does the model then read?"
        ),
        _(
            "A phrase with its translation is some thirty tokens, so eight of them just about fill a context of 256. A "
            "story with its question has well over a hundred: of eight only the last one is still there whole, and "
            "another perhaps cut in the middle."
        ),
    )
    show_code(probes.few_shot, probes.prompt_room, probes.difference)
    if choice is not None:
        with figure, shown_errors():
            name = choose_ability("shots-ability")
            _few_shot(choice, name, choose_count("shots-n", 20))


@st.cache_data(max_entries=64, show_spinner=False)
def shot_items(name: str, n: int) -> dict[int, list[Item]]:
    """The same `n` items after each number of examples, which are others."""
    items = items_of(name, n + SHOTS[-1])
    examples, asked = items[: SHOTS[-1]], items[SHOTS[-1] :]
    return {k: few_shot([*examples[:k], *asked], k) for k in SHOTS}


@st.cache_data(max_entries=128, show_spinner=False)
def _lengths(tokenizer: str, name: str, n: int, k: int, _checkpoint: Checkpoint) -> list[tuple[int, int]]:
    """For every item after `k` examples: tokens of its prompt, and how many of them fit the context."""
    found = []
    for item in shot_items(name, n)[k]:
        length = len(_checkpoint.tokenizer.encode(item.prompt))
        longest = max(len(_checkpoint.tokenizer.encode(ending)) for ending in item.endings)
        found.append((length, min(length, prompt_room(_checkpoint.model.config, longest))))
    return found


def _few_shot(choice: ModelChoice, name: str, n: int) -> None:
    by_shots = shot_items(name, n)
    model = model_named(choice)
    calls = {k: calls_for(model, name, len(items), start=SHOTS[-1], n_shown=k) for k, items in by_shots.items()}
    about = _("Puts the items to the model with each number of examples.")
    if not go_ahead(choice, sum(map(missing, calls.values())), "shots-measure", about):
        return
    n_items = sum(map(len, by_shots.values()))
    all_computed(_("The model reads {n:,} items", n=n_items), [call for part in calls.values() for call in part])
    scores = {k: answers(part) for k, part in calls.items()}
    results = {k: result_of(items, scores[k]) for k, items in by_shots.items()}
    checkpoint = load(choice)
    key = choice.run_id  # one tokenizer for all checkpoints of a run
    lengths = {k: _lengths(key, name, n, k, checkpoint) for k in SHOTS}
    rows = _rows(name, results, lengths)
    over_examples(rows, name, summarise(name, by_shots[0], results)).show()
    cut = [k for k in SHOTS if _share_cut(lengths[k]) > 0]
    if cut:
        context = checkpoint.model.config.context_length
        shares = ", ".join(
            _("{percent} of those with {examples}", percent=percent(_share_cut(lengths[k])), examples=_examples(k))
            for k in cut
        )
        st.caption(
            _(
                "The context of {context:,} tokens is too short for some prompts, which lose their beginning: "
                "{shares}.",
                context=context,
                shares=shares,
            )
        )
    with st.expander(_("As a table"), icon=":material/table:"):
        show_table(_table(rows), hide_index=True, width="stretch")
    st.header(_("The prompt as the model reads it"), anchor=False)
    left, right = st.columns(2)
    k = left.segmented_control(
        _("Examples"),
        SHOTS,
        format_func=_,
        default=2,
        required=True,
        key="shots-k",
        persist_state="session",
        help=_("How many solved examples stand before the question."),
    )
    number = right.slider(
        _("Item"), 1, n, 1, key="shots-item", persist_state="session", help=_("One of the items asked.")
    )
    place = min(number, len(by_shots[k])) - 1
    length, fits = lengths[k][place]
    if length > fits:
        st.warning(
            _("The context is full: of {length:,} tokens only the last {fits:,} are read.", length=length, fits=fits)
        )
        item, unread = by_shots[k][place], _unread(checkpoint, by_shots[k][place], fits)
        with st.expander(_("Not read: the first {length:,} tokens", length=length - fits)):
            st.text(unread)
        show_item(Item(item.prompt[len(unread) :], item.endings, item.right), scores[k][place], key="shots-endings")
    else:
        st.caption(
            _(
                "{length:,} tokens; the context holds {context_length:,}.",
                length=length,
                context_length=checkpoint.model.config.context_length,
            )
        )
        show_item(by_shots[k][place], scores[k][place], key="shots-endings")


def _examples(k: int) -> str:
    return _("no examples") if not k else _("1 example") if k == 1 else _("{value} examples", value=k)


def _unread(checkpoint: Checkpoint, item: Item, fits: int) -> str:
    """The beginning of a prompt that does not fit."""
    ids = checkpoint.tokenizer.encode(item.prompt)
    read = checkpoint.tokenizer.decode(ids[-fits:])
    return item.prompt[: max(0, len(item.prompt) - len(read))]


def _share_cut(lengths: Sequence[tuple[int, int]]) -> float:
    return sum(fits < length for length, fits in lengths) / len(lengths)


def _rows(name: str, results: dict[int, ProbeResult], lengths: dict[int, list[tuple[int, int]]]) -> pd.DataFrame:
    rows = [
        {
            "k": k,
            "score": result.accuracy,
            "low": result.low,
            "high": result.high,
            "shown": _("{n_right} of {n}", n_right=result.n_right, n=result.n),
            "cut": _share_cut(lengths[k]) > 0,
            "tokens": sum(length for length, _unused in lengths[k]) / len(lengths[k]),
            "verdict": verdict_words(result, BY_NAME[name].chance),
        }
        for k, result in results.items()
    ]
    return pd.DataFrame(rows)


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            N_("Examples"): rows["k"],
            N_("Right"): rows["shown"],
            N_("Score"): rows["score"].map(percent),
            N_("From"): rows["low"].map(percent),
            N_("To"): rows["high"].map(percent),
            N_("Verdict"): rows["verdict"],
            N_("Tokens of a prompt (mean)"): rows["tokens"].round().astype(int),
            N_("Prompts"): rows["cut"].map({True: _("some lose their beginning"), False: _("read whole")}),
        }
    )


def summarise(name: str, items: Sequence[Item], results: dict[int, ProbeResult]) -> str:
    """Zero-shot against every number of examples, and which differences are more than luck."""
    others = [k for k in results if k]
    level = 0.05 / len(others)  # as many comparisons as there are numbers of examples (Bonferroni)
    verdicts = {k: difference(items, results[0], results[k]).verdict(level) for k in others}
    text = _("{title}: {accuracy} without examples.", title=BY_NAME[name].title, accuracy=percent(results[0].accuracy))
    for verdict, word in (("gained", _("Better")), ("lost", _("Worse"))):
        found = [f"{_examples(k)} ({percent(results[k].accuracy)})" for k in others if verdicts[k] == verdict]
        if found:
            text += _(" {word} with {join}.", word=word, join=", ".join(found))
    if set(verdicts.values()) == {"no difference"}:
        shares = [results[k].accuracy for k in others]
        text += _(
            " With them {percent} to {percent_2}: no difference beyond luck.",
            percent=percent(min(shares)),
            percent_2=percent(max(shares)),
        )
    return text
