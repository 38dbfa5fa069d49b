"""Memorised or generalised: the longest spans of a text that stand, word for word, in what a model was trained on.

A model that only copies scores well on its training text and is of no use beyond it. So its output is searched for
every run of n words or more that the training text has as well (Carlini et al. 2021; McCoy et al. 2023). Short runs are
shared by any two texts of one kind: only beside held-out text, measured in the same way, does a number mean anything.

Words are what stands between white space, with their punctuation and case; white space itself does not count. The index
keeps a hash of every run of n words, sorted; a hit is compared word by word and followed to its end, so that no
collision can make a span.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.bpe import END_OF_TEXT
from engine.errors import ConfigError
from engine.generation import SamplingConfig, generate
from engine.gpt import GPT
from engine.language import _
from engine.offsets import token_spans
from engine.tokenizer import Tokenizer
from engine.windows import split_ids

LEAST_WORDS = 4
"""Runs of fewer words are not looked for: any two texts share them."""

_WORD = re.compile(rf"{re.escape(END_OF_TEXT)}|(?:(?!{re.escape(END_OF_TEXT)})\S)+")
_TOKENS_PER_WORD = 10  # at most; bytes and characters are the smallest tokens
_SEPARATOR, _UNKNOWN = -1, -2  # between documents; a word that the training text never has
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Span:
    """Words `start` to `end` (exclusive) of a text that stand in `n_places` places of the training text.

    The first of them is at word `place` of document number `document`.
    """

    start: int
    end: int
    document: int
    place: int
    n_places: int

    @property
    def n_words(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Copied:
    """A text searched: where its words stand, (start, end) in characters each, and its maximal spans in order.

    A span is maximal: no longer one of the training text contains it. Two may overlap. `marks` are the words that are
    only the end of a document, which count as no word.
    """

    words: tuple[tuple[int, int], ...]
    spans: tuple[Span, ...]
    marks: frozenset[int] = frozenset()

    @property
    def n_words(self) -> int:
        """How many words were searched for."""
        return len(self.words) - len(self.marks)

    @property
    def longest(self) -> int:
        """Words of the longest span, 0 where there is none."""
        return max((span.n_words for span in self.spans), default=0)

    def share(self, least: int = LEAST_WORDS) -> float:
        """The share of the words, 0 to 1, that stand in spans of at least `least` words."""
        covered = np.zeros(len(self.words), dtype=bool)
        for span in self.spans:
            if span.n_words >= least:
                covered[span.start : span.end] = True
        return float(covered.sum()) / self.n_words if self.n_words else 0.0

    def pieces(self, least: int = LEAST_WORDS) -> list[tuple[int, int, int | None]]:
        """The text in stretches (start, end, number of the span or None), in characters, without gap or overlap.

        Where spans overlap a word belongs to the longer one.
        """
        owner: list[int | None] = [None] * len(self.words)
        for number in sorted(range(len(self.spans)), key=lambda each: self.spans[each].n_words):
            span = self.spans[number]
            if span.n_words >= least:
                owner[span.start : span.end] = [number] * span.n_words
        found: list[tuple[int, int, int | None]] = []
        place = first = 0
        while first < len(self.words):
            last = first
            while last + 1 < len(self.words) and owner[last + 1] == owner[first]:
                last += 1
            start, end = self.words[first][0], self.words[last][1]
            if owner[first] is not None:
                if start > place:
                    found.append((place, start, None))
                found.append((start, end, owner[first]))
                place = end
            first = last + 1
        return found


class WordIndex:
    """Every run of `least` words of some documents, ready to be searched.

    >>> index = WordIndex(["the cat sat on the mat", "a dog sat"], least=2)
    >>> [(span.start, span.end) for span in index.search("a cat sat on a mat").spans]
    [(1, 4)]
    """

    def __init__(self, documents: Sequence[str], least: int = LEAST_WORDS) -> None:
        """Raises ConfigError where `least` is no whole number from 1 up."""
        if least < 1:
            raise ConfigError(_("least is {least}; a span has at least one word.", least=least))
        self.least = least
        self.documents = tuple(documents)
        self._vocabulary: dict[str, int] = {}
        number = self._vocabulary.setdefault
        ids: list[int] = []
        first = []
        for document in self.documents:
            first.append(len(ids))
            ids += [number(word, len(self._vocabulary)) for word in document.split()]
            ids.append(_SEPARATOR)
        self._ids = np.array(ids, dtype=np.int32)
        self._first = np.array(first, dtype=np.int64)
        keys, inside = _hashes(self._ids, least), _windows_without_gap(self._ids, least)
        places = np.flatnonzero(inside).astype(np.int32)
        order = np.argsort(keys[places], kind="stable")
        self._keys, self._places = keys[places][order], places[order]

    @property
    def n_words(self) -> int:
        """Words of all documents."""
        return len(self._ids) - len(self.documents)

    def search(self, text: str) -> Copied:
        """The maximal spans of at least `least` words that the text shares with a document."""
        found = list(_WORD.finditer(text))
        wanted = np.array([self._vocabulary.get(each[0], _UNKNOWN) for each in found], dtype=np.int32)
        keys = _hashes(wanted, self.least)
        spans: list[Span] = []
        reach = 0
        for start in range(len(keys)):
            if reach == len(wanted):
                break  # the last span goes to the end of the text: every other one is inside it
            length, places = self._longest(wanted[start:], keys[start])
            if length >= self.least and start + length > reach:
                reach = start + length
                document = int(np.searchsorted(self._first, places[0], side="right")) - 1
                spans.append(Span(start, reach, document, int(places[0] - self._first[document]), len(places)))
        marks = frozenset(number for number, each in enumerate(found) if each[0] == END_OF_TEXT)
        return Copied(tuple(each.span() for each in found), tuple(spans), marks)

    def passage(self, span: Span) -> tuple[int, int]:
        """Where the span's first place stands in its document, (start, end) in characters."""
        words = self._words_of(span.document)
        return words[span.place][0], words[span.place + span.n_words - 1][1]

    def _words_of(self, document: int) -> list[tuple[int, int]]:
        if document not in self._located:
            while len(self._located) > 64:
                self._located.pop(next(iter(self._located)), None)
            self._located[document] = [each.span() for each in re.finditer(r"\S+", self.documents[document])]
        return self._located[document]

    @cached_property
    def _located(self) -> dict[int, list[tuple[int, int]]]:
        return {}

    def _longest(self, wanted: np.ndarray, key: np.uint64) -> tuple[int, np.ndarray]:
        """The longest beginning of `wanted` that stands anywhere, and all its places."""
        low, high = np.searchsorted(self._keys, key, "left"), np.searchsorted(self._keys, key, "right")
        places = self._places[low:high]
        length = 0
        while length < len(wanted):
            on = places[self._ids[places + length] == wanted[length]]
            if not len(on):
                break
            places, length = on, length + 1
        return length, places


