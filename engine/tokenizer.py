"""Text to token ids and back: every tokenizer of the course behind one interface.

`BPETokenizer` learns its vocabulary as GPT-2 did (the training itself is in `engine.bpe`), `CharTokenizer`,
`ByteTokenizer` and `WordTokenizer` are the simpler ideas to compare it with, and `OfficialTokenizer` wraps the
encodings of GPT-2, GPT-4 and GPT-4o. All are saved as JSON and keep their special tokens, which have the last ids.
"""

from __future__ import annotations

import json
import operator
import os
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from uuid import uuid4

import numpy as np
import tiktoken

from engine.bpe import (
    END_OF_TEXT,
    GPT2_PATTERN,
    N_BYTES,
    MergeStep,
    Pair,
    check_special_tokens,
    check_text,
    compile_pattern,
    split_pieces,
    split_special,
    train_steps,
    whole_pattern,
)
from engine.encodings import OFFICIAL_ENCODINGS, official_encoding
from engine.errors import TokenizerError
from engine.language import N_, _

__all__ = [
    "END_OF_TEXT",
    "GPT2_PATTERN",
    "OFFICIAL_ENCODINGS",
    "TOKENIZER_KINDS",
    "UNKNOWN",
    "BPETokenizer",
    "ByteTokenizer",
    "CharTokenizer",
    "MergeStep",
    "MergeTree",
    "OfficialTokenizer",
    N_("Tokenizer"),
    "WordTokenizer",
    "load_tokenizer",
    "official_encoding",
    "split_pieces",
    "tokenizer_from_dict",
    "train_steps",
    "train_tokenizer",
]

UNKNOWN = "<|unk|>"
TOKENIZER_KINDS = ("bpe", "char", "byte", "word", *OFFICIAL_ENCODINGS)

AllowedSpecial = Collection[str] | Literal["all"]

_FORMAT = "llm-lessons tokenizer"
_VERSION = 1

# A word with the space before it, one mark with the space before it, or a single space: joined, they are the text.
_WORD_PATTERN = re.compile(r" ?\w+(?:['’]\w+)*| ?[^\w\s]|\s")


class Tokenizer(ABC):
    """What every tokenizer can do. Ids run from 0 to n_vocab − 1; special tokens have the last ones.

    A special token's text is plain text to `encode` unless it is allowed by name or by "all"; names that a tokenizer
    does not have are ignored. Of two that begin alike the longer one is taken.
    """

    kind: str
    n_vocab: int
    special_tokens: dict[str, int]

    @abstractmethod
    def _encode_plain(self, text: str) -> list[int]:
        """Ids of a text in which nothing is special; it has been checked for lone surrogates."""

    def _encode_plain_array(self, text: str) -> np.ndarray:
        return np.array(self._encode_plain(text), dtype=np.int64)

    @abstractmethod
    def token_bytes(self, token_id: int) -> bytes:
        """The UTF-8 bytes that a token stands for, perhaps part of a character. TokenizerError for an unknown id."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Everything that makes this tokenizer, as plain JSON values with its kind and a format version."""

    @classmethod
    @abstractmethod
    def _from_fields(cls, fields: dict[str, Any]) -> Self:
        """The tokenizer of `to_dict`'s values; KeyError, TypeError or ValueError when they make no sense."""

    @property
    def end_of_text_id(self) -> int | None:
        """The id of <|endoftext|>, which separates documents; None for a tokenizer without it."""
        return self.special_tokens.get(END_OF_TEXT)

    def encode(self, text: str, *, allowed_special: AllowedSpecial = ()) -> list[int]:
        """The token ids of a text. Raises TokenizerError for a lone surrogate."""
        ids: list[int] = []
        for position, part in enumerate(self._split(text, allowed_special)):
            if position % 2:
                ids.append(self.special_tokens[part])
            elif part:
                ids.extend(self._encode_plain(part))
        return ids

    def encode_array(self, text: str, *, allowed_special: AllowedSpecial = ()) -> np.ndarray:
        """`encode` for whole corpora: the same ids as one int64 array (N,), at the speed of the fastest code here."""
        arrays = []
        for position, part in enumerate(self._split(text, allowed_special)):
            if position % 2:
                arrays.append(np.array([self.special_tokens[part]], dtype=np.int64))
            elif part:
                arrays.append(self._encode_plain_array(part))
        return np.concatenate(arrays) if arrays else np.empty(0, dtype=np.int64)

    def _split(self, text: str, allowed_special: AllowedSpecial) -> list[str]:
        check_text(text)
        if allowed_special == "all":
            return split_special(text, self.special_tokens)
        if isinstance(allowed_special, str):
            raise TokenizerError(
                _(
                    'allowed_special must be "all" or a collection of texts, not {allowed_special!r}.',
                    allowed_special=allowed_special,
                )
            )
        return split_special(text, sorted(self.special_tokens.keys() & set(allowed_special)))

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids; bytes that are no UTF-8 become U+FFFD. TokenizerError names an unknown id."""
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", errors="replace")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the tokenizer as JSON, whole or not at all."""
        target = Path(path)
        partial = target.with_name(f".{target.name}.{uuid4().hex}.tmp")
        partial.write_text(json.dumps(self.to_dict()), encoding="ascii")
        partial.replace(target)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Reads what `save` wrote. TokenizerError when the file is missing, damaged or of another kind."""
        tokenizer = load_tokenizer(path)
        if not isinstance(tokenizer, cls):
            raise TokenizerError(
                _(
                    "{path} holds a {kind!r} tokenizer, not what {name} reads; use load_tokenizer.",
                    path=path,
                    kind=tokenizer.kind,
                    name=cls.__name__,
                )
            )
        return tokenizer

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The tokenizer that `to_dict` described. TokenizerError when the values are damaged or of another kind."""
        tokenizer = tokenizer_from_dict(values)
        if not isinstance(tokenizer, cls):
            raise TokenizerError(
                _("These values describe a {kind!r} tokenizer, not a {name}.", kind=tokenizer.kind, name=cls.__name__)
            )
        return tokenizer

    def _describe(self, **fields: Any) -> dict[str, Any]:
        return {"format": _FORMAT, "version": _VERSION, "kind": self.kind, **fields}

    def _checked_id(self, token_id: int) -> int:
        try:
            checked = operator.index(token_id)
        except TypeError:
            raise TokenizerError(_("A token id is a whole number, not {token_id!r}.", token_id=token_id)) from None
        if not 0 <= checked < self.n_vocab:
            raise TokenizerError(
                _(
                    "There is no token with id {checked}: this {kind!r} tokenizer has ids 0 to {n_vocab}.",
                    checked=checked,
                    kind=self.kind,
                    n_vocab=self.n_vocab - 1,
                )
            )
        return checked

    def __repr__(self) -> str:
        return f"<{type(self).__name__} kind={self.kind!r} n_vocab={self.n_vocab}>"


