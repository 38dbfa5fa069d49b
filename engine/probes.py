"""What a base model can do that nobody taught it: zero-shot and few-shot probes, with chance and an interval.

Each item is a prompt and some endings, of which one is right; the model chooses the ending that it finds most probable.
So a model that cannot chat can be asked all the same (Brown et al. 2020, section 2.4), and the chance level is known:
one in the number of endings. Items are made of texts written with another seed than those it was pretrained on, and
what occurs in these word for word can be left out.
"""

from __future__ import annotations

import math
import random
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F

from engine.answers import wilson_interval
from engine.checkpoint import Checkpoint
from engine.checks import require_choice, require_whole
from engine.corpus import load_corpus
from engine.errors import ConfigError
from engine.gpt import GPT, GPTConfig, KVCache
from engine.language import N_, _
from engine.phrasebook import iter_phrases
from engine.stories import iter_stories
from engine.stories_lexicon import BOYS, GIRLS
from engine.tokenizer import Tokenizer

N_ENDINGS = 4
HELD_OUT_SEED = 90_001
"""The generators' seed for items; no corpus is written with it."""
Verdict = Literal["above chance", "below chance", "no better than chance"]
_BATCH = 32
_GRAMMAR = frozenset(("the", "a", "an", "of", "to", "in", "at", "by", "with", "from", "and", "behind", "near"))
_NAMES = {name: names for names in (GIRLS, BOYS) for name in names}


@dataclass(frozen=True)
class Item:
    """A prompt and its endings; the one at `right` is true. The prompt ends where an ending begins."""

    prompt: str
    endings: tuple[str, ...]
    right: int

    @property
    def solved(self) -> str:
        """Prompt and right ending: an example for the items after it."""
        return self.prompt + self.endings[self.right]


@dataclass(frozen=True)
class Ability:
    """One kind of item: what it asks, and how often guessing is right."""

    name: str
    title: str
    question: str
    chance: float


ABILITIES = (
    Ability(
        "completion", N_("Completion"), N_("Which name goes on, in a story that has named its hero?"), 1 / N_ENDINGS
    ),
    Ability("translation", N_("Translation"), N_("Which French sentence is the English one's?"), 1 / N_ENDINGS),
    Ability("summary", N_("Summary"), N_("Which line tells what happened in the story?"), 1 / N_ENDINGS),
    Ability("answer", N_("Question answering"), N_("Which answer fits the story and the question?"), 1 / N_ENDINGS),
    Ability("sentiment", N_("Sentiment"), N_("Was the hero happy or sad in the end?"), 1 / 2),
    Ability("acceptability", N_("Acceptability"), N_("Which of two sentences is English?"), 1 / 2),
)


def make_items(ability: str, n: int, *, seed: int = 0, seen: Sequence[str] = ()) -> list[Item]:
    """The first `n` items of an ability, the same for the same seed. An item whose prompt and right ending stand word
    for word in one of the texts `seen` is left out. ConfigError for an unknown ability.
    """
    _check(ability, n)
    return list(islice(_new_items(ability, seed, seen), n))


def _check(ability: str, n: int) -> None:
    require_choice("ability", ability, tuple(_MAKERS))
    require_whole("n", n, 1, 2_000)


def _new_items(ability: str, seed: int, seen: Sequence[str]) -> Iterator[Item]:
    found = set()
    for item in _MAKERS[ability](random.Random(f"{ability} {seed}"), HELD_OUT_SEED + seed):
        if item.solved not in found and not any(item.solved in text for text in seen):
            found.add(item.solved)
            yield item


class _Unread:
    """The items of an ability that stand in none of some corpora, as many of them as were asked for so far."""

    def __init__(self, ability: str, corpora: tuple[str, ...]) -> None:
        self._items: list[Item] = []
        self._more = _new_items(ability, 0, [load_corpus(name) for name in corpora])
        self._lock = threading.Lock()

    def first(self, n: int) -> list[Item]:
        with self._lock:
            self._items += islice(self._more, max(0, n - len(self._items)))
            return self._items[:n]


_unread = lru_cache(maxsize=16)(_Unread)


def unread_items(ability: str, n: int, corpora: tuple[str, ...]) -> list[Item]:
    """The first `n` items that stand in none of these corpora."""
    _check(ability, n)
    return _unread(ability, corpora).first(n)


