"""Translating the phrasebook: sentence pairs, their vocabulary, training, and how good the translations are.

Tokens are whole words and punctuation marks; both languages share one vocabulary, as source and target do in
"Attention Is All You Need" (Vaswani et al. 2017). One English sentence in twenty, chosen by the hash of its text, is
held out: it never occurs in training, though each of its words does. What the model makes of those is compared with
the phrasebook's own translation: exact match, and BLEU (Papineni et al. 2002) by sacrebleu (Post 2018).
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.checkpoint import Restored, read_checkpoint
from engine.errors import CheckpointError, ConfigError, TokenizerError
from engine.events import Event, Translation, TranslationEvalEvent, TranslationsEvent
from engine.language import _
from engine.phrasebook import Phrase, iter_phrases
from engine.seq2seq import END, PAD, START, Seq2Seq, Seq2SeqConfig, pad, translate_greedily
from engine.training import TrainingConfig, TrainingLoop
from engine.windows import LengthBatches

LANGUAGES = ("german", "french")
HELD_OUT_ONE_IN = 20
SHOWN = 8
"""How many held-out translations an evaluation shows."""

_WORD = re.compile(r"\w+|[^\w\s]")
_SPECIAL = ("<pad>", "<start>", "<end>")  # ids PAD, START, END
_VALIDATION_BATCH = 128


@dataclass(frozen=True)
class Pair:
    """A sentence and its translation by the phrasebook."""

    english: str
    foreign: str


@dataclass(frozen=True)
class PairSet:
    """Pairs to train on, and those held out."""

    train: tuple[Pair, ...]
    held_out: tuple[Pair, ...]

    @property
    def overlap(self) -> int:
        """How many held-out English sentences occur in training: none, unless something is broken."""
        seen = {pair.english for pair in self.train}
        return sum(pair.english in seen for pair in self.held_out)

    @property
    def new_words(self) -> int:
        """How many words of held-out English sentences never occur in training."""
        known = {word for pair in self.train for word in split_words(pair.english)}
        return len({word for pair in self.held_out for word in split_words(pair.english)} - known)


def split_words(text: str) -> list[str]:
    """A text as words and punctuation marks.

    >>> split_words("J'envoie un œuf.")
    ['J', "'", 'envoie', 'un', 'œuf', '.']
    """
    return _WORD.findall(text)


def join_words(words: Sequence[str], language: str) -> str:
    """The text of these words, by the language's rules for spaces: the inverse of `split_words` for the phrasebook.

    >>> join_words(["Est", "-", "ce", "vrai", "?"], "french")
    'Est-ce vrai ?'
    """
    text = re.sub(r" ([.,;:])", r"\1", " ".join(words))
    text = re.sub(r" ?(['’-]) ?", r"\1", text)
    return text if language == "french" else re.sub(r" ([?!])", r"\1", text)


def is_held_out(english: str) -> bool:
    """Whether a sentence is kept out of training: one in twenty, by the hash of its text alone."""
    return int.from_bytes(hashlib.sha256(english.encode("utf-8")).digest()) % HELD_OUT_ONE_IN == 0


def make_pairs(language: str, n_phrases: int, seed: int = 0) -> PairSet:
    """The first `n_phrases` of the phrasebook of a seed, parted; a held-out sentence is kept once. ConfigError for an
    unknown language.
    """
    train: list[Pair] = []
    held_out: dict[str, Pair] = {}
    for phrase in islice(iter_phrases(seed), n_phrases):
        pair = _pair(phrase, language)
        if is_held_out(pair.english):
            held_out[pair.english] = pair
        else:
            train.append(pair)
    return PairSet(tuple(train), tuple(held_out.values()))


def held_out_pairs(language: str, n: int, seed: int = 0) -> list[Pair]:
    """The first `n` held-out pairs, without making the rest of the phrasebook."""
    found: dict[str, Pair] = {}
    for phrase in iter_phrases(seed):
        if len(found) == n:
            break
        if is_held_out(phrase.english):
            found[phrase.english] = _pair(phrase, language)
    return list(found.values())


def _pair(phrase: Phrase, language: str) -> Pair:
    if language not in LANGUAGES:
        raise ConfigError(
            _("language ({language!r}) must be one of {join}.", language=language, join=", ".join(LANGUAGES))
        )
    return Pair(phrase.english, phrase.german if language == "german" else phrase.french)


class Vocabulary:
    """Words of English and of one other language, in one table of ids; the first three are PAD, START and END."""

    def __init__(self, language: str, english: Sequence[str], foreign: Sequence[str]) -> None:
        self.language = language
        self.english = tuple(english)
        self.foreign = tuple(foreign)
        self.words = (*_SPECIAL, *dict.fromkeys((*self.english, *self.foreign)))
        self._ids = {word: id for id, word in enumerate(self.words) if id >= len(_SPECIAL)}
        self._known = frozenset(self.english)

    @classmethod
    def of(cls, pairs: Sequence[Pair], language: str) -> Vocabulary:
        """The words of these pairs, each language's in the order in which they first occur."""
        english = dict.fromkeys(word for pair in pairs for word in split_words(pair.english))
        foreign = dict.fromkeys(word for pair in pairs for word in split_words(pair.foreign))
        return cls(language, tuple(english), tuple(foreign))

    @property
    def n_vocab(self) -> int:
        """Number of ids, the three special ones included."""
        return len(self.words)

    def encode(self, text: str) -> list[int]:
        """The ids of a text in either language; TokenizerError names words that are unknown."""
        words = split_words(text)
        missing = [word for word in words if word not in self._ids]
        if missing:
            raise TokenizerError(_("these words are not in the vocabulary: {join}.", join=", ".join(missing[:5])))
        return [self._ids[word] for word in words]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids as a sentence of the other language; PAD, START and END are left out."""
        return join_words([self.words[id] for id in ids if id >= len(_SPECIAL)], self.language)

    def unknown_english(self, text: str) -> dict[str, list[str]]:
        """Words of a text that the model never read in English, each with up to three that look like it."""
        unknown = dict.fromkeys(word for word in split_words(text) if word not in self._known)
        return {word: self._near(word) for word in unknown}

    def _near(self, word: str) -> list[str]:
        for twin in (word.lower(), word.capitalize()):
            if twin in self._known:
                return [twin]
        return difflib.get_close_matches(word, self.english, n=3, cutoff=0.6)

    def save(self, path: str | Path) -> None:
        """Write the words as JSON."""
        data = {
            "kind": "translation",
            "language": self.language,
            "english": self.english,
            "foreign": self.foreign,
        }
        Path(path).write_text(json.dumps(data, ensure_ascii=False), "utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Vocabulary:
        """Read what `save` wrote; TokenizerError for a file of another kind."""
        data = json.loads(Path(path).read_text("utf-8"))
        if not isinstance(data, dict) or data.get("kind") != "translation":
            raise TokenizerError(_("{name} is no vocabulary of a translation.", name=Path(path).name))
        return cls(data["language"], data["english"], data["foreign"])


class TranslationCheckpoint(Restored[Seq2Seq, Vocabulary]):
    """An encoder–decoder and its vocabulary (`tokenizer`)."""


def load_translation(folder: str | Path) -> TranslationCheckpoint:
    """A translation model as `engine.checkpoint.save_checkpoint` wrote it; CheckpointError if it cannot be read."""
    read = read_checkpoint(folder, _build, Vocabulary.load)
    if read.tokenizer.n_vocab != read.model.config.vocab_size:
        raise CheckpointError(
            _("the vocabulary of {name} does not fit its model: use an earlier one.", name=Path(folder).name)
        )
    return TranslationCheckpoint(read.model, read.tokenizer, read.extra, read.training_tensors, read.training_numbers)


def _build(settings: dict[str, Any]) -> Seq2Seq:
    return Seq2Seq(Seq2SeqConfig(**settings))


@dataclass(frozen=True)
class Encoded:
    """Pairs as ids, with neither START nor END."""

    sources: tuple[tuple[int, ...], ...]
    targets: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, pairs: Sequence[Pair], vocabulary: Vocabulary) -> Encoded:
        return cls(
            tuple(tuple(vocabulary.encode(pair.english)) for pair in pairs),
            tuple(tuple(vocabulary.encode(pair.foreign)) for pair in pairs),
        )

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Source ids (B, S) and target ids (B, T) from START to END, both filled up with PAD."""
        return pad([self.sources[row] for row in rows]), pad([(START, *self.targets[row], END) for row in rows])