@dataclass(frozen=True, slots=True)
class MergeTree:
    """How a token was made: `left` and `right` are what its merge joined, None for a byte or a special token.

    `rank` is the merge's place in the order of training, from 0; None where there was no merge.
    """

    token_id: int
    token: bytes
    rank: int | None = None
    left: MergeTree | None = None
    right: MergeTree | None = None


class BPETokenizer(Tokenizer):
    """Byte-pair encoding: ids 0 to 255 are the bytes, then one id per merge in order, then the special tokens.

    >>> tokenizer = BPETokenizer.train("low lower lowest", 260)
    >>> [tokenizer.token_bytes(token_id) for token_id in tokenizer.encode("slow")]
    [b's', b'low']
    """

    kind = "bpe"

    def __init__(
        self,
        merges: Iterable[Pair],
        *,
        special_tokens: Sequence[str] = (END_OF_TEXT,),
        pattern: str = GPT2_PATTERN,
    ) -> None:
        """Takes merges in the order they were learned; TokenizerError when one uses an id that is not made yet."""
        self.merges: list[Pair] = [(left, right) for left, right in merges]
        self.pattern = pattern
        compile_pattern(pattern)
        self._token_bytes = [bytes([value]) for value in range(N_BYTES)]
        for left, right in self.merges:
            new_id = len(self._token_bytes)
            if not (0 <= left < new_id and 0 <= right < new_id):
                raise TokenizerError(
                    _(
                        "Merge {new_id} joins {left} and {right}, but ids end at {new_id_2}.",
                        new_id=new_id - N_BYTES,
                        left=left,
                        right=right,
                        new_id_2=new_id - 1,
                    )
                )
            self._token_bytes.append(self._token_bytes[left] + self._token_bytes[right])
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        n_ordinary = len(self._token_bytes)
        if len(set(self._token_bytes)) < n_ordinary:
            raise TokenizerError(_("Two of the merges make the same token; merges that were learned never do."))
        names = check_special_tokens(special_tokens)
        self.special_tokens = {name: n_ordinary + place for place, name in enumerate(names)}
        self._token_bytes += [name.encode("utf-8") for name in names]
        self.n_vocab = len(self._token_bytes)

    @classmethod
    def train(
        cls,
        text: str,
        vocab_size: int,
        *,
        special_tokens: Sequence[str] = (END_OF_TEXT,),
        pattern: str = GPT2_PATTERN,
    ) -> Self:
        """Learns merges from a text until the vocabulary (bytes, merges, special tokens) has `vocab_size` entries.

        A text that runs out of pairs gives a smaller `n_vocab`. The most frequent pair is merged first, among equals
        the one of smallest ids, so the same text gives the same tokenizer. Raises TokenizerError as `train_steps`.
        """
        steps = train_steps(text, vocab_size, special_tokens=special_tokens, pattern=pattern, runners_up=0)
        return cls((step.pair for step in steps), special_tokens=special_tokens, pattern=pattern)

    def token_bytes(self, token_id: int) -> bytes:
        try:
            if token_id >= 0:
                return self._token_bytes[token_id]
        except (IndexError, TypeError):
            pass
        return self._token_bytes[self._checked_id(token_id)]

    def to_tiktoken(self) -> tiktoken.Encoding:
        """The same tokenizer as a `tiktoken.Encoding`, which encodes some ten megabytes a second."""
        return self._encoding

    @cached_property
    def _encoding(self) -> tiktoken.Encoding:
        n_ordinary = N_BYTES + len(self.merges)
        try:
            return tiktoken.Encoding(
                f"llm-lessons-bpe-{self.n_vocab}",
                pat_str=whole_pattern(self.pattern),
                mergeable_ranks={self._token_bytes[rank]: rank for rank in range(n_ordinary)},
                special_tokens=self.special_tokens,
            )
        except ValueError as error:
            raise TokenizerError(
                _("tiktoken cannot use the split pattern {pattern!r}: {error}", pattern=self.pattern, error=error)
            ) from None

    def _encode_plain(self, text: str) -> list[int]:
        return self._encoding.encode_ordinary(text)

    def _encode_plain_array(self, text: str) -> np.ndarray:
        return self._encoding.encode_to_numpy(text, disallowed_special=()).astype(np.int64)

    def merge_tree(self, token_id: int) -> MergeTree:
        """The token's merge and, nested, those of its halves down to single bytes."""
        token = self.token_bytes(token_id)
        rank = token_id - N_BYTES
        if not 0 <= rank < len(self.merges):
            return MergeTree(token_id, token)
        left, right = self.merges[rank]
        return MergeTree(token_id, token, rank, self.merge_tree(left), self.merge_tree(right))

    def merge_trace(self, text: str) -> list[list[int]]:
        """Every state of encoding a word, as ids: its bytes first, `encode(text)` last, one merge between each two.

        The merge that was learned first goes first, wherever its pair stands. Special tokens are plain text here.

        >>> BPETokenizer([(108, 111), (256, 119)]).merge_trace("low")
        [[108, 111, 119], [256, 119], [257]]
        """
        check_text(text)
        pieces = [list(piece.encode("utf-8")) for piece in split_pieces(text, self.pattern)]
        states = [[token_id for piece in pieces for token_id in piece]]
        while True:
            pairs = {pair for piece in pieces for pair in pairwise(piece)}
            rank = min((self._ranks[pair] for pair in pairs if pair in self._ranks), default=None)
            if rank is None:
                return states
            pieces = [_merge(piece, self.merges[rank], N_BYTES + rank) for piece in pieces]
            states.append([token_id for piece in pieces for token_id in piece])

    def to_dict(self) -> dict[str, Any]:
        return self._describe(
            pattern=self.pattern,
            merges=[list(pair) for pair in self.merges],
            special_tokens=list(self.special_tokens),
        )

    @classmethod
    def _from_fields(cls, fields: dict[str, Any]) -> Self:
        merges = [(operator.index(left), operator.index(right)) for left, right in fields["merges"]]
        (pattern,) = _texts([fields["pattern"]])
        return cls(merges, special_tokens=_texts(fields["special_tokens"]), pattern=pattern)