def few_shot(items: Sequence[Item], k: int) -> list[Item]:
    """The items after the first `k`, each with those k solved before it, parted by empty lines."""
    require_whole("k", k, 0, max(0, len(items) - 1))
    shown = "".join(f"{item.solved}\n\n" for item in items[:k])
    return [Item(shown + item.prompt, item.endings, item.right) for item in items[k:]]


# --- the model's choice --------------------------------------------------------------------------------------


@torch.inference_mode()
def ending_log_probabilities(model: GPT, tokenizer: Tokenizer, item: Item) -> np.ndarray:
    """log P(ending | prompt) of every ending in nats, summed over its tokens, (number of endings,) float64.

    The prompt is read once for all endings. One too long for the context loses its beginning; of an ending too long
    for it every token is read after as many as fit. ConfigError for a model without a causal mask, which would see
    what it is asked for.
    """
    if not model.config.causal:
        raise ConfigError(
            _("a model without a causal mask sees the ending that it should predict: choose a causal one.")
        )
    model.eval()
    before = tokenizer.encode(item.prompt) or [tokenizer.end_of_text_id or 0]
    endings = [tokenizer.encode(ending) for ending in item.endings]
    longest = max(map(len, endings))
    before = before[-prompt_room(model.config, longest) :]
    if longest > model.config.context_length:
        return np.array([_in_windows(model, [*before, *ending], len(ending)) for ending in endings])
    cache = KVCache(replace(model.config, context_length=max(2, len(before))))
    last = model.hidden(torch.tensor([before]), cache=cache)[:, -1:]  # (1, 1, C)
    totals = []
    for start in range(0, len(endings), _BATCH):
        part = endings[start : start + _BATCH]
        ids = torch.zeros(len(part), max(map(len, part)), dtype=torch.int64)
        for row, ending in enumerate(part):
            ids[row, : len(ending)] = torch.tensor(ending)
        hidden = last.expand(len(part), -1, -1)
        if ids.shape[1] > 1:
            behind = model.hidden(ids[:, :-1], cache=_for_each(cache, model.config, *ids.shape))
            hidden = torch.cat([hidden, behind], 1)  # (n, longest, C)
        log_p = F.log_softmax(model.head(hidden).double(), -1)
        chosen = log_p.gather(-1, ids[..., None])[..., 0]
        totals += [float(chosen[row, : len(ending)].sum()) for row, ending in enumerate(part)]
    return np.array(totals)


def score_unread(
    checkpoint: Checkpoint, ability: str, start: int, stop: int, corpora: tuple[str, ...], n_shown: int = 0
) -> list[np.ndarray]:
    """`ending_log_probabilities` of the items from `start` to `stop` that stand in none of these corpora, each after
    the first `n_shown` of them, solved.
    """
    items = unread_items(ability, stop, corpora)
    asked = few_shot([*items[:n_shown], *items[start:]], n_shown)
    return [ending_log_probabilities(checkpoint.model, checkpoint.tokenizer, item) for item in asked]


def prompt_room(config: GPTConfig, n_ending: int) -> int:
    """How many tokens of a prompt are read before an ending of `n_ending` tokens: at least its last one."""
    return max(1, config.context_length + 1 - n_ending)


def _in_windows(model: GPT, ids: list[int], n: int) -> float:
    """log P of the last `n` ids, each after as many of those before it as the context holds."""
    context = model.config.context_length
    windows = [ids[max(0, place - context) : place] for place in range(len(ids) - n, len(ids))]
    total = 0.0
    for window, target in zip(windows, ids[-n:], strict=True):
        last = model.hidden(torch.tensor([window]))[0, -1]
        total += float(F.log_softmax(model.head(last).double(), -1)[target])
    return total


def _for_each(cache: KVCache, config: GPTConfig, n: int, longest: int) -> KVCache:
    """The cache of one prompt for `n` endings side by side, with room for what is read of them."""
    copies = KVCache(replace(config, context_length=cache.length + longest - 1), n)
    copies.keys[..., : cache.length, :] = cache.keys[..., : cache.length, :]
    copies.values[..., : cache.length, :] = cache.values[..., : cache.length, :]
    copies.length = cache.length
    return copies


