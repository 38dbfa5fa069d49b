"""Part: a training mixture of one's own. Weights become tokens drawn, epochs of each source, and a text to train on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import pandas as pd
import streamlit as st

from engine import corpus, published
from engine.corpus import CorpusInfo, load_corpus, mix_corpora, mix_pieces
from engine.errors import CorpusError
from engine.language import N_, _
from engine.runs.named_texts import TextOf
from engine.runs.tokens_per_word import tokens_per_char
from pages.parts.data.figures import epochs_chart, percent, shares, show_numbers
from pages.shared import guide
from pages.shared.aside import computed
from pages.shared.code_panel import show_code
from pages.shared.components.text_view import heading_row, text_view, view_rows
from pages.shared.errors import sentence, shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.mix import train_on
from pages.shared.models import settings_aside
from pages.shared.text_source import corpora
from pages.shared.tokenizers import TokenizerChoice, choose_tokenizer

AMOUNTS = (100_000, 250_000, 500_000, 1_000_000, 2_000_000, 3_000_000, 5_000_000, 10_000_000)
SAMPLE_CHARS = 200_000  # of each source, to measure its tokens per character
MANY_EPOCHS = 4
SEED = 0
# Which corpus plays which of GPT-3's sources: the web, the recommended web, books, the encyclopedia.
LIKE_GPT3 = {"bbc-news": 60, "stories": 22, "shakespeare": 16, "python-reference": 3, "phrasebook": 0}
_PAST, _LAST = "data-weights-past", "data-weights-last"


@dataclass(frozen=True)
class Share:
    """What one source gives to the mixture."""

    info: CorpusInfo
    weight: float  # 0 to 1, all together 1
    n_chars_drawn: int

    @property
    def epochs(self) -> float:
        """How often the source is read."""
        return self.n_chars_drawn / self.info.n_chars


def show() -> None:
    """The whole part."""
    st.markdown(
        _("Do what GPT-3's makers did with the corpora that are here: weigh them, and see how often each is read.")
    )
    known = corpora()
    controls, figure = st.columns([1, 2], gap="large")
    with controls:
        weights = weight_controls(known)
        n_chars = st.select_slider(
            _("Characters to draw"),
            AMOUNTS,
            1_000_000,
            format_func=lambda n: _("{n:g} million", n=n / 1e6),
            key="data-mix-chars",
            persist_state="session",
            help=_("How long the mixture is. A source that runs out begins again, in a new order."),
        )
        heaviest = max(weights, key=weights.__getitem__, default="stories")
        tokenizer = choose_tokenizer("data-mix-tokenizer", heaviest, default="gpt2")
    with figure:
        if not any(weights.values()):
            st.info(_("All weights are 0: move at least one slider up, or choose a preset."))
            return
        mixture = {name: weight / sum(weights.values()) for name, weight in weights.items() if weight}
        rows = [Share(known[name], weight, round(n_chars * weight)) for name, weight in mixture.items()]
        guide.tell("mix", {row.info.name: {"share": row.weight, "epochs": row.epochs} for row in rows})
        charts(known, rows)
        with shown_errors():
            mixture_table(rows, n_chars, per_char(known, tokenizer))
        use_it(mixture, n_chars)
        sample(mixture, known)
    notice(
        _("The weights decide what the model sounds like; the sizes decide how often it must hear the same thing."),
        _(
            "Up to about {many_epochs} epochs, repeated text is nearly as good as new text; after that it helps less "
            "and less (Muennighoff et al. 2023). A model of a million parameters may know its text by heart sooner.",
            many_epochs=MANY_EPOCHS,
        ),
        _(
            "Every stretch of the mixture has all sources in their shares, so no one is forgotten while another is "
            "read."
        ),
    )
    exercise(
        _(
            "Press *Like GPT-3*, then *By size*. Which source gains most, and how often is it read in a mix of 10 "
            "million characters?"
        ),
        _(
            "The news: from about 32 % to 59 % of the mix, hence from 0.65 epochs (as all sources by size) to 1.2. "
            "Quality is a judgement, and the weights are where it is made."
        ),
    )
    show_code(corpus.mix_pieces, corpus.mix_corpora, published.epochs)


def weight_controls(known: dict[str, CorpusInfo]) -> dict[str, int]:
    """One slider a corpus, with presets and an undo; returns the weights of those that are installed."""
    ready = [name for name, info in known.items() if info.available]
    for name in ready:
        st.session_state.setdefault(_key(name), by_size(known)[name])
    with st.container(horizontal=True):
        st.button(
            _("By size"),
            key="data-mix-by-size",
            icon=":material/balance:",
            on_click=set_weights,
            args=(by_size(known),),
            help=_("Every character is read equally often."),
        )
        st.button(
            _("Like GPT-3"),
            key="data-mix-gpt3",
            icon=":material/stars:",
            on_click=set_weights,
            args=({name: LIKE_GPT3[name] for name in ready},),
            help=_(
                "GPT-3's weights: news as its web (60), stories as WebText2 (22), Shakespeare as its books (8 + 8), "
                "the reference as Wikipedia (3)."
            ),
        )
        st.button(
            _("Undo"),
            key="data-mix-undo",
            icon=":material/undo:",
            disabled=not st.session_state.get(_PAST),
            on_click=undo_weights,
            help=_("The weights before the last change."),
        )
    for name, info in known.items():
        if not info.available:
            st.slider(
                _("{title} (not installed)", title=info.title),
                0,
                100,
                0,
                key=f"{_key(name)}-missing",
                disabled=True,
                help=_("This corpus is not installed on this machine."),
            )
            st.code(info.install_hint, language="shell")
            continue
        st.slider(
            _(info.title),
            0,
            100,
            key=_key(name),
            persist_state="session",
            on_change=remember_weights,
            help=_(
                "{kind}: {description} {n_chars:.1f} million characters.",
                kind=info.kind,
                description=info.description,
                n_chars=info.n_chars / 1e6,
            ),
        )
    weights = {name: int(st.session_state[_key(name)]) for name in ready}
    st.session_state[_LAST] = weights
    return weights


def _key(name: str) -> str:
    return f"data-weight-{name}"


def by_size(known: dict[str, CorpusInfo]) -> dict[str, int]:
    """Weights in percent that follow the sizes."""
    sizes = published.shares({name: float(info.n_chars) for name, info in known.items() if info.available})
    return {name: max(1, round(100 * share)) for name, share in sizes.items()}


def set_weights(weights: dict[str, int]) -> None:
    """A preset: the weights before can be had back."""
    remember_weights()
    for name, weight in weights.items():
        st.session_state[_key(name)] = weight


def remember_weights() -> None:
    """Put the weights of the last run on the pile for Undo."""
    if _LAST in st.session_state:
        st.session_state[_PAST] = [*st.session_state.get(_PAST, []), st.session_state[_LAST]][-50:]


def undo_weights() -> None:
    """The weights before the last change."""
    past = st.session_state.get(_PAST, [])
    if past:
        for name, weight in past[-1].items():
            st.session_state[_key(name)] = weight
        st.session_state[_PAST] = past[:-1]


def per_char(known: dict[str, CorpusInfo], tokenizer: TokenizerChoice) -> dict[str, float]:
    """Tokens per character of each installed corpus, by a sample; raises NotYet while they are counted."""
    settings, ready = settings_aside(), [name for name, info in known.items() if info.available]
    texts = tuple(TextOf(settings, name, SAMPLE_CHARS) for name in ready)
    return dict(zip(ready, computed(_("Counting tokens …"), tokens_per_char, tokenizer.named, texts), strict=True))


def charts(known: dict[str, CorpusInfo], rows: list[Share]) -> None:
    """Weights against sizes, and epochs."""
    weights = {row.info.name: row.weight for row in rows}
    ready = {name: info for name, info in known.items() if info.available}
    sizes = published.shares({name: float(info.n_chars) for name, info in ready.items()})
    there, read = _("of the characters there are"), _("of your mix (weight)")
    long = [
        row
        for name, info in ready.items()
        for row in ((_(info.title), there, sizes[name]), (_(info.title), read, weights.get(name, 0.0)))
    ]
    first = max(rows, key=lambda row: row.weight)
    shares(
        pd.DataFrame(long, columns=["source", "kind", "share"]),
        title=_("What there is, and what is read"),
        alt_text=_("Bar chart: for each corpus its share of all characters and its share of the mixture."),
        summary=_(
            "{title} has the greatest weight, {weight} of the mix, and {percent} of the characters there are.",
            title=first.info.title,
            weight=percent(first.weight),
            percent=percent(sizes[first.info.name]),
        ),
        unit=_("characters"),
    ).show()
    most = max(rows, key=lambda row: row.epochs)
    epochs_chart(
        pd.DataFrame(
            {
                "source": [_(row.info.title) for row in rows],
                "epochs": [row.epochs for row in rows],
                "published": float("nan"),
            }
        ),
        title=_("How often each source is read"),
        rule=float(MANY_EPOCHS) if most.epochs > 1.5 else 1.0,
        rule_label=_("{many_epochs} epochs", many_epochs=MANY_EPOCHS) if most.epochs > 1.5 else _("read once"),
        alt_text=_("Bar chart: epochs of each corpus in the mixture."),
        summary=_("{title} is read most often: {epochs:.2f} times.", title=most.info.title, epochs=most.epochs),
    ).show()
    if most.epochs > MANY_EPOCHS:
        names = _(" and ").join(_(row.info.title) for row in rows if row.epochs > MANY_EPOCHS)
        st.warning(
            _(
                "More than {many_epochs} epochs of {names}: repeated text is then worth clearly less than new text, "
                "and a model begins to know it by heart. Draw less, or lower the weight.",
                many_epochs=MANY_EPOCHS,
                names=names,
            ),
            icon=":material/repeat:",
        )


def mixture_table(rows: list[Share], n_chars: int, tokens: dict[str, float]) -> None:
    """The same table as GPT-3's, for this mixture; `tokens` per character of each source."""
    drawn = [row.n_chars_drawn * tokens[row.info.name] for row in rows]
    frame = pd.DataFrame(
        {
            "source": [_(row.info.title) for row in rows],
            N_("weight (%)"): [100 * row.weight for row in rows],
            "epochs": [row.epochs for row in rows],
            N_("tokens drawn (about)"): [round(n) for n in drawn],
            N_("tokens (about)"): [round(row.info.n_chars * tokens[row.info.name]) for row in rows],
            "characters": [row.info.n_chars for row in rows],
        }
    )
    show_numbers(
        frame,
        {
            "characters": "localized",
            N_("tokens (about)"): "localized",
            N_("weight (%)"): "%.1f",
            N_("tokens drawn (about)"): "localized",
            "epochs": "%.2f",
        },
    )
    st.caption(
        _(
            "{n_chars:,} characters are about {total:,.0f} tokens. Tokens are estimated from the first "
            "{sample_chars:,} characters of each source; weights are shares of characters.",
            n_chars=n_chars,
            total=sum(drawn),
            sample_chars=SAMPLE_CHARS,
        )
    )


