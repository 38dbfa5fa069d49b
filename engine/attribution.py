"""Which words decided? Two answers of different kind, and the shortest way to another verdict.

*Occlusion* leaves a word out and looks what the classifier says then (Zeiler and Fergus 2014): it is true of the model
by definition, but costs one pass a word and misses words that stand in for each other. *Gradient times input*
(Shrikumar et al. 2017) asks in one pass how the score would change if a token's vector shrank a little: a linear guess.
Both are signed: above 0 speaks for the class.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from engine.checks import require_whole
from engine.classification import Classifier, EncodedTexts, kept_tokens, predict
from engine.errors import ConfigError
from engine.language import _
from engine.tokenizer import Tokenizer

_WORD = re.compile(r"\S+")
MAX_WORDS = 200
_TRIED_AT_ONCE = 2_000


@dataclass(frozen=True)
class Word:
    """A run of characters without white space: text[start:end]."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Attribution:
    """A number for each word; what they are measured in depends on the method. `probability` is that of the class."""

    words: tuple[Word, ...]
    values: np.ndarray
    probability: float


def words_of(text: str) -> tuple[Word, ...]:
    """The words of a text in order; ConfigError for none or more than 200.

    >>> [word.text for word in words_of("Win a prize!")]
    ['Win', 'a', 'prize!']
    """
    words = tuple(Word(found.group(), found.start(), found.end()) for found in _WORD.finditer(text))
    if not words:
        raise ConfigError(_("there is no word to look at: type a message."))
    if len(words) > MAX_WORDS:
        raise ConfigError(
            _(
                "the text has {n_words:,} words; at most {max_words} can be looked at one by one.",
                n_words=len(words),
                max_words=MAX_WORDS,
            )
        )
    return words


def probabilities(model: Classifier, tokenizer: Tokenizer, texts: Sequence[str], most: int | None = None) -> np.ndarray:
    """Probabilities (N, K) float32 of texts, each cut to `most` tokens, else to the context."""
    context = model.config.body.context_length
    return predict(model, EncodedTexts.of(texts, [0] * len(texts), tokenizer, min(most or context, context)))


def without(text: str, words: Sequence[Word], left_out: Sequence[int]) -> str:
    """The text without some of its words, single spaces where they stood.

    >>> without("Win a prize now", words_of("Win a prize now"), [1, 2])
    'Win now'
    """
    gone = set(left_out)
    return " ".join(word.text for place, word in enumerate(words) if place not in gone)


def occlusion(model: Classifier, tokenizer: Tokenizer, text: str, label: int, most: int | None = None) -> Attribution:
    """By how much the class's probability falls when a word is left out: p(text) − p(text without it)."""
    words = words_of(text)
    _check_label(model, label)
    variants = [text, *(without(text, words, [place]) for place in range(len(words)))]
    found = probabilities(model, tokenizer, variants, most)[:, label]
    return Attribution(words, found[0] - found[1:], float(found[0]))


def gradient_times_input(
    model: Classifier, tokenizer: Tokenizer, text: str, label: int, most: int | None = None
) -> Attribution:
    """Σ over a word's tokens of ∂score/∂embedding · embedding, the score being the class's before softmax.

    A token that spans two words counts for the one that holds most of it.
    """
    words = words_of(text)
    _check_label(model, label)
    context = model.config.body.context_length
    ids = list(tokenizer.encode(text))
    owners = _word_of_tokens(words, tokenizer, ids)
    kept = kept_tokens(len(ids), min(most or context, context))
    per_token, scores = _token_gradients(model, [ids[place] for place in kept], label)
    values = np.zeros(len(words), dtype=np.float32)
    for value, token in zip(per_token, kept, strict=True):
        if (word := owners[token]) is not None:
            values[word] += value
    return Attribution(words, values, float(torch.from_numpy(scores).softmax(-1)[label]))


def _token_gradients(model: Classifier, ids: Sequence[int], label: int) -> tuple[np.ndarray, np.ndarray]:
    model.eval()
    caught: list[torch.Tensor] = []

    def catch(_module: object, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        caught.append(output.detach().requires_grad_(True))
        return caught[-1]

    hook = model.body.token_embedding.register_forward_hook(catch)
    try:
        with torch.enable_grad():
            scores = model(torch.tensor([list(ids)]), torch.tensor([len(ids)]))[0]
            (gradient,) = torch.autograd.grad(scores[label], caught[0])
    finally:
        hook.remove()
    return (gradient * caught[0]).sum(-1)[0].detach().numpy(), scores.detach().numpy()


def _word_of_tokens(words: Sequence[Word], tokenizer: Tokenizer, ids: Sequence[int]) -> list[int | None]:
    """For each token the word that holds most of its characters; None for white space alone."""
    owners: list[int | None] = []
    end = 0
    for n in range(1, len(ids) + 1):
        start, end = end, len(tokenizer.decode(ids[:n]).rstrip("�"))
        shares = [max(0, min(end, word.end) - max(start, word.start)) for word in words]
        owners.append(int(np.argmax(shares)) if max(shares) > 0 else None)
    return owners


@dataclass(frozen=True)
class Flip:
    """The words left out, the text that remains, and the probability of the first verdict there."""

    left_out: tuple[int, ...]
    text: str
    probability: float
    shortest: bool
    """Whether every smaller choice of words was tried."""


def fewest_words_to_flip(classify: Callable[[list[str]], np.ndarray], text: str, most_words: int = 8) -> Flip | None:
    """The fewest words without which the verdict is another one; None if leaving out `most_words` does not do.

    `classify` gives probabilities (N, K). All choices of one word are tried, then of two, as long as they are at most
    2,000; beyond that one word after the other goes, always the one that costs the verdict most.
    """
    require_whole("most_words", most_words, 1)
    words = words_of(text)
    verdict = int(classify([text])[0].argmax())
    most_words = min(most_words, len(words) - 1)
    tried = 0
    for size in range(1, most_words + 1):
        choices = list(itertools.islice(itertools.combinations(range(len(words)), size), _TRIED_AT_ONCE + 1))
        if len(choices) > _TRIED_AT_ONCE:
            break
        found = classify([without(text, words, choice) for choice in choices])
        flipped = np.flatnonzero(found.argmax(1) != verdict)
        if len(flipped):
            best = int(flipped[found[flipped, verdict].argmin()])
            return Flip(choices[best], without(text, words, choices[best]), float(found[best, verdict]), True)
        tried = size
    return _greedy_flip(classify, text, words, verdict, most_words, tried)


def _greedy_flip(
    classify: Callable[[list[str]], np.ndarray],
    text: str,
    words: Sequence[Word],
    verdict: int,
    most_words: int,
    tried: int,
) -> Flip | None:
    gone: tuple[int, ...] = ()
    while len(gone) < most_words:
        choices = [(*gone, place) for place in range(len(words)) if place not in gone]
        found = classify([without(text, words, choice) for choice in choices])
        best = int(found[:, verdict].argmin())
        gone = choices[best]
        if int(found[best].argmax()) != verdict:
            left_out = tuple(sorted(gone))
            shortest = len(gone) <= tried + 1
            return Flip(left_out, without(text, words, left_out), float(found[best, verdict]), shortest)
    return None


def _check_label(model: Classifier, label: int) -> None:
    require_whole("label", label, 0, model.config.n_classes - 1)