class PairSampler:
    """The batch of any step (see `engine.windows.LengthBatches`); ConfigError for no pair."""

    def __init__(self, encoded: Encoded, batch_size: int, seed: int = 0) -> None:
        self.encoded = encoded
        lengths = [(len(s), len(t)) for s, t in zip(encoded.sources, encoded.targets, strict=True)]
        self.batches = LengthBatches(lengths, batch_size, seed)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Source (B, S) and target (B, T) of a step, the same for the same seed."""
        return self.encoded.batch(self.batches.rows(step))


@dataclass(frozen=True)
class Quality:
    """How good translations are: share of exact matches (0 to 1), BLEU (0 to 100) and how BLEU was computed."""

    exact_match: float
    bleu: float
    signature: str


def translation_quality(texts: Sequence[str], references: Sequence[str]) -> Quality:
    """Compare translations with references, in the same order. ConfigError unless there are as many of both.

    BLEU is of the corpus, not a mean over sentences; `signature` is sacrebleu's (Post 2018), so that the number can be
    compared with others.

    >>> translation_quality(["Der Hund schläft hier."], ["Der Hund schläft hier."]).exact_match
    1.0
    """
    if not texts or len(texts) != len(references):
        raise ConfigError(
            _(
                "{n_texts} translations cannot be compared with {n_references} references.",
                n_texts=len(texts),
                n_references=len(references),
            )
        )
    from sacrebleu.metrics import BLEU

    metric = BLEU()
    score = metric.corpus_score(list(texts), [list(references)]).score
    right = sum(text == reference for text, reference in zip(texts, references, strict=True))
    return Quality(right / len(texts), round(float(score), 6), metric.get_signature().format())


def translate(model: Seq2Seq, vocabulary: Vocabulary, sentences: Sequence[str], max_new_tokens: int = 31) -> list[str]:
    """Greedy translations of English sentences; TokenizerError for a word the model does not know."""
    ids = translate_greedily(model, [vocabulary.encode(sentence) for sentence in sentences], max_new_tokens)
    return [vocabulary.decode(row) for row in ids]


class TranslationTrainer(TrainingLoop):
    """The training of an encoder–decoder on sentence pairs; `evaluated` are held-out pairs that it is measured on."""

    model: Seq2Seq

    def __init__(
        self,
        model: Seq2Seq,
        vocabulary: Vocabulary,
        train: Encoded,
        evaluated: Sequence[Pair],
        config: TrainingConfig,
        seed: int = 0,
    ) -> None:
        super().__init__(model, config)
        self.vocabulary = vocabulary
        self.sampler = PairSampler(train, config.batch_size, seed)
        self.evaluated = list(evaluated)
        self._held_out = Encoded.of(self.evaluated, vocabulary)
        self._most_tokens = max((len(row) for row in self._held_out.targets), default=0) + 3

    def _gradients(self, model: Any, step: int) -> tuple[float, float, int]:
        model.train()
        source, target = self.sampler.batch(step)
        for parameter in model.parameters():
            parameter.grad = None
        loss = model.loss(source, target)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), self.config.clip_norm, foreach=True)
        return loss.item(), float(norm), int((source != PAD).sum() + (target[:, 1:] != PAD).sum())

    def _evaluations(self) -> list[Event]:
        loss = validation_loss(self.model, self._held_out)
        ids = translate_greedily(self.model, self._held_out.sources, self._most_tokens)
        texts = [self.vocabulary.decode(row) for row in ids]
        quality = translation_quality(texts, [pair.foreign for pair in self.evaluated])
        shown = tuple(
            Translation(pair.english, pair.foreign, text, text == pair.foreign)
            for pair, text in list(zip(self.evaluated, texts, strict=True))[:SHOWN]
        )
        measured = TranslationEvalEvent(
            self.step,
            self.tokens,
            self.seconds,
            self._mean_train_loss(),
            loss,
            quality.exact_match,
            quality.bleu,
        )
        return [measured, TranslationsEvent(self.step, shown)]


@torch.inference_mode()
def validation_loss(model: Seq2Seq, encoded: Encoded) -> float:
    """Mean cross-entropy (nats per token, END included) with the reference fed."""
    model.eval()
    total, n_tokens = 0.0, 0
    for start in range(0, len(encoded.sources), _VALIDATION_BATCH):
        source, target = encoded.batch(range(start, min(start + _VALIDATION_BATCH, len(encoded.sources))))
        n = int((target[:, 1:] != PAD).sum())
        total += float(model.loss(source, target)) * n
        n_tokens += n
    return total / max(1, n_tokens)


@dataclass(frozen=True)
class FedPosition:
    """One position of a translation: the most probable token there and its probability, and the right one's."""

    token: int
    probability: float
    right_token: int
    right_probability: float


