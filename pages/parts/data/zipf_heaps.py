"""Part: how words are distributed. A few of them make half of the text; new ones never stop coming."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import power_law, text_statistics
from engine.language import N_, _, number
from engine.power_law import FitError, PowerLaw
from engine.spreadsheets import harmless_cell
from engine.text_statistics import RankFrequency, VocabularyGrowth
from pages.parts.data import source
from pages.parts.data.figures import facts, log_log, percent, table
from pages.parts.data.source import ChosenText, the_text
from pages.shared.charts import visible_token
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice
from pages.shared.tokenizers import TokenizerChoice, choose_tokenizer

RANKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
N_POINTS = 90
LISTED = 2_000
WORDS, TOKENS = "words", "tokens"


def show() -> None:
    """The whole part."""
    st.markdown(_("Count how often each word and each token occurs, and how many different ones came up so far."))
    controls, figure = st.columns([1, 2], gap="large")
    with controls:
        text = the_text()
        if text is None:
            return
        tokenizer = choose_tokenizer("data-tokenizer", text.name)
        first, last = st.select_slider(
            _("Ranks the line is fitted to"),
            RANKS,
            (10, 1_000),
            format_func=number,
            key="data-ranks",
            persist_state="session",
            help=_(
                "Least squares of log frequency on log rank. The first ranks bend away from the line; at the last, "
                "many words share a frequency of 1."
            ),
        )
    with figure:
        word_ids, words = source.words(text.name, text.n_chars)
        token_ids = source.token_spans(text, tokenizer).ids
        if len(word_ids) == 0:
            st.info(_("This text has no words: no letters or digits. Choose another one."))
            return
        by_rank = {WORDS: _ranked(text, WORDS, tokenizer), TOKENS: _ranked(text, TOKENS, tokenizer)}
        zipf(text, by_rank, words, tokenizer, first, last)
        heaps(text, tokenizer, len(word_ids), len(token_ids))
    notice(
        _("Both axes are logarithmic: a straight line is a power law. Ten times the rank, about a tenth as frequent."),
        _("Words drop off at the right, where thousands of them occur once. A model sees each of those once an epoch."),
        _("The first words lie below their line. Mandelbrot's C / (r + b)^a, with an offset b, bends to meet them."),
        _("The words keep growing. The tokens cannot: a tokenizer's vocabulary is closed, and yet writes every word."),
    )
    exercise(
        _("Compare Shakespeare with the phrasebook. Which vocabulary is nearly complete after a million characters?"),
        _(
            "The phrasebook's: a small grammar with some 2,000 word forms in three languages wrote it, so its curve "
            "goes flat, and hardly a word occurs only once. No natural text does that; Shakespeare's plays still bring "
            "new words at the end."
        ),
    )
    show_code(
        text_statistics.rank_frequency,
        text_statistics.vocabulary_growth,
        power_law.fit_power_law,
        text_statistics.number_words,
    )


def _ranked(text: ChosenText, what: str, choice: TokenizerChoice) -> RankFrequency:
    if what == WORDS:
        return _rank_frequency(text.name, text.n_chars, "", "", 0)
    return _rank_frequency(text.name, text.n_chars, choice.kind, choice.source, choice.vocab_size)


@st.cache_resource(max_entries=24, show_spinner=False)
def _rank_frequency(name: str, n_chars: int, kind: str, learned_on: str, vocab_size: int) -> RankFrequency:
    """Ranked words, or tokens where a kind of tokenizer is given."""
    return text_statistics.rank_frequency(_ids(name, n_chars, kind, learned_on, vocab_size))


@st.cache_resource(max_entries=24, show_spinner=False)
def _growth(name: str, n_chars: int, kind: str, learned_on: str, vocab_size: int) -> VocabularyGrowth:
    return text_statistics.vocabulary_growth(_ids(name, n_chars, kind, learned_on, vocab_size))


def _ids(name: str, n_chars: int, kind: str, learned_on: str, vocab_size: int) -> np.ndarray:
    if not kind:
        return source.words(name, n_chars)[0]
    text = ChosenText(name, "", n_chars, n_chars, name)
    return source.token_spans(text, TokenizerChoice(kind, learned_on, vocab_size)).ids


def zipf(
    text: ChosenText,
    by_rank: dict[str, RankFrequency],
    words: list[str],
    tokenizer: TokenizerChoice,
    first: int,
    last: int,
) -> None:
    """Rank and frequency on log axes, with the fitted lines and the most frequent words."""
    coder = tokenizer.load()
    titles = {WORDS: _("words"), TOKENS: _("tokens ({title})", title=tokenizer.title)}
    frames, fits, problem = [], {}, ""
    for what, ranked in by_rank.items():
        places = text_statistics.log_spaced(len(ranked.ids), N_POINTS) - 1
        labels = [
            words[number] if what == WORDS else visible_token(coder.token_bytes(int(number)).decode("utf-8", "replace"))
            for number in ranked.ids[places]
        ]
        points = {"x": places + 1, "y": ranked.frequencies[places], "series": titles[what], "label": labels}
        frames.append(pd.DataFrame(points))
        try:
            fits[titles[what]] = power_law.fit_power_law(ranked.ranks, ranked.frequencies, first=first, last=last)
        except FitError as error:
            problem = sentence(error)
    ranked = by_rank[WORDS]
    n = int(ranked.frequencies.sum())
    top = ranked.frequencies[:100].sum() / n
    once = float(np.mean(ranked.frequencies == 1))
    exponents = _(" and ").join(
        _("{exponent:.2f} for {name}", exponent=law.exponent, name=name) for name, law in fits.items()
    )
    figure = log_log(
        pd.concat(frames),
        fits,
        title=_("Zipf: how often the word of each rank occurs"),
        x=_("Rank (1 is the most frequent)"),
        y=_("Frequency (times in the text)"),
        alt_text=_("Scatter chart on log axes: frequency against rank, for words and tokens, with fitted lines."),
        summary=_(
            "The 100 most frequent words make {top} of the text; {once} of all different words occur once. ",
            top=percent(top),
            once=percent(once),
        )
        + (
            _(
                "Fitted from rank {first:,} to {last:,}, the frequency falls with the exponent {exponents}.",
                first=first,
                last=last,
                exponents=exponents,
            )
            if fits
            else ""
        ),
    )
    figure.show()
    if problem:
        st.caption(problem)
    listed = min(LISTED, len(ranked.ids))
    frame = pd.DataFrame(
        {
            N_("rank"): np.arange(1, listed + 1),
            N_("word"): [words[number] for number in ranked.ids[:listed]],
            N_("frequency"): ranked.frequencies[:listed],
            N_("share"): 100 * ranked.frequencies[:listed] / n,
            N_("share so far"): 100 * np.cumsum(ranked.frequencies[:listed]) / n,
        }
    )
    if (law := fits.get(titles[WORDS])) is not None:
        frame["by the line"] = law.at(np.arange(1, listed + 1))
    table(
        frame,
        {
            N_("frequency"): "localized",
            N_("share"): "%.2f %%",
            N_("share so far"): "%.1f %%",
            N_("by the line"): "%.0f",
        },
        label=_("The {listed:,} most frequent words", listed=listed),
    )
    st.download_button(
        _("All words as CSV"),
        lambda: _csv(text.name, text.n_chars),
        f"{text.file_name}-words.csv",
        "text/csv",
        key="data-words-csv",
        icon=":material/download:",
        on_click="ignore",
        help=_("Rank, word and frequency of every different word."),
    )


def _csv(name: str, n_chars: int) -> bytes:
    _unused, words = source.words(name, n_chars)
    ranked = _rank_frequency(name, n_chars, "", "", 0)
    frame = pd.DataFrame(
        {"rank": ranked.ranks, "word": [harmless_cell(words[i]) for i in ranked.ids], "frequency": ranked.frequencies}
    )
    return frame.to_csv(index=False).encode("utf-8")


def heaps(text: ChosenText, tokenizer: TokenizerChoice, n_words: int, n_tokens: int) -> None:
    """The growth of the vocabulary on log axes, with fitted lines and what twice the text would bring."""
    token_title = _("tokens ({title})", title=tokenizer.title)
    keys = {_("words"): ("", "", 0), token_title: (tokenizer.kind, tokenizer.source, tokenizer.vocab_size)}
    frames, fits = [], {}
    for title, key in keys.items():
        growth = _growth(text.name, text.n_chars, *key)
        frames.append(pd.DataFrame({"x": growth.seen, "y": growth.distinct, "series": title, "label": title}))
        law = _fitted(growth)
        if law is not None:
            fits[title] = law
    points = pd.concat(frames)
    n_distinct = int(points.loc[points["series"] == _("words"), "y"].max())
    n_tokens_distinct = int(points.loc[points["series"] == token_title, "y"].max())
    law = fits.get(_("words"))
    summary = _(
        "After {n_words:,} words there are {n_distinct:,} different ones; after {n_tokens:,} tokens ",
        n_words=n_words,
        n_distinct=n_distinct,
        n_tokens=n_tokens,
    )
    summary += _(
        "{n_tokens_distinct:,} of the tokenizer's {n_vocab:,}.",
        n_tokens_distinct=n_tokens_distinct,
        n_vocab=tokenizer.load().n_vocab,
    )
    if law is not None:
        summary += _(
            " For words the curve is about {coefficient:.1f} · n^{value:.2f}.",
            coefficient=law.coefficient,
            value=-law.exponent,
        )
    log_log(
        points,
        fits,
        title=_("Heaps: different words among the first n"),
        x=_("Words or tokens read so far (n)"),
        y=_("Different ones among them"),
        alt_text=_(
            "Chart on log axes: number of different words and tokens against the number read, with fitted lines."
        ),
        summary=summary,
    ).show()
    if law is not None:
        more = law.at(2 * n_words) - law.at(n_words)
        facts(
            (
                (
                    _("K in V(n) = K · n^β"),
                    number(law.coefficient, ".2f"),
                    _("Fitted to the points from n = 1,000 on."),
                ),
                (
                    "β",
                    number(-law.exponent, ".3f"),
                    _("1 would mean that every word is a new one, 0 that none is any more."),
                ),
                (
                    _("new words in as much text again"),
                    _("about {more:,.0f}", more=more),
                    _("What the fitted curve expects."),
                ),
            )
        )
    table(
        points.rename(columns={"x": "read", "y": "different"})[["series", "read", "different"]].rename(
            columns={"series": N_("series")}
        ),
        {N_("read"): "localized", N_("different"): "localized"},
    )


def _fitted(growth: VocabularyGrowth) -> PowerLaw | None:
    """The growth as a power law from n = 1,000 on (from 1 in a short text); None where it cannot be fitted."""
    first = 1_000 if len(growth.seen) and growth.seen[-1] >= 10_000 else 1
    try:
        return power_law.fit_power_law(growth.seen, growth.distinct, first=first)
    except FitError:
        return None
