"""Choosing a text: one of the corpora, pasted text, or an upload."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from engine.corpus import CorpusInfo, list_corpora, read_text
from engine.errors import CorpusError
from engine.language import N_, _
from pages.shared import address, sitemap
from pages.shared.errors import sentence
from pages.shared.mix import MIX, choose_weights, mix_title
from pages.shared.viewer import lab

OWN_TEXT = "own"
MIN_CHARS = 2_000
_OTHER = {OWN_TEXT: N_("My own text …"), MIX: N_("A mixture of texts …")}
MAX_PASTED = 2_000_000
_MADE = "texts:made"
_KEPT = "text-kept:"


@dataclass(frozen=True)
class TextSource:
    """A chosen text. `name` is what a run config calls it; empty, with a `problem`, when there is none to use.

    `weights` are the shares of a mixture by corpus name; empty for a single text.
    """

    name: str
    title: str
    n_chars: int
    problem: str = ""
    weights: dict[str, float] = field(default_factory=dict)

    @property
    def corpora(self) -> str | dict[str, float]:
        """What a run config is made of: one name, or the shares of a mixture."""
        return self.weights or self.name


def train_on_text(name: str, title: str, n_chars: int) -> None:
    """Open Pretraining with a text that this session made, such as a corpus without its near-duplicates.

    `name` is what `save_upload` returned; from now on the text can be chosen like a corpus.
    """
    st.session_state[_MADE] = {**_made(), name: (title, n_chars)}
    st.session_state["corpus"] = name
    sitemap.open_lesson("pretraining")


def _made() -> dict[str, tuple[str, int]]:
    """Texts of this session's making: name → title, length."""
    return dict(st.session_state.get(_MADE, {}))


@st.cache_data(ttl=30, show_spinner=False)
def corpora() -> dict[str, CorpusInfo]:
    """The corpora by name; looked up again now and then, in case a package was installed."""
    return {info.name: info for info in list_corpora()}


def choose_text(
    key: str,
    default: str = "shakespeare",
    *,
    label: str = N_("Text to learn from"),
    help: str = N_(
        "Everything the model will ever know comes from this text. The last tenth is kept aside to check it."
    ),
    min_chars: int = MIN_CHARS,
    mixtures: bool = False,
) -> TextSource:
    """Controls for a text. A corpus that is not installed is shown with the command that installs it.

    A pasted or uploaded text needs `min_chars` characters. With `mixtures` several corpora can be mixed.
    """
    known = corpora()
    made = _made()
    names = [*known, *made, *([MIX] if mixtures else []), OWN_TEXT]

    def english(n: str) -> str:
        return (_OTHER.get(n) or (made[n][0] if n in made else known[n].title))[:]

    bound = address.bind(key, names, english)
    name = st.selectbox(
        _(label),
        names,
        index=names.index(default),
        format_func=lambda n: _(_OTHER.get(n) or (made[n][0] if n in made else _title(known[n]))),
        key=key,
        bind=bound,
        help=_(help),
    )
    address.keep(key, name, default, english)
    if name == OWN_TEXT:
        return _own_text(key, min_chars)
    if name == MIX:
        return _mixture(known)
    if name in made:
        title, n_chars = made[name]
        st.caption(_("{n_chars:,} characters", n_chars=n_chars))
        return TextSource(name, title, n_chars)
    info = known[name]
    if not info.available:
        st.info(
            _(
                "**{title}** is not installed on this machine. Install it with\n\n`{install_hint}`",
                title=info.title,
                install_hint=info.install_hint,
            )
        )
        return TextSource("", info.title, 0, _("This text is not installed: choose another one."))
    st.caption(
        _(
            "{kind} · {n_chars:.1f} million characters · {license}",
            kind=info.kind,
            n_chars=info.n_chars / 1e6,
            license=info.license,
        )
    )
    return TextSource(name, info.title, info.n_chars)


