"""Part: what GPT-3 read. The published table, the arithmetic behind its epochs, and where the two disagree."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import published
from engine.language import N_, _
from engine.published import GPT3_PAPER, GPT3_SOURCES, GPT3_TOKENS_SEEN
from pages.parts.data.figures import epochs_chart, percent, shares, show_numbers
from pages.parts.data.tokens_and_words import english_tokens_per_word
from pages.shared.code_panel import show_code
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice

SEEN = (10, 50, 100, 200, 300, 500, 1_000, 2_000, 5_000, 15_000)
BILLION = 1_000_000_000


def show() -> None:
    """The whole part."""
    st.markdown(
        _(
            "GPT-3 (2020) was trained on five sources. Its makers did not read them in proportion to their sizes: "
            "small, good ones were read several times, and of the web not even half was read once."
        )
    )
    billions = st.select_slider(
        _("Tokens seen in training"),
        SEEN,
        300,
        format_func=lambda n: _("{n:,} billion", n=n),
        key="data-seen",
        persist_state="session",
        help=_("GPT-3 saw 300 billion. What would other amounts have meant for the same mix?"),
    )
    seen = billions * BILLION
    mix_chart()
    epochs_figure(seen)
    full_table(seen)
    with shown_errors():
        words_remark()
    notice(
        _(
            "Common Crawl is four fifths of the tokens and three fifths of the mix: filtered web pages are plenty, but "
            "poorer than edited text, so their weight is lower than their size."
        ),
        _("Wikipedia is under 1 % of the tokens and 3 % of the mix. Facts written with care are worth reading again."),
        _("Epochs are weight · tokens seen / size. They follow from the weights; nobody chose them by themselves."),
        _(
            "The weights sum to 101 %: each is rounded. Most of the paper's epochs agree with what rounding allows. "
            "WebText2's 2.9 does not: 22 % of 300 billion tokens would be 3.5 epochs of 19 billion."
        ),
    )
    exercise(
        _(
            "How many tokens would have to be seen for one epoch of Common Crawl, and how often would Wikipedia be "
            "read?"
        ),
        _(
            "410 / 0.60 = 683 billion tokens; Wikipedia would be read 0.03 · 683 / 3 = 6.8 times. Later models "
            "collected more and cleaner web text instead of repeating the good parts ever more often."
        ),
    )
    show_code(published.epochs, published.epochs_range, published.shares, published.TrainingSource)


def mix_chart() -> None:
    """Sizes against weights."""
    sizes = published.shares({each.name: float(each.n_tokens) for each in GPT3_SOURCES})
    there, read = _("of the tokens there are"), _("of the training mix (weight)")
    rows = [
        row for each in GPT3_SOURCES for row in ((each.name, there, sizes[each.name]), (each.name, read, each.weight))
    ]
    shares(
        pd.DataFrame(rows, columns=["source", "kind", "share"]),
        title=_("GPT-3: what there was, and what it read"),
        alt_text=_("Bar chart: for each of GPT-3's sources its share of all tokens and its share of the training mix."),
        summary=_(
            "Common Crawl has {percent} of the tokens and 60 % of the mix; the other four "
            "have {percent_2} of the tokens and 41 % of the mix. Source: {gpt3_paper}.",
            percent=percent(sizes["Common Crawl"]),
            percent_2=percent(1 - sizes["Common Crawl"]),
            gpt3_paper=GPT3_PAPER,
        ),
    ).show()


def epochs_figure(seen: int) -> None:
    """How often each source is read; the published epochs belong to 300 billion tokens only."""
    as_published = seen == GPT3_TOKENS_SEEN
    frame = pd.DataFrame(
        {
            "source": [each.name for each in GPT3_SOURCES],
            "epochs": [published.epochs(each.weight, seen, each.n_tokens) for each in GPT3_SOURCES],
            "published": [each.epochs if as_published else float("nan") for each in GPT3_SOURCES],
        }
    )
    once = [source for source, value in zip(frame["source"], frame["epochs"], strict=True) if value < 1]
    most = frame.loc[frame["epochs"].idxmax()]
    epochs_chart(
        frame,
        title=_("How often each source was read"),
        rule=1.0,
        rule_label=_("read once"),
        alt_text=_("Bar chart: how often each of GPT-3's sources is read in training."),
        summary=(
            _(
                "With {seen:,.0f} billion tokens seen, {source} is read most often, {epochs:.1f} times; ",
                seen=seen / BILLION,
                source=_(most["source"]),
                epochs=most["epochs"],
            )
            + (
                _("not read to the end: {join}. ", join=_(" and ").join(once))
                if once
                else _("every source is read at least once. ")
            )
            + (_("Diamonds: the epochs that the paper prints.") if as_published else "")
        ),
    ).show()


def full_table(seen: int) -> None:
    """All figures, published and computed."""
    rows = []
    for each in GPT3_SOURCES:
        least, most = published.epochs_range(each, seen)
        rows.append(
            {
                "source": each.name,
                N_("tokens (billions)"): each.n_tokens / BILLION,
                N_("weight (%)"): 100 * each.weight,
                N_("epochs, computed"): published.epochs(each.weight, seen, each.n_tokens),
                N_("epochs, published"): each.epochs if seen == GPT3_TOKENS_SEEN else None,
                N_("rounding allows"): _("{least:.2f} to {most:.2f}", least=least, most=most),
                N_("tokens drawn (billions)"): each.weight * seen / BILLION,
                N_("contents"): each.contents,
            }
        )
    frame = pd.DataFrame(rows)
    show_numbers(
        frame,
        {
            N_("tokens (billions)"): "localized",
            N_("weight (%)"): "%.0f",
            N_("tokens drawn (billions)"): "%.1f",
            N_("epochs, computed"): "%.2f",
            N_("epochs, published"): "%.2f",
        },
        words=["contents"],
    )
    st.caption(
        _(
            "“Rounding allows” is what the epochs can be if weights were rounded to whole percent and sizes to whole "
            "billions. The published epochs hold for 300 billion tokens seen."
        )
    )


def words_remark() -> None:
    """410 billion tokens are not 410 billion words."""
    ratio = english_tokens_per_word()
    st.info(
        _(
            "“One token is about one word” is a rule of thumb. GPT-3 used GPT-2's tokenizer, which makes {ratio:.2f} "
            "tokens per word of the English sentences measured in *Tokens and words*: 410 billion tokens would be "
            "about {ratio_2:,.0f} billion such words. Harder text has more tokens per word, so fewer words.",
            ratio=ratio,
            ratio_2=410 / ratio,
        ),
        icon=":material/straighten:",
    )