def teacher_forced(model: Seq2Seq, source: Sequence[int], reference: Sequence[int]) -> list[FedPosition]:
    """What the model would write at each position (the last one: END) with the reference before it, as in training."""
    return _positions(model, source, reference, [*reference, END])


def free_running(
    model: Seq2Seq, source: Sequence[int], reference: Sequence[int], max_new_tokens: int = 31
) -> list[FedPosition]:
    """What the model writes with its own words before it, as in use, beside the reference's token of the same place
    (END once the reference has ended).
    """
    (own,) = translate_greedily(model, [source], max_new_tokens)
    right = [*reference, END]
    return _positions(model, source, own, [*right, *[END] * len(own)][: len(own) + 1])


@torch.inference_mode()
def _positions(model: Seq2Seq, source: Sequence[int], fed: Sequence[int], right: Sequence[int]) -> list[FedPosition]:
    model.eval()
    probabilities = model(pad([source]), pad([[START, *fed]]))[0].softmax(-1)  # (T + 1, V)
    best, tokens = probabilities.max(-1)
    at_right = probabilities[torch.arange(len(right)), torch.tensor(right)]
    rows: Iterator[tuple[int, float, int, float]] = zip(
        tokens.tolist(), best.tolist(), right, at_right.tolist(), strict=True
    )
    return [FedPosition(*row) for row in rows]