@dataclass(frozen=True)
class ProbeResult:
    """How many items were right, with a 95 % interval for the share; `chosen` is the ending taken for each item."""

    n_right: int
    n: int
    low: float
    high: float
    chosen: tuple[int, ...]

    @property
    def accuracy(self) -> float:
        return self.n_right / self.n

    def verdict(self, chance: float) -> Verdict:
        """Whether the interval leaves room for mere guessing."""
        return (
            "above chance" if self.low > chance else "below chance" if self.high < chance else "no better than chance"
        )


def result_of(items: Sequence[Item], log_probabilities: Sequence[np.ndarray]) -> ProbeResult:
    """The choices that follow from `ending_log_probabilities` of every item. ConfigError for none."""
    if not items or len(items) != len(log_probabilities):
        raise ConfigError(
            _(
                "{n_items} items with {n_log_probabilities} scores give no result: score at least one.",
                n_items=len(items),
                n_log_probabilities=len(log_probabilities),
            )
        )
    chosen = tuple(int(each.argmax()) for each in log_probabilities)
    n_right = sum(choice == item.right for choice, item in zip(chosen, items, strict=True))
    return ProbeResult(n_right, len(items), *wilson_interval(n_right, len(items)), chosen)


def probe(
    model: GPT, tokenizer: Tokenizer, items: Sequence[Item], *, progress: Callable[[float], None] | None = None
) -> ProbeResult:
    """Let the model choose an ending of every item. `progress` is called with the share that is done."""
    if not items:
        raise ConfigError(_("there is no item to probe with: ask for at least one."))
    found = []
    for number, item in enumerate(items, start=1):
        found.append(ending_log_probabilities(model, tokenizer, item))
        if progress is not None:
            progress(number / len(items))
    return result_of(items, found)


@dataclass(frozen=True)
class Difference:
    """Two models on the same `n` items: how many only the first has right, and how many only the second.

    `p` is that of the exact sign test: how often items on which the models differ would be shared out so unevenly if
    each fell to either with the same probability (McNemar 1947, in its exact form).
    """

    only_first: int
    only_second: int
    n: int
    p: float

    @property
    def change(self) -> float:
        """The second model's accuracy less the first's."""
        return (self.only_second - self.only_first) / self.n

    def verdict(self, level: float = 0.05) -> Literal["lost", "gained", "no difference"]:
        """What the second model lost or gained, where `p` is below `level`."""
        if self.p >= level:
            return "no difference"
        return "lost" if self.only_first > self.only_second else "gained"


def difference(items: Sequence[Item], first: ProbeResult, second: ProbeResult) -> Difference:
    """Compare two results on the same items. ConfigError if one of them is of others."""
    if not len(items) == first.n == second.n:
        raise ConfigError(
            _(
                "results of {n} and {n_2} items cannot be compared on {n_items}.",
                n=first.n,
                n_2=second.n,
                n_items=len(items),
            )
        )
    pairs = [
        (one == item.right, other == item.right)
        for one, other, item in zip(first.chosen, second.chosen, items, strict=True)
    ]
    only_first, only_second = pairs.count((True, False)), pairs.count((False, True))
    return Difference(only_first, only_second, len(items), _sign_test(only_first, only_second))


def _sign_test(one: int, other: int) -> float:
    """How often so uneven a share, or a more uneven one, comes of throwing a fair coin for each; both sides count."""
    n = one + other
    rarer = sum(math.comb(n, k) for k in range(min(one, other) + 1))
    return min(1.0, 2 * rarer / 2**n)


# --- items ---------------------------------------------------------------------------------------------------


def _item(rng: random.Random, prompt: str, right: str, wrong: Iterable[str]) -> Item:
    endings = [right, *wrong]
    rng.shuffle(endings)
    return Item(prompt, tuple(endings), endings.index(right))


def _completions(rng: random.Random, seed: int) -> Iterator[Item]:
    """The last time the hero's name stands in a story: her name, or one of three others that are names of her kind."""
    for story in iter_stories(seed):
        named = [(found.start(), found.group()) for found in re.finditer(r"\b[A-Z][a-z]+\b", story)]
        heroes = [(place, name) for place, name in named if name in _NAMES]
        if len(heroes) < 3 or len({name for _unused, name in heroes}) > 1:
            continue
        place, name = heroes[-1]
        if story[place - 1] != " ":
            continue
        others = rng.sample([each for each in _NAMES[name] if each != name], N_ENDINGS - 1)
        yield _item(rng, story[: place - 1], f" {name}", [f" {each}" for each in others])


