"""What a base model can do that nobody taught it: zero-shot and few-shot probes, with chance and an interval.

Each item is a prompt and some endings, of which one is right; the model chooses the ending that it finds most probable.
So a model that cannot chat can be asked all the same (Brown et al. 2020, section 2.4), and the chance level is known:
one in the number of endings. Items are made of texts written with another seed than those it was pretrained on, and
what occurs in these word for word is left out.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from engine.answers import wilson_interval
from engine.checks import require_choice, require_whole
from engine.errors import ConfigError
from engine.gpt import GPT
from engine.phrasebook import iter_phrases
from engine.stories import iter_stories
from engine.stories_lexicon import BOYS, GIRLS
from engine.tokenizer import Tokenizer

N_ENDINGS = 4
HELD_OUT_SEED = 90_001
"""The generators' seed for items; no corpus is written with it."""
_BATCH = 32
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
    Ability("completion", "Completion", "Which name goes on, in a story that has named its hero?", 1 / N_ENDINGS),
    Ability("translation", "Translation", "Which French sentence is the English one's?", 1 / N_ENDINGS),
    Ability("summary", "Summary", "Which line tells what happened in the story?", 1 / N_ENDINGS),
    Ability("answer", "Question answering", "Which answer fits the story and the question?", 1 / N_ENDINGS),
    Ability("sentiment", "Sentiment", "Was the hero happy or sad in the end?", 1 / 2),
    Ability("acceptability", "Acceptability", "Which of two sentences is English?", 1 / 2),
)


def make_items(ability: str, n: int, *, seed: int = 0, known: Container[str] = ()) -> list[Item]:
    """`n` items of an ability, the same for the same seed. Items whose solved text's last line is in `known` (lines of
    the pretraining text) are left out. ConfigError for an unknown ability.
    """
    require_choice("ability", ability, tuple(_MAKERS))
    require_whole("n", n, 1, 2_000)
    found: dict[str, Item] = {}
    for item in _MAKERS[ability](random.Random(f"{ability} {seed}"), HELD_OUT_SEED + seed):
        if item.solved.rpartition("\n")[2] not in known:
            found.setdefault(item.solved, item)
        if len(found) == n:
            break
    return list(found.values())


def few_shot(items: Sequence[Item], k: int) -> list[Item]:
    """The items after the first `k`, each with those k solved before it, parted by empty lines."""
    require_whole("k", k, 0, max(0, len(items) - 1))
    shown = "".join(f"{item.solved}\n\n" for item in items[:k])
    return [Item(shown + item.prompt, item.endings, item.right) for item in items[k:]]


# --- the model's choice --------------------------------------------------------------------------------------


@torch.inference_mode()
def ending_log_probabilities(model: GPT, tokenizer: Tokenizer, item: Item) -> np.ndarray:
    """log P(ending | prompt) of every ending in nats, summed over its tokens, (number of endings,) float64.

    A prompt too long for the context loses its beginning. ConfigError for an ending that fills the context.
    """
    model.eval()
    before = tokenizer.encode(item.prompt) or [tokenizer.end_of_text_id or 0]
    endings = [tokenizer.encode(ending) for ending in item.endings]
    longest = max(map(len, endings))
    room = model.config.context_length + 1 - longest
    if room < 1:
        raise ConfigError(f"an ending of {longest} tokens leaves no room for a prompt in this model's context.")
    before = before[-room:]
    totals = []
    for start in range(0, len(endings), _BATCH):
        part = endings[start : start + _BATCH]
        ids = torch.zeros(len(part), len(before) + max(map(len, part)), dtype=torch.int64)
        for row, ending in enumerate(part):
            ids[row, : len(before) + len(ending)] = torch.tensor([*before, *ending])
        log_p = F.log_softmax(model(ids[:, :-1])[:, len(before) - 1 :].double(), -1)
        chosen = log_p.gather(-1, ids[:, len(before) :, None])[..., 0]
        totals += [float(chosen[row, : len(ending)].sum()) for row, ending in enumerate(part)]
    return np.array(totals)


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


def probe(
    model: GPT, tokenizer: Tokenizer, items: Sequence[Item], *, progress: Callable[[float], None] | None = None
) -> ProbeResult:
    """Let the model choose an ending of every item. `progress` is called with the share that is done."""
    if not items:
        raise ConfigError("there is no item to probe with: ask for at least one.")
    chosen = []
    for number, item in enumerate(items, start=1):
        chosen.append(int(ending_log_probabilities(model, tokenizer, item).argmax()))
        if progress is not None:
            progress(number / len(items))
    n_right = sum(choice == item.right for choice, item in zip(chosen, items, strict=True))
    return ProbeResult(n_right, len(items), *wilson_interval(n_right, len(items)), tuple(chosen))


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
        if len(heroes) < 3 or len({name for _, name in heroes}) > 1:
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
    pool = [next(phrases) for _ in range(60)]
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
    """A sentence, or the same with two neighbouring words changed about."""
    for phrase in iter_phrases(seed):
        words = phrase.english.split()
        places = [n for n in range(1, len(words) - 2) if words[n] != words[n + 1]]
        if not places:
            continue
        at = rng.choice(places)
        swapped = [*words[:at], words[at + 1], words[at], *words[at + 2 :]]
        yield _item(rng, "English:", f" {phrase.english}", [f" {' '.join(swapped)}"])


_MAKERS: dict[str, Callable[[random.Random, int], Iterator[Item]]] = {
    "completion": _completions,
    "translation": _translations,
    "summary": _summaries,
    "answer": _answers,
    "sentiment": _sentiments,
    "acceptability": _acceptabilities,
}