def _hashes(ids: np.ndarray, n: int) -> np.ndarray:
    """One number for each run of n words, (N − n + 1,) uint64; different runs may share one, if rarely."""
    if len(ids) < n:
        return np.empty(0, dtype=np.uint64)
    values = ids.astype(np.int64).astype(np.uint64)
    keys = np.zeros(len(ids) - n + 1, dtype=np.uint64)
    for shift in range(n):
        keys = keys * _FACTOR + values[shift : len(ids) - n + 1 + shift]
    return keys ^ (keys >> np.uint64(29))


def _windows_without_gap(ids: np.ndarray, n: int) -> np.ndarray:
    """Which runs of n words lie inside one document: (N − n + 1,) bool."""
    gaps = np.concatenate([[0], np.cumsum(ids == _SEPARATOR)])
    return gaps[n:] == gaps[: len(gaps) - n] if len(ids) >= n else np.empty(0, dtype=bool)


def documents_of(text: str) -> list[str]:
    """The documents of a training text, each once, in the order in which they first stand there.

    >>> documents_of("one<|endoftext|>two<|endoftext|>one")
    ['one', 'two']
    """
    return [part for part in dict.fromkeys(each.strip() for each in text.split(END_OF_TEXT)) if part]


def split_training_text(text: str, tokenizer: Tokenizer, validation_fraction: float) -> tuple[str, str]:
    """What a run on this one text trained on, and what it kept aside: cut where its token ids are."""
    spans = token_spans(text, tokenizer, allowed_special=(END_OF_TEXT,))
    n_train = len(split_ids(spans.ids, validation_fraction)[0])
    cut = int(spans.ends[n_train - 1]) if n_train else 0
    return text[:cut], text[cut:]


def write_words(model: GPT, tokenizer: Tokenizer, prompt: str, n_words: int, sampling: SamplingConfig) -> str:
    """What a model writes after a prompt, cut after `n_words` whole words; shorter where its tokens make few words.

    Raises ConfigError for a prompt without a token.
    """
    written: list[str] = []
    for step in generate(model, tokenizer, prompt, _TOKENS_PER_WORD * n_words, sampling):
        written.append(step.text)
        if len(written) % 16 == 0 and len("".join(written).split()) > n_words:
            break
    text = "".join(written)
    places = [each.end() for each in _WORD.finditer(text)]
    return text[: places[n_words - 1]] if len(places) > n_words else text


@dataclass(frozen=True)
class Place:
    """Where a passage stands in a source: (start, end) in characters, the line counted from 1, and its work.

    `work` is the first line of the document around it (a play's title, a headline); empty where the whole source is
    one document.
    """

    source: str
    start: int
    end: int
    line: int
    work: str


def find_place(sources: Mapping[str, str], document: str, passage: tuple[int, int]) -> Place | None:
    """Where the `passage` (start, end) of a document stands in the sources by name; None where no source has it."""
    for name, text in sources.items():
        at = text.find(document)
        if at < 0:
            continue
        start, end = at + passage[0], at + passage[1]
        opened = text.rfind(END_OF_TEXT, 0, start)
        begin = 0 if opened < 0 else opened + len(END_OF_TEXT)
        alone = opened < 0 and END_OF_TEXT not in text
        work = "" if alone else next((line.strip() for line in text[begin:end].split("\n") if line.strip()), "")
        return Place(name, start, end, text.count("\n", 0, start) + 1, work)
    return None


def samples_of(texts: Iterable[str], n_words: int, n_samples: int) -> list[str]:
    """At most `n_samples` stretches of `n_words` words in a row, spread evenly over the texts; shorter texts whole.

    For the baseline: real text as long as what a model wrote. Longer texts give more of the samples.
    """
    found: list[str] = []
    kept = [(text, words) for text in texts if (words := [each.span() for each in re.finditer(r"\S+", text)])]
    total = sum(len(words) for _unused, words in kept)
    for text, words in kept:
        share = max(1, round(n_samples * len(words) / total))
        room = max(0, len(words) - n_words)
        for number in range(min(share, room // max(n_words, 1) + 1)):
            first = room * number // max(share - 1, 1) if share > 1 else room // 2
            last = min(first + n_words, len(words)) - 1
            found.append(text[words[first][0] : words[last][1]])
    return found[: max(n_samples, len(kept))]