@dataclass(frozen=True)
class Exposure:
    """Over many sentences, all shares 0 to 1: tokens right with the reference fed and with the model's own words fed,
    and the same for the tokens after the first mistake of a sentence (None where there was no mistake).
    """

    n_sentences: int
    forced: float
    free: float
    forced_after_mistake: float | None
    free_after_mistake: float | None


@torch.inference_mode()
def measure_exposure(model: Seq2Seq, encoded: Encoded) -> Exposure:
    """How much a mistake costs: in training the reference hides it, in use every later token stands on it.

    The gap after the first mistake is what Bengio et al. (2015) and Ranzato et al. (2016) call exposure bias. Tokens
    are compared place by place with the reference, END included.
    """
    model.eval()
    source, target = encoded.batch(range(len(encoded.sources)))
    forced = model(source, target[:, :-1]).argmax(-1)
    free = translate_greedily(model, encoded.sources, target.shape[1] + 2)
    counts = np.zeros(4)  # right forced, right free, and both after the first mistake
    n_tokens = n_after = 0
    for row, reference in enumerate(encoded.targets):
        right = np.array([*reference, END])
        own = np.array([*free[row], *[END] * len(right)])[: len(right)]
        good_forced, good_free = forced[row, : len(right)].numpy() == right, own == right
        counts[:2] += good_forced.sum(), good_free.sum()
        n_tokens += len(right)
        if not good_forced.all():
            after = int(np.argmin(good_forced)) + 1
            counts[2:] += good_forced[after:].sum(), good_free[after:].sum()
            n_after += len(right) - after
    after_mistake = counts[2:] / n_after if n_after else (None, None)
    return Exposure(
        len(encoded.targets),
        float(counts[0] / n_tokens),
        float(counts[1] / n_tokens),
        None if after_mistake[0] is None else float(after_mistake[0]),
        None if after_mistake[1] is None else float(after_mistake[1]),
    )
