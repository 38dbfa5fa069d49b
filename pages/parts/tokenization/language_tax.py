"""Part: one sentence in many languages and what it costs in each encoding."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import parallel_sentences
from engine.language import N_, _, number
from engine.parallel_sentences import REFERENCE, SENTENCES, LanguageCost, language_costs
from engine.tokenizer import OfficialTokenizer
from pages.shared.charts import Figure, grouped_bars
from pages.shared.code_panel import show_code
from pages.shared.edited_table import edited_table
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.tables import show_table
from pages.shared.tokenizers import TokenizerChoice
from pages.shared.wording import inside

ENCODINGS = {
    "GPT-2": TokenizerChoice("gpt2"),
    "GPT-4": TokenizerChoice("cl100k_base"),
    "GPT-4o": TokenizerChoice("o200k_base"),
    N_("BPE 1,000 of stories"): TokenizerChoice("bpe", "stories", 1000),
    N_("Bytes"): TokenizerChoice("byte"),
}
MEASURES = {
    N_("Tokens"): N_("Tokens in the sentence"),
    N_("Times English"): N_("Tokens, as a multiple of English"),
    N_("Bytes per token"): N_("UTF-8 bytes in a token, on average"),
}
MAX_ROWS = 40
MAX_CHARS = 2_000
LINE = 40  # characters of a name that a chart can show
CONTEXT = 1_024  # tokens that GPT-2 reads at once


def language_tax() -> None:
    """Bars of tokens per encoding for one sentence in many languages, which the learner can edit."""
    st.markdown(
        _(
            "The same sentence, about a lion asleep in the forest, in many languages and as code. Whoever pays by the "
            "token, in money or in room, pays for how the vocabulary was learned."
        )
    )
    encodings = st.pills(
        _("Encodings"),
        list(ENCODINGS),
        format_func=_,
        default=["GPT-2", "GPT-4", "GPT-4o"],
        selection_mode="multi",
        key="tax-encodings",
        persist_state="session",
        wrap=True,
        help=_("Each becomes one bar for every sentence."),
    )
    measure = st.segmented_control(
        _("Measure"),
        list(MEASURES),
        format_func=_,
        default="Tokens",
        required=True,
        key="tax-measure",
        persist_state="session",
        help=_("Tokens are what is paid for; bytes per token tell how well the vocabulary fits the language."),
    )
    place = st.container()
    sentences = _edited_sentences()
    with place:
        if not encodings:
            st.info(_("Choose at least one encoding."))
        elif not sentences:
            st.info(_("The table below holds no sentence: write one in each row, with the name of its language."))
        else:
            with shown_errors():
                _figure(sentences, [each for each in ENCODINGS if each in encodings], measure or N_("Tokens"))
    notice(
        _(
            "GPT-2 learned its merges on web pages that were nearly all English: languages in other Latin letters cost "
            "up to three times as much, other scripts two to six times."
        ),
        _(
            "Part of it is UTF-8: a letter is one byte in English, two in Greek or Arabic, three in Hindi or Thai. "
            "Where no merge was learned, a token is a byte."
        ),
        _(
            "GPT-4o has twice as many tokens as GPT-4, learned on more languages: for many the difference has nearly "
            "gone."
        ),
        _(
            "Petrov et al. (2023) measured up to 15 times as many tokens for one text in two languages. Such a text "
            "costs as many times more, is answered more slowly, and fills the context sooner."
        ),
    )
    exercise(
        _(
            "Add your own language or dialect to the table, and one sentence all in capitals. Which costs more than "
            "you expected?"
        ),
        _(
            "Capitals are rare in the texts that merges come from: “THE LION SLEEPS” takes more tokens than “the lion "
            "sleeps”, although language, script and number of bytes are the same."
        ),
    )
    show_code(parallel_sentences.language_costs)


def _edited_sentences() -> dict[str, str]:
    """The table of sentences as edited: name → text, without empty rows. What was edited outlives a page switch."""
    with st.expander(_("Sentences: change them or add your own"), icon=":material/edit:"):
        edited = edited_table(
            "tax",
            _usual_sentences,
            reset=_("Back to the course's sentences"),
            column_config={
                N_("Language"): st.column_config.TextColumn(
                    _("Language"), width="small", required=True, max_chars=LINE
                ),
                N_("Sentence"): st.column_config.TextColumn(
                    _("Sentence"), width="large", required=True, max_chars=MAX_CHARS
                ),
            },
        )
        st.caption(
            _(
                "“Times English” measures by the row called {reference}, or by the first row if there is none.",
                reference=_(REFERENCE),
            )
        )
    sentences = sentences_of(edited)
    if len(edited) > MAX_ROWS:
        st.info(
            _(
                "The table has {n_edited:,} rows; the first {max_rows} are counted.",
                n_edited=len(edited),
                max_rows=MAX_ROWS,
            )
        )
    return sentences


def _usual_sentences() -> pd.DataFrame:
    return pd.DataFrame({N_("Language"): [_(name) for name in SENTENCES], N_("Sentence"): list(SENTENCES.values())})


def sentences_of(table: pd.DataFrame) -> dict[str, str]:
    """Name → sentence of the rows that have both; a name that is there twice gets a number."""
    found: dict[str, str] = {}
    for name, text in zip(table["Language"], table["Sentence"], strict=True):
        if len(found) == MAX_ROWS:
            break
        if not isinstance(name, str) or not isinstance(text, str) or not name.strip() or not text.strip():
            continue
        label, number = name.strip()[:LINE], 2
        while label in found:
            label, number = f"{name.strip()[:LINE]} ({number})", number + 1
        found[label] = text[:MAX_CHARS]
    return found


def _figure(sentences: dict[str, str], encodings: list[str], measure: str) -> None:
    tokenizers = {name: ENCODINGS[name].load() for name in encodings}
    reference = next((each for each in (_(REFERENCE), REFERENCE) if each in sentences), next(iter(sentences)))
    costs = language_costs(sentences, tokenizers, reference=reference)
    figure = tax_figure(costs, measure, reference)
    figure.show(caption=False)
    st.text(figure.summary)  # plain text, never markdown: it names what the learner typed
    with st.expander(_("As a table"), icon=":material/table:"):
        show_table(tax_table(costs), width="stretch")
    dearest = max(costs, key=lambda cost: cost.times_reference)
    if dearest.times_reference > 1:
        room = (
            CONTEXT // max(1, dearest.n_tokens),
            CONTEXT
            // max(1, next(c.n_tokens for c in costs if c.language == reference and c.encoding == dearest.encoding)),
        )
        st.caption(
            _(
                "A context of {context:,} tokens, that of GPT-2, holds the dearest sentence {room} times and the "
                "one it is measured by {room_2} times.",
                context=CONTEXT,
                room=room[0],
                room_2=room[1],
            )
        )
    sizes = {name: each.n_vocab for name, each in tokenizers.items() if isinstance(each, OfficialTokenizer)}
    if sizes:
        st.caption(
            _("Vocabularies: ") + ", ".join(f"{name} {number(size)}" for name, size in sizes.items()) + _(" tokens.")
        )


def tax_figure(costs: list[LanguageCost], measure: str, reference: str) -> Figure:
    """Bars for every sentence and encoding; `measure` is one of MEASURES."""
    value = {
        N_("Tokens"): lambda cost: cost.n_tokens,
        N_("Times English"): lambda cost: cost.times_reference,
        N_("Bytes per token"): lambda cost: cost.n_bytes / max(1, cost.n_tokens),
    }[measure]
    rows = pd.DataFrame(
        {
            "row": [cost.language for cost in costs],
            "series": [cost.encoding for cost in costs],
            "value": [float(value(cost)) for cost in costs],
            "shown": [number(value(cost)) if measure == "Tokens" else number(value(cost), ".2f") for cost in costs],
        }
    )
    return grouped_bars(
        rows,
        title=_("What one sentence costs"),
        rows_title=_("Language"),
        value_title=_("Tokens, as a multiple of {reference}", reference=_(reference))
        if measure == "Times English"
        else _(MEASURES[measure]),
        series_title=_("Encoding"),
        alt_text=_("Bar chart: {lower}, by language and encoding.", lower=inside(MEASURES[measure])),
        summary=summarise_tax(costs, reference),
    )


def summarise_tax(costs: list[LanguageCost], reference: str) -> str:
    """For each encoding, which sentence costs most."""
    parts = []
    for encoding in dict.fromkeys(cost.encoding for cost in costs):
        dearest = max((cost for cost in costs if cost.encoding == encoding), key=lambda cost: cost.n_tokens)
        parts.append(
            _(
                "{encoding}: {language} with {n_tokens:,} ({times_reference:.1f} times)",
                encoding=encoding,
                language=dearest.language,
                n_tokens=dearest.n_tokens,
                times_reference=dearest.times_reference,
            )
        )
    return _("Most tokens, and how many times those of {reference}: ", reference=reference) + "; ".join(parts) + "."


def tax_table(costs: list[LanguageCost]) -> pd.DataFrame:
    """Languages in rows; characters, bytes and the tokens of each encoding in columns."""
    table: dict[str, dict[str, int]] = {}
    for cost in costs:
        row = table.setdefault(cost.language, {N_("Characters"): cost.n_characters, N_("Bytes"): cost.n_bytes})
        row[_("{encoding} tokens", encoding=cost.encoding)] = cost.n_tokens
    return pd.DataFrame.from_dict(table, orient="index").rename_axis(N_("Language"))