def _merge(ids: list[int], pair: Pair, new_id: int) -> list[int]:
    """Replaces a pair from left to right: `_merge([1, 2, 3, 1, 2], (1, 2), 4) -> [4, 3, 4]`."""
    merged = []
    position = 0
    while position < len(ids):
        if tuple(ids[position : position + 2]) == pair:
            merged.append(new_id)
            position += 2
        else:
            merged.append(ids[position])
            position += 1
    return merged


class ByteTokenizer(Tokenizer):
    """Each UTF-8 byte is a token, ids 0 to 255; <|endoftext|> is 256. Nothing to learn, and long sequences."""

    kind = "byte"

    def __init__(self) -> None:
        self.n_vocab = N_BYTES + 1
        self.special_tokens = {END_OF_TEXT: N_BYTES}

    def _encode_plain(self, text: str) -> list[int]:
        return list(text.encode("utf-8"))

    def _encode_plain_array(self, text: str) -> np.ndarray:
        return np.frombuffer(text.encode("utf-8"), dtype=np.uint8).astype(np.int64)

    def token_bytes(self, token_id: int) -> bytes:
        checked = self._checked_id(token_id)
        return bytes([checked]) if checked < N_BYTES else END_OF_TEXT.encode()

    def to_dict(self) -> dict[str, Any]:
        return self._describe()

    @classmethod
    def _from_fields(cls, fields: dict[str, Any]) -> Self:
        return cls()