def _translations(rng: random.Random, seed: int) -> Iterator[Item]:
    """The French of a sentence among four that share many words. Any of the four may be the one that is asked for, so
    that a preference for some sentences, whatever the English says, is right no more often than chance.
    """
    phrases = iter_phrases(seed)
    pool = [next(phrases) for _unused in range(60)]
    for phrase in phrases:
        words = set(phrase.french.split())
        others = {each.french: each for each in pool if each.french != phrase.french}
        near = sorted(others, key=lambda text: (-len(words & set(text.split())), text))[: N_ENDINGS - 1]
        group = [phrase, *(others[text] for text in near)]
        asked = rng.choice(group)
        wrong = [f" {each.french}" for each in group if each is not asked]
        yield _item(rng, f"English: {asked.english}\nFrench:", f" {asked.french}", wrong)
        pool[rng.randrange(len(pool))] = phrase


def _summaries(rng: random.Random, seed: int) -> Iterator[Item]:
    """A story's summary, or those of others with its hero's name put in."""
    pool: list[tuple[str, str]] = []
    for story in iter_stories(seed):
        text, found, summary = story.rpartition("\nSummary: ")
        if not found or (name := summary.split()[0]) not in _NAMES:
            continue
        rest = summary[len(name) :]
        others = sorted({each for owner, each in pool if _NAMES[owner] is _NAMES[name]} - {rest})
        if len(others) >= N_ENDINGS - 1:
            wrong = [f" {name}{each}" for each in rng.sample(others, N_ENDINGS - 1)]
            yield _item(rng, f"{text}\nSummary:", f" {summary}", wrong)
        pool = [*pool[-39:], (name, rest)]


def _answers(rng: random.Random, seed: int) -> Iterator[Item]:
    """The answer to a question on a story, or answers to the same question on other stories."""
    pool: dict[str, list[str]] = {}
    for story in iter_stories(seed):
        text, found, answer = story.rpartition("\nAnswer: ")
        question = text.rpartition("\nQuestion: ")[2]
        if not found or not question:
            continue
        kind = " ".join(word for word in question.split() if word == word.lower())
        seen = pool.setdefault(kind, [])
        others = sorted(set(seen) - {answer})
        if len(others) >= N_ENDINGS - 1:
            wrong = [f" {each}" for each in rng.sample(others, N_ENDINGS - 1)]
            yield _item(rng, f"{text}\nAnswer:", f" {answer}", wrong)
        seen.append(answer)
        del seen[:-40]


def _sentiments(rng: random.Random, seed: int) -> Iterator[Item]:
    """How a story ends for its hero, said by its last sentence; as many end well as badly."""
    moods = ("happy", "sad")
    wanted = rng.choice(moods)
    for story in iter_stories(seed):
        found = re.search(r"\n((?:He|She) was very) (happy|sad)\.$", story)
        if found and found.group(2) == wanted:
            other = moods[1 - moods.index(wanted)]
            yield _item(rng, story[: found.end(1)], f" {wanted}.", [f" {other}."])
            wanted = rng.choice(moods)


def _acceptabilities(rng: random.Random, seed: int) -> Iterator[Item]:
    """A story's second sentence after its first, or the same with two neighbours changed about: one a word of grammar,
    the other not, so that the order is wrong and not merely another.
    """
    for story in iter_stories(seed):
        first, *others = re.split(r"(?<=[.!?])[ \n](?=[A-Z])", story)
        if not others or not re.fullmatch(r"[A-Z][\w ]+\.", others[0]):
            continue
        words = others[0].split()
        inside = range(1, len(words) - 2)
        places = [n for n in inside if (words[n] in _GRAMMAR) != (words[n + 1] in _GRAMMAR)]
        if not places:
            continue
        at = rng.choice(places)
        swapped = [*words[:at], words[at + 1], words[at], *words[at + 2 :]]
        yield _item(rng, first, f" {others[0]}", [f" {' '.join(swapped)}"])


_MAKERS: dict[str, Callable[[random.Random, int], Iterator[Item]]] = {
    "completion": _completions,
    "translation": _translations,
    "summary": _summaries,
    "answer": _answers,
    "sentiment": _sentiments,
    "acceptability": _acceptabilities,
}
