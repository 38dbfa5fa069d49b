"""Part: is one token one word? Measured for every tokenizer, in three languages, in code-like text and in one's own."""

from __future__ import annotations

from contextlib import suppress

import pandas as pd
import streamlit as st

from engine import text_statistics
from engine.aside_worker import Call
from engine.errors import EngineError
from engine.language import N_, _
from engine.phrasebook import phrase_pairs
from engine.runs.named_texts import TextOf
from engine.runs.tokens_per_word import texts_cut, typed_cut
from pages.parts.data.figures import show_numbers, table, token_dots
from pages.shared.aside import all_computed, computed, found_by
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence, shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import settings_aside
from pages.shared.text_source import corpora
from pages.shared.texts import text_of
from pages.shared.tokenizers import VOCAB_SIZES, TokenizerChoice
from pages.shared.viewer import lab

N_PHRASES = 1_500
SAMPLE_CHARS = 100_000
LANGUAGES = (N_("English"), N_("French"), N_("German"))
REFERENCE = N_("Python reference")
CORPORA = {N_("Shakespeare"): "shakespeare", N_("BBC News"): "bbc-news", REFERENCE: "python-reference"}
OWN = N_("your text")
COUNTING = N_("Counting tokens …")
OFFICIAL = ("gpt2", "cl100k_base", "o200k_base")
NAMES = {"gpt2": "GPT-2", "cl100k_base": N_("GPT-4 (cl100k_base)"), "o200k_base": "GPT-4o (o200k_base)"}


def show() -> None:
    """The whole part."""
    st.markdown(
        _(
            "A rule of thumb says that one token is about one word. Measure it: how many tokens does a tokenizer make "
            "of a word, and does it depend on the language?"
        )
    )
    controls, figure = st.columns([1, 2], gap="large")
    with controls:
        learned_on = st.selectbox(
            _("BPE and words learned on"),
            [*LANGUAGES, REFERENCE],
            key="data-learned-on",
            persist_state="session",
            help=_("What is learned here sees this text only. GPT's tokenizers saw many languages, mostly English."),
        )
        size = st.select_slider(
            _("Vocabulary size"),
            [each for each in VOCAB_SIZES if each <= 8_000],
            2_000,
            format_func=_,
            key="data-learned-size",
            persist_state="session",
            help=_("Of the BPE and the word tokenizer learned here. GPT-2 has 50,257 tokens, GPT-4o about 200,000."),
        )
        own = st.text_area(
            _("Your own text"),
            key="data-own-sample",
            persist_state="session",
            max_chars=20_000,
            height=140,
            placeholder=_("A sentence in any language"),
            help=_("Adds a mark of its own to the chart. It is measured like the others."),
        )
    with figure, shown_errors():
        chart(*measures(learned_on, size, own))
    notice(
        _(
            "GPT's tokenizers come close to one token per word in simple English, and need more for French and German: "
            "they were learned on less of those."
        ),
        _("GPT-4o's vocabulary is four times as large as GPT-2's and was learned on more languages: the gap shrinks."),
        _("A BPE learned on one language spells the others out. Switch its language and see the marks trade places."),
        _("Code-like text costs more: names, brackets and indentation are tokens and no words."),
    )
    exercise(
        _(
            "Prices are per token. What does the same content cost in German, compared with English, with GPT-2's "
            "tokens?"
        ),
        _(
            "Multiply: tokens per word times words, each against English. The phrases here say the same in all three "
            "languages, so the folded table compares the tokens for the same content directly: about twice as many."
        ),
    )
    show_code(text_statistics.tokens_per_word, text_statistics.find_words, phrase_pairs)


@st.cache_data(show_spinner=N_("Writing phrases …"))
def languages() -> dict[str, str]:
    """The same sentences in three languages."""
    phrases = phrase_pairs(N_PHRASES, seed=0)
    columns = ([p.english for p in phrases], [p.french for p in phrases], [p.german for p in phrases])
    return {name: "\n".join(lines) for name, lines in zip(LANGUAGES, columns, strict=True)}


def sample_names() -> list[str]:
    """What is measured: the phrases, the corpora of books and news where installed, and the Python reference."""
    return [*LANGUAGES, *(title for title, name in CORPORA.items() if corpora()[name].available)]


def sample(title: str) -> TextOf:
    """Names the text behind one of `sample_names`."""
    settings = settings_aside()
    if title in LANGUAGES:
        return TextOf(settings, _kept(title, str(settings.home)), len(languages()[title]))
    return TextOf(settings, CORPORA[title], SAMPLE_CHARS)