class _ListTokenizer(Tokenizer):
    """A list of known texts, then <|unk|> for everything else, then <|endoftext|>."""

    def __init__(self, tokens: Sequence[str]) -> None:
        """Takes the known texts in the order of their ids; TokenizerError when one is empty or there twice."""
        self._tokens = list(check_special_tokens(tokens))
        self._ids = {token: token_id for token_id, token in enumerate(self._tokens)}
        self.unknown_id = len(self._tokens)
        self.special_tokens = {UNKNOWN: self.unknown_id, END_OF_TEXT: self.unknown_id + 1}
        self.n_vocab = self.unknown_id + len(self.special_tokens)
        self._token_bytes = [token.encode("utf-8") for token in (*self._tokens, *self.special_tokens)]

    @classmethod
    def _most_frequent(cls, parts: Iterable[str], vocab_size: int | None) -> list[str]:
        """The most frequent parts that a vocabulary has room for, equally frequent ones in alphabetical order."""
        counts = Counter(parts)
        ranked = sorted(counts, key=lambda part: (-counts[part], part))
        if vocab_size is None:
            return ranked
        if vocab_size < 3:
            raise TokenizerError(
                _(
                    "vocab_size is {vocab_size}, but must be at least 3: one token beside {unknown} and {end_of_text}.",
                    vocab_size=vocab_size,
                    unknown=UNKNOWN,
                    end_of_text=END_OF_TEXT,
                )
            )
        return ranked[: vocab_size - 2]

    def token_bytes(self, token_id: int) -> bytes:
        return self._token_bytes[self._checked_id(token_id)]

    def to_dict(self) -> dict[str, Any]:
        return self._describe(tokens=self._tokens)

    @classmethod
    def _from_fields(cls, fields: dict[str, Any]) -> Self:
        return cls(_texts(fields["tokens"]))


class CharTokenizer(_ListTokenizer):
    """Each character is a token, ids in the order of code points; a character never seen is <|unk|>."""

    kind = "char"

    def __init__(self, tokens: Sequence[str]) -> None:
        super().__init__(tokens)
        if longer := [token for token in self._tokens if len(token) != 1]:
            raise TokenizerError(_("A character tokenizer holds single characters, not {longer!r}.", longer=longer[0]))

    @classmethod
    def train(cls, text: str, vocab_size: int | None = None) -> Self:
        """Takes every character of the text, or the most frequent `vocab_size` − 2 of them."""
        check_text(text)
        return cls(sorted(cls._most_frequent(text, vocab_size)))

    @staticmethod
    def pieces(text: str) -> list[str]:
        """What becomes one token each: the characters."""
        return list(text)

    def _encode_plain(self, text: str) -> list[int]:
        return self._encode_plain_array(text).tolist()

    def _encode_plain_array(self, text: str) -> np.ndarray:
        return self._id_of_code_point[np.frombuffer(text.encode("utf-32-le"), dtype="<u4")]

    @cached_property
    def _id_of_code_point(self) -> np.ndarray:
        """(0x110000,) int64: one id for every code point there is, 8.9 MB."""
        ids = np.full(0x110000, self.unknown_id, dtype=np.int64)
        ids[[ord(token) for token in self._tokens]] = np.arange(len(self._tokens))
        return ids


class WordTokenizer(_ListTokenizer):
    """Each word, with the space before it, and each mark is a token; a word that is not in the list is <|unk|>."""

    kind = "word"

    @classmethod
    def train(cls, text: str, vocab_size: int | None = None) -> Self:
        """Takes every word of the text, or the most frequent `vocab_size` − 2 of them, the most frequent first."""
        check_text(text)
        return cls(cls._most_frequent(cls.pieces(text), vocab_size))

    @staticmethod
    def pieces(text: str) -> list[str]:
        """What becomes one token each: words and marks with the space before them, single spaces. Joined: the text."""
        return _WORD_PATTERN.findall(text)

    def _encode_plain(self, text: str) -> list[int]:
        known, unknown = self._ids.get, self.unknown_id
        return [known(word, unknown) for word in self.pieces(text)]