def source_title(name: str) -> str:
    """What a learner calls the corpus or upload of this name, in the reader's language."""
    return _(english_title(name))


def english_title(name: str) -> str:
    """The same in English, for what readers of every language share."""
    known = corpora()
    return (known[name].title if name in known else _made().get(name, (N_("My own text"),))[0])[:]


def _mixture(known: dict[str, CorpusInfo]) -> TextSource:
    weights = choose_weights(known)
    if not weights:
        return TextSource("", _("A mixture"), 0, _("Give at least one of the texts a weight above 0."))
    title = mix_title(weights, known)
    st.caption(
        _("{title}. The last part of each text is kept aside, and the loss is shown for each of them.", title=title)
    )
    if len(weights) == 1:
        (name,) = weights
        return TextSource(name, known[name].title, known[name].n_chars)
    return TextSource(MIX, title, sum(known[name].n_chars for name in weights), weights=weights)


def _title(info: CorpusInfo) -> str:
    return info.title if info.available else _("{title} (not installed)", title=info.title)


def _own_text(key: str, min_chars: int) -> TextSource:
    upload = st.file_uploader(
        _("Upload a file"),
        type=["txt", "md", "csv", "jsonl"],
        key=f"{key}-file",
        help=_("Plain text (.txt, .md) or a table (.csv, .jsonl) up to 20 MB; UTF-8, UTF-16 with BOM, or Latin-1."),
        on_change=_forget_if_emptied,
        args=(key,),
    )
    pasted = st.text_area(
        _("… or paste a text"),
        key=f"{key}-pasted",
        persist_state="session",
        height=160,
        max_chars=MAX_PASTED,
        on_change=_forget_if_emptied,
        args=(key,),
        placeholder=_("Some pages of any language. The more text, the better the model: aim for 100,000 characters."),
        help=_(
            "At least {min_chars:,} characters. The text stays on this server, under a name made of its hash.",
            min_chars=min_chars,
        ),
    )
    kept = st.session_state.get(f"{_KEPT}{key}")
    if upload is None and not pasted.strip() and kept:
        return _kept_text(key, *kept)
    if upload is None and not pasted.strip():
        return TextSource("", _("My own text"), 0, _("Upload a file or paste a text to learn from."))
    title = _("My own text")
    try:
        text = read_text(upload.getvalue(), upload.name) if upload is not None else pasted
        title = upload.name if upload is not None else title
    except CorpusError as error:
        st.error(sentence(error))
        return TextSource("", title, 0, _("This file cannot be used: choose another one."))
    if len(text) < min_chars:
        amount = _("1 character") if len(text) == 1 else _("{n_text:,} characters", n_text=len(text))
        problem = _(
            "This text has {amount}; at least {min_chars:,} are needed here.", amount=amount, min_chars=min_chars
        )
        return TextSource("", title, len(text), problem)
    st.caption(_("{n_text:,} characters", n_text=len(text)))
    source = TextSource(lab().save_upload(text), title, len(text))
    st.session_state[f"{_KEPT}{key}"] = (source.name, source.title, source.n_chars)
    return source


def _kept_text(key: str, name: str, title: str, n_chars: int) -> TextSource:
    """A text that was uploaded before the page was left, or that a link brought."""
    line = st.container(horizontal=True, vertical_alignment="center")
    line.text(_("In use: {title}, {n_chars:,} characters", title=title, n_chars=n_chars))
    line.button(
        _("Leave it out"),
        key=f"{key}-forget",
        type="tertiary",
        icon=":material/close:",
        on_click=st.session_state.pop,
        args=(f"{_KEPT}{key}", None),
        help=_("Takes no text until you upload or paste one."),
    )
    return TextSource(name, title, n_chars)


def _forget_if_emptied(key: str) -> None:
    if st.session_state.get(f"{key}-file") is None and not (st.session_state.get(f"{key}-pasted") or "").strip():
        st.session_state.pop(f"{_KEPT}{key}", None)