@st.cache_resource(show_spinner=False)
def _kept(title: str, home: str) -> str:
    """The name of a text that tokenizers learn from here, kept as an upload so that it has one."""
    return lab().save_upload(languages()[title] if title in LANGUAGES else text_of(CORPORA[title], SAMPLE_CHARS))


def tokenizers(learned_on: str, size: int) -> dict[str, TokenizerChoice]:
    """Every kind of tokenizer by the name that the chart shows."""
    source = _kept(learned_on, str(lab().settings.home))
    official = {NAMES[kind]: TokenizerChoice(kind) for kind in OFFICIAL}
    return {
        **official,
        _("BPE {size:,} learned here", size=size): TokenizerChoice("bpe", source, size),
        _("Words {size:,}", size=size): TokenizerChoice("word", source, size),
        N_("Characters"): TokenizerChoice("char", source),
        N_("Bytes"): TokenizerChoice("byte"),
    }


def english_tokens_per_word() -> float:
    """GPT-2's tokens per word of the English phrases; raises NotYet while they are counted."""
    (cut,) = computed(COUNTING, texts_cut, TokenizerChoice("gpt2").named, (sample(N_("English")),))
    return cut.per_word


def measures(learned_on: str, size: int, own: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows of tokenizer, text and ratio, and how many words each text has; a tokenizer that cannot be used is left out
    with a sentence. Raises NotYet while the tokens are counted.
    """
    named = {name: choice.named for name, choice in tokenizers(learned_on, size).items()}
    titles = sample_names()
    calls = {name: Call(texts_cut, (each, tuple(map(sample, titles)))) for name, each in named.items()}
    typed = Call(typed_cut, (tuple(named.values()), own))
    with suppress(EngineError):  # told below, by the tokenizer that it concerns
        all_computed(COUNTING, [*calls.values(), *([typed] if own.strip() else [])])
    of_own = dict(zip(named, found_by(typed), strict=True)) if own.strip() else {}
    rows, n_words = [], {}
    for name, call in calls.items():
        try:
            cuts = dict(zip(titles, found_by(call, COUNTING), strict=True))
        except EngineError as error:
            st.warning(sentence(error))
            continue
        n_words |= {title: cut.n_words for title, cut in cuts.items()}
        if of_own.get(name) is not None:
            cuts[OWN] = of_own[name]
        rows += [(name, title, cut.per_word) for title, cut in cuts.items() if cut.n_words]
    if own.strip() and not text_statistics.find_words(own):
        st.caption(_("Your text has no words: no letters or digits."))
    return pd.DataFrame(rows, columns=[N_("tokenizer"), N_("text"), N_("ratio")]), n_words


def chart(measured: pd.DataFrame, n_words: dict[str, int]) -> None:
    """The dots, what they say, and the numbers."""
    wide = measured.pivot(index="tokenizer", columns="text", values="ratio")
    order = list(dict.fromkeys(measured["tokenizer"]))
    texts = list(dict.fromkeys(measured["text"]))
    wide = wide.loc[order, texts]
    gpt2 = wide.loc[NAMES["gpt2"]] if NAMES["gpt2"] in wide.index else wide.iloc[0]
    token_dots(
        measured,
        alt_text=_("Dot chart on a log axis: tokens per word for each tokenizer (rows) and text (marks)."),
        summary=_(
            "GPT-2's tokenizer makes {english:.2f} tokens of an English word, {french:.2f} of a "
            "French and {german:.2f} of a German one; {gpt2:.2f} in the Python reference. "
            "The dashed line is one token per word.",
            english=gpt2["English"],
            french=gpt2["French"],
            german=gpt2["German"],
            gpt2=gpt2[REFERENCE],
        ),
    ).show()
    show_numbers(wide.reset_index(), dict.fromkeys(texts, "%.2f"), words=["tokenizer"])
    st.caption(
        _(
            "Tokens per word. Words are runs of letters and digits; marks and line ends are counted as tokens, but "
            "not as words. English, French and German are the same {n_phrases:,} sentences. An unknown word is one "
            "token to the word tokenizer, whatever it was.",
            n_phrases=N_PHRASES,
        )
    )
    table(
        _same_content(wide, n_words),
        dict.fromkeys(LANGUAGES, "%.0f"),
        label=_("Tokens for what 100 English words say"),
        words=["tokenizer"],
    )


def _same_content(wide: pd.DataFrame, n_words: dict[str, int]) -> pd.DataFrame:
    """Tokens that each language needs for what takes 100 words of English."""
    frame = pd.DataFrame({"tokenizer": wide.index})
    for language in LANGUAGES:
        frame[language] = (100 * wide[language] * n_words[language] / n_words[LANGUAGES[0]]).to_numpy()
    return frame