class OfficialTokenizer(Tokenizer):
    """GPT-2's, GPT-4's or GPT-4o's own encoding behind the interface of this module; `kind` is its name."""

    _names: ClassVar[tuple[str, ...]] = OFFICIAL_ENCODINGS

    def __init__(self, name: str) -> None:
        """Takes "gpt2", "cl100k_base" or "o200k_base"; TokenizerError as `official_encoding`."""
        self.kind = name
        self._encoding = official_encoding(name)
        self.n_vocab = self._encoding.n_vocab
        names = self._encoding.special_tokens_set
        self.special_tokens = {text: self._encoding.encode_single_token(text) for text in sorted(names)}

    def to_tiktoken(self) -> tiktoken.Encoding:
        """The `tiktoken.Encoding` itself."""
        return self._encoding

    def _encode_plain(self, text: str) -> list[int]:
        return self._encoding.encode_ordinary(text)

    def _encode_plain_array(self, text: str) -> np.ndarray:
        return self._encoding.encode_to_numpy(text, disallowed_special=()).astype(np.int64)

    def token_bytes(self, token_id: int) -> bytes:
        checked = self._checked_id(token_id)
        try:
            return self._encoding.decode_single_token_bytes(checked)
        except KeyError:
            raise TokenizerError(
                _("The encoding {kind} leaves the id {checked} unused.", kind=self.kind, checked=checked)
            ) from None

    def to_dict(self) -> dict[str, Any]:
        return self._describe()

    @classmethod
    def _from_fields(cls, fields: dict[str, Any]) -> Self:
        return cls(fields["kind"])


_CLASSES: dict[str, type[Tokenizer]] = {
    "bpe": BPETokenizer,
    "byte": ByteTokenizer,
    "char": CharTokenizer,
    "word": WordTokenizer,
    **dict.fromkeys(OFFICIAL_ENCODINGS, OfficialTokenizer),
}


def train_tokenizer(kind: str, text: str, vocab_size: int) -> Tokenizer:
    """The tokenizer of a kind ("bpe", "char", "byte", "word" or an official encoding), trained where it learns.

    `vocab_size` bounds what is learned; bytes and official encodings have their own size and learn nothing.
    """
    if kind == "bpe":
        return BPETokenizer.train(text, vocab_size)
    if kind == "char":
        return CharTokenizer.train(text, vocab_size)
    if kind == "word":
        return WordTokenizer.train(text, vocab_size)
    if kind == "byte":
        return ByteTokenizer()
    if kind in OFFICIAL_ENCODINGS:
        return OfficialTokenizer(kind)
    raise TokenizerError(
        _("There is no tokenizer of kind {kind!r}; choose one of {join}.", kind=kind, join=", ".join(TOKENIZER_KINDS))
    )


def load_tokenizer(path: str | os.PathLike[str]) -> Tokenizer:
    """Reads any tokenizer that `save` wrote. TokenizerError when the file is missing or damaged."""
    try:
        values = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise TokenizerError(
            _("The tokenizer file {path} cannot be read: {strerror}.", path=path, strerror=error.strerror)
        ) from error
    except ValueError as error:
        raise TokenizerError(
            _("The tokenizer file {path} is damaged ({error}). Save the tokenizer again.", path=path, error=error)
        ) from error
    try:
        return tokenizer_from_dict(values)
    except TokenizerError as error:
        raise TokenizerError(_("The tokenizer file {path} cannot be used. {error}", path=path, error=error)) from error


def tokenizer_from_dict(values: dict[str, Any]) -> Tokenizer:
    """The tokenizer that `to_dict` described, of whichever kind. TokenizerError when the values are damaged."""
    if not isinstance(values, dict) or values.get("format") != _FORMAT:
        raise TokenizerError(_("This is not a tokenizer saved by this program."))
    if values.get("version") != _VERSION:
        raise TokenizerError(
            _(
                "It has format version {get!r}, but this program reads version {version}.",
                get=values.get("version"),
                version=_VERSION,
            )
        )
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in _CLASSES:
        raise TokenizerError(
            _("Its kind is {kind!r}, but known are {join}.", kind=kind, join=", ".join(TOKENIZER_KINDS))
        )
    try:
        return _CLASSES[kind]._from_fields(values)
    except KeyError as error:
        raise TokenizerError(_("It is damaged: {error} is missing. Save the tokenizer again.", error=error)) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise TokenizerError(_("It is damaged: {error}. Save the tokenizer again.", error=error)) from error


def _texts(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError("a text was expected in place of something else")
    return values