def use_it(mixture: dict[str, float], n_chars: int) -> None:
    """To Pretraining, or as a file."""
    with st.container(horizontal=True):
        if st.button(
            _("Train on this mix"),
            type="primary",
            icon=":material/play_arrow:",
            key="data-train-on-mix",
            help=_("Opens Pretraining with these weights and this length."),
        ):
            train_on(mixture, n_chars)
        st.download_button(
            _("Mixture"),
            lambda: mix_corpora(mixture, n_chars, SEED).encode("utf-8"),
            "mixture.txt",
            "text/plain",
            key="data-mixture-download",
            icon=":material/download:",
            on_click="ignore",
            help=_("The whole mixture, {n_chars:,} characters, as a text file.", n_chars=n_chars),
        )


@st.cache_data(max_entries=32, show_spinner=N_("Mixing …"))
def first_pieces(mixture: tuple[tuple[str, float], ...], seed: int, n_pieces: int) -> list[tuple[str, str]]:
    """The first pieces of a mixture with the names of their sources."""
    texts = {name: load_corpus(name) for name, _unused in mixture}
    return list(islice(mix_pieces(texts, dict(mixture), 1_000_000, seed), n_pieces))


def sample(mixture: dict[str, float], known: dict[str, CorpusInfo]) -> None:
    """The beginning of the mixture with the source of each piece."""
    st.header(_("A sample of the mixture"), anchor=False)
    seed = st.number_input(
        _("Shuffle"),
        0,
        999,
        SEED,
        key="data-mix-seed",
        persist_state="session",
        width=150,
        help=_("The dice: another number gives other pieces."),
    )
    try:
        pieces = first_pieces(tuple(sorted(mixture.items())), int(seed), 12)
    except CorpusError as error:
        st.error(sentence(error))
        return
    rows = []
    for name, piece in pieces:
        rows += [heading_row(_(known[name].title)), *view_rows(piece[:600] + (" …" if len(piece) > 600 else ""))]
    text_view(rows, "data-mix-sample", label=_("The first pieces of the mixture"), height=380)
    st.caption(_("The first 12 pieces in the order of training, each shortened to 600 characters."))
