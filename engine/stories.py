"""Short stories written by a grammar: simple English for a model that is small, with something to ask about.

A story is one plot (a goal, an obstacle, help, an end) with one hero, one helper and one place, which stay
the same from the first sentence to the last; so what follows can be learned from what came before. Some
stories are followed by a question and its answer, a one-line summary or a sentence of judgement. Between
them stand scenes in the present tense, "The lion is in the forest.", in which every animal has its usual
place, but not always.
Measured on the first 1,000,000 characters of seed 0: 5.6 % of the 16,492 sentences repeat an earlier one.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from engine.stories_lexicon import (
    ANIMAL_NAMES,
    BOYS,
    FEELINGS_BAD,
    FEELINGS_GOOD,
    GIRLS,
    HABITATS,
    JOBS,
    PLACES,
    WEATHER_BY_SEASON,
    WORDS,
)
from engine.stories_plots import PLOTS, Plot
from engine.uploads import END_OF_TEXT


def stories(n_chars: int, seed: int) -> str:
    """The first `n_chars` characters of the stories of `seed`; a longer text begins with every shorter one.

    `END_OF_TEXT` stands on a line of its own between stories.
    """
    parts: list[str] = []
    length = 0
    for story in iter_stories(seed):
        if length >= n_chars:
            break
        part = f"{story}\n{END_OF_TEXT}\n"
        parts.append(part)
        length += len(part)
    return "".join(parts)[: max(n_chars, 0)]


def iter_stories(seed: int) -> Iterator[str]:
    """Stories without end, the same for the same seed."""
    rng = random.Random(seed)
    while True:
        yield _scene(rng) if rng.random() < _SCENE_SHARE else _story(rng)


_SCENE_SHARE = 0.2


def _pick(rng: random.Random, choices: Sequence[str]) -> str:
    """One of `choices`, four times as fast as `rng.choice`."""
    return choices[int(rng.random() * len(choices))]


def _pick_distinct(rng: random.Random, choices: Sequence[str], n: int) -> list[str]:
    """`n` different ones of many more `choices`."""
    picked: list[str] = []
    while len(picked) < n:
        word = _pick(rng, choices)
        if word not in picked:
            picked.append(word)
    return picked


def _weighted(table: str) -> tuple[str, ...]:
    """`"forest*3 cave"` -> `("forest", "forest", "forest", "cave")`"""
    words: list[str] = []
    for entry in table.split():
        word, _, count = entry.partition("*")
        words.extend([word] * int(count or 1))
    return tuple(words)


_CHOICES: dict[str, tuple[str, ...]] = {key: tuple(words.split("|")) for key, words in WORDS.items()}
_CHOICES |= {
    "job": JOBS,
    "colour": ("red", "blue", "green", "yellow", "white", "black", "orange", "purple"),
    "small": ("two", "three", "four", "some", "a few"),
    "accident": (
        "a strong wind",
        "a heavy rain",
        "a naughty goat",
        "a thunderstorm",
        "a clumsy cow",
        "a hungry mouse",
    ),
}
_CHOICES["a_insect"] = tuple(f"a(n) {insect}" for insect in _CHOICES["insect"])
_NIGHT = ("night", "evening", "sunrise")
_COLD = ("winter", "cold", "autumn")
_WARM = ("summer", "hot", "spring")


def _weather_at(time: str) -> tuple[str, ...]:
    """The weather that goes with a time: no snow in summer, no stars at noon."""
    weather = list(_CHOICES["weather"])
    weather += WEATHER_BY_SEASON["night" if any(word in time for word in _NIGHT) else "day"].split("|")
    for season, words in (("cold", _COLD), ("warm", _WARM)):
        if any(word in time for word in words):
            weather += WEATHER_BY_SEASON[season].split("|")
    return tuple(weather)


_WEATHER = {time: _weather_at(time) for time in _CHOICES["time"]}
_HOMES = {animal: _weighted(table) for animal, table in HABITATS.items()}
_ADJECTIVES = {place: tuple(adjectives.split()) for place, (_, adjectives) in PLACES.items()}
_ANIMALS = tuple(HABITATS)
_OUTDOORS = tuple(PLACES)
_VILLAGES = tuple(place for place in PLACES if place not in ("bridge", "hill", "market"))
# Animals that walk the land and so can be the heroes of any plot.
_HEROES = _weighted(
    "lion*4 bear fox wolf deer rabbit mouse cat dog horse cow sheep goat duck frog turtle monkey tiger "
    "parrot elephant camel squirrel hedgehog donkey hen owl"
)
_ARTICLE = re.compile(r"\ba\(n\) (\w+)")


def _finish(sentence: str) -> str:
    """Choose a or an, and begin with a capital letter, also inside quotation marks."""
    if "a(n)" in sentence:
        sentence = _ARTICLE.sub(
            lambda match: ("an " if match[1][0] in "aeiou" or match[1] == "honest" else "a ") + match[1],
            sentence,
        )
    if sentence[0] == '"':
        return '"' + sentence[1].upper() + sentence[2:]
    return sentence[0].upper() + sentence[1:]


@dataclass(frozen=True)
class _Character:
    """Someone in a story: `names` are the ways to call them after they were introduced."""

    intro: str
    names: tuple[str, ...]
    kind: str
    female: bool
    is_animal: bool


def _character(rng: random.Random, animal_share: float) -> _Character:
    female = rng.random() < 0.5
    if rng.random() < animal_share:
        kind = _pick(rng, _HEROES)
        adjective = _pick(rng, _CHOICES["size"] if rng.random() < 0.5 else _CHOICES["trait"])
        if rng.random() < 0.5:
            name = _pick(rng, ANIMAL_NAMES)
            return _Character(f"a(n) {adjective} {kind} named {name}", (name, name, f"the {kind}"), kind, female, True)
        return _Character(f"a(n) {adjective} {kind}", (f"the {kind}",), kind, female, True)
    name = _pick(rng, GIRLS if female else BOYS)
    if rng.random() < 0.6:
        kind = "girl" if female else "boy"
        adjective = _pick(rng, _CHOICES["trait"])
    else:
        kind = _pick(rng, JOBS)
        adjective = _pick(rng, _CHOICES["size"] if rng.random() < 0.4 else _CHOICES["trait"])
    return _Character(f"a(n) {adjective} {kind} named {name}", (name, name, name), kind, female, False)


# Of these a story has a few, which return by turns: (key, how many).
_PALETTES = {"landmark": 3, "food": 2, "trait": 3}
_PALETTE_KEYS = frozenset({"_landmark", "_food", "_trait", "_prop"})


class _Slots(dict[str, str]):
    """What fills the slots of one story: a slot that is not set yet draws a word, and a `{key}` keeps it."""

    def __init__(self, rng: random.Random, hero: _Character, helper: _Character) -> None:
        super().__init__()
        self.rng = rng
        self.hero = hero
        self.helper = helper
        self.palettes: dict[str, Iterator[str]] = {}
        if hero.female:
            self.update(he="she", him="her", his="her", himself="herself")
        else:
            self.update(he="he", him="him", his="his", himself="himself")

    def __missing__(self, key: str) -> str:
        if key == "hero":
            return _pick(self.rng, self.hero.names)
        if key == "helper":
            return _pick(self.rng, self.helper.names)
        if key in _PALETTE_KEYS:
            return self._next_of_palette(key[1:])
        kept = key[0] != "_"
        word = _pick(self.rng, _CHOICES[key if kept else key[1:]])
        if "{" in word:
            word = word.format_map(self)
        if kept:
            self[key] = word
        return word

    def _next_of_palette(self, key: str) -> str:
        if key not in self.palettes:
            if key == "prop":
                looks, things = (_pick_distinct(self.rng, _CHOICES[name], 2) for name in ("look", "thing"))
                words = [f"{look} {thing}" for look, thing in zip(looks, things, strict=True)]
            else:
                # One more than needed, so that the kept word of the same kind can be left out.
                sample = _pick_distinct(self.rng, _CHOICES[key], _PALETTES[key] + 1)
                kept = self.setdefault(key, sample[0])
                words = [word for word in sample if word != kept][: _PALETTES[key]]
            self.palettes[key] = cycle(words)
        return next(self.palettes[key])

    def say(self, template: str) -> str:
        return _finish(template.format_map(self))


_OPENINGS = (
    "once there was {intro} who lived {at} {place}.",
    "{intro} lived {at} {place}, not far from the {_landmark}.",
    "long ago {intro} lived {at} {place}.",
    "{at} {place} there lived {intro}.",
    "this is the story of {intro} {at} {place}.",
    "near the {_landmark} {at} {place} lived {intro}.",
)
_MEETINGS = (
    "by the {_landmark} {he} met {helper_intro}.",
    "just then {helper_intro} came along with a(n) {_prop}.",
    "then {helper_intro} looked out from behind the {_landmark}.",
    "but {helper_intro} had watched it all from the {_landmark}.",
    "luckily {helper_intro} {_walk} by.",
)
_FRIENDS = (
    "{his} best friend was {helper_intro}.",
    "{hero} had a friend, {helper_intro}.",
    "{helper_intro} lived next to {him}, behind the {_landmark}.",
)
_ASIDES = (
    "{weather}, and {hero} {_walk} past the {_landmark}.",
    "{hero} carried a(n) {_prop} and some {_food}.",
    "{hero} was {_trait} and a little {_trait}.",
    "near the {_landmark} sat a(n) {_trait} {job} with a(n) {_prop}.",
    "a(n) {_insect} sat on the {_landmark}, and {weather}.",
    "it smelled of {_food} and {_food}.",
)
_DIALOGUES = (
    '"What shall I do now?" {_say} {hero} by the {_landmark}.',
    '"I am so {_sad}," {_say} {hero} by the {_landmark}.',
    '"This will never end well," {_say} {hero} and looked at the {_prop}.',
    '"Why are you so {_sad}?" asked {helper}.',
    '"Have some {_food} first," {_say} {helper}.',
    '"I wish I had a(n) {_prop}," {_say} {hero}.',
)
_CLOSINGS_GOOD = (
    "{again} {hero} and {helper} met by the {_landmark} and ate {_food}.",
    "{hero} gave {helper} {_gift} and felt {mood}.",
    "{again} {hero} kept a(n) {_prop} to remember that day.",
    "that night {hero} slept well beside the {_prop}.",
    "{hero} felt {mood} and told the {job} everything.",
    "{hero} had learned that {lesson}.",
)
_CLOSINGS_BAD = (
    "{again} {hero} did not go near the {_landmark}.",
    "{hero} felt {mood} and looked at the {_prop} for a long time.",
    "that night {hero} could not sleep and thought of {_food} and the {_landmark}.",
    "{hero} sat alone by the {_landmark} and felt {mood}.",
    "even {_gift} from the {job} did not help.",
    "{hero} had learned that {lesson}.",
)
_LION_TALK = (
    '"The lion is in the {spot}," {_say} {helper}.',
    '"Be quiet, the lion is in the {spot}," {_say} the {job}.',
    'a sign by the {_landmark} said, "The lion is in the {spot}."',
)


def _settle(rng: random.Random, slots: _Slots, hero: _Character) -> None:
    """Choose where the story takes place: an animal's habitat, or anywhere for people."""
    spot = ""
    if hero.is_animal:
        spot = _pick(rng, _HOMES[hero.kind])
    if spot not in PLACES:
        spot = _pick(rng, _VILLAGES)
    preposition = PLACES[spot][0]
    slots.update(spot=spot, place=f"the {_pick(rng, _ADJECTIVES[spot])} {spot}", at=preposition)
    slots["paw"] = "paw" if hero.is_animal else "hand"


def _story(rng: random.Random) -> str:
    plot = PLOTS[rng.randrange(len(PLOTS))]
    hero = _character(rng, 0.5)
    helper = _character(rng, 0.6 if hero.is_animal else 0.35)
    while helper.kind == hero.kind or helper.names[0] == hero.names[0]:
        helper = _character(rng, 0.6 if hero.is_animal else 0.35)
    good = rng.random() < 0.72
    slots = _Slots(rng, hero, helper)
    slots.update(intro=hero.intro, helper_intro=helper.intro, mood=_pick(rng, FEELINGS_GOOD if good else FEELINGS_BAD))
    jobs = [job for job in _pick_distinct(rng, JOBS, 4) if job not in (hero.kind, helper.kind)]
    slots.update(job=jobs[0], other_job=jobs[1])
    slots["material"], slots["other_material"] = _pick_distinct(rng, _CHOICES["material"], 2)
    time = _pick(rng, _CHOICES["time"])
    slots.update(time=time, weather=_pick(rng, _WEATHER[time]))
    _settle(rng, slots, hero)
    say = slots.say
    known = "{helper}" in plot.want or any("{helper}" in template for template in plot.goal)
    opening = [say(_pick(rng, _OPENINGS))]
    if known:
        opening.append(say(_pick(rng, _FRIENDS)))
    if rng.random() < 0.5:
        opening.append(say(_pick(rng, _ASIDES)))
    middle = [say(_pick(rng, plot.goal)), say(_pick(rng, plot.trouble))]
    if hero.kind == "lion" and slots["at"] == "in" and rng.random() < 0.5:
        middle.append(say(_LION_TALK[1 if not known else rng.randrange(3)]))
    if not known:
        middle.append(say(_pick(rng, _MEETINGS)))
    if rng.random() < 0.5:
        middle.append(say(_pick(rng, _DIALOGUES)))
    middle.append(say(_pick(rng, plot.help)))
    end = [
        say(_pick(rng, plot.good if good else plot.bad)),
        say(_pick(rng, _CLOSINGS_GOOD if good else _CLOSINGS_BAD)),
    ]
    text = " ".join(opening) + "\n" + " ".join(middle) + "\n" + " ".join(end)
    return text + _afterword(rng, slots, plot, hero, good)


def _afterword(rng: random.Random, slots: _Slots, plot: Plot, hero: _Character, good: bool) -> str:
    """A question with its answer, a summary, a judgement, or nothing."""
    draw = rng.random()
    if draw < 0.25:
        question, answer = _question(rng, slots, plot, hero, good)
        return f"\nQuestion: {slots.say(question)}\nAnswer: {slots.say(answer)}"
    if draw < 0.42:
        return "\nSummary: " + slots.say(plot.summary_good if good else plot.summary_bad)
    if draw < 0.62:
        return "\n" + slots.say(_pick(rng, _JUDGEMENTS_GOOD if good else _JUDGEMENTS_BAD))
    return ""


_JUDGEMENTS_GOOD = (
    "{he} was very happy.",
    "{he} was very {mood}.",
    "{hero} was very {mood}.",
    "it was a good day for {hero} and {helper}.",
    "the story of {hero} ended well.",
)
_JUDGEMENTS_BAD = (
    "{he} was very sad.",
    "{he} was very {mood}.",
    "{hero} was very {mood}.",
    "it was a bad day for {hero} and {helper}.",
    "the story of {hero} ended badly.",
)


def _question(rng: random.Random, slots: _Slots, plot: Plot, hero: _Character, good: bool) -> tuple[str, str]:
    name = hero.names[0]
    questions = [
        (f"where did {name} live?", "{he} lived {at} {place}."),
        (f"where did {name} live?", f"{{at}} the {slots['spot']}."),
        (f"what did {name} want to do?", "{he} wanted to " + plot.want + "."),
        (f"how did {name} feel at the end?", "{he} felt {mood}."),
        (f"was {name} happy at the end?", "yes, {he} felt {mood}." if good else "no, {he} felt {mood}."),
    ]
    if hero.is_animal and not name.startswith("the "):
        questions.append((f"what kind of animal was {name}?", f"{name} was a(n) {hero.kind}."))
    elif not hero.is_animal:
        questions.append((f"who was {name}?", hero.intro.partition(" named ")[0] + "."))
    return questions[rng.randrange(len(questions))]


_STAYS = (
    "{the} is in the {where}.",
    "{the} is in the {where}.",
    "{the} is in the {where} near the {_landmark}.",
    "{the} is in the {where} and {_does} {_beside} the {_landmark}.",
    "{the} is in the {where} because of the {_food} {_hiding}.",
    "{the} is in the {where}, and it {_does} {_beside} a(n) {_prop}.",
)
_DOINGS = (
    "it is looking at a(n) {_prop} {_hiding}.",
    "it is {_doing} {_beside} the {_landmark}, and {_now}.",
    "it has found some {_food} {_hiding}.",
    "it does not see the {_insect} {_hiding}.",
    "it is {_trait} today, for {_now}.",
    "a(n) {_prop} lies {_beside} the {_landmark}.",
)
_PEOPLE_NOW = (
    "{person} is {_doing} {at} {place}.",
    "{person} is {at} {place} and has a(n) {_prop}.",
    "{person} the {job} is {at} {place}.",
    "{person} looks for {_food} {at} {place}.",
    "{_now}, and {person} is {_doing} {_beside} the {_landmark}.",
)
_CHOICES |= {
    "does": ("sleeps", "waits", "rests", "plays", "sits", "hides", "dreams", "listens", "lies"),
    "doing": (
        "sleeping",
        "waiting",
        "resting",
        "playing",
        "sitting",
        "hiding",
        "dreaming",
        "listening",
        "thinking",
    ),
    "beside": ("beside", "near", "behind", "in front of", "next to", "not far from"),
    "now": (
        "the sun is shining",
        "it is raining",
        "the wind is cold",
        "snow is falling",
        "the sky is grey",
        "the moon is full",
        "the birds are singing",
        "it is very hot",
        "the leaves are red",
        "a storm is coming",
        "it is early",
        "it is late",
    ),
    "sad": FEELINGS_BAD,
}
_LION_SHARE = 0.45


def _scene(rng: random.Random) -> str:
    """A picture in the present tense: who is where, and what they are doing there."""
    animals = _pick_distinct(rng, _ANIMALS, 1 + rng.randrange(3))
    if rng.random() < _LION_SHARE and "lion" not in animals:
        animals[0] = "lion"
    rng.shuffle(animals)
    places = [_pick(rng, _HOMES[animal]) for animal in animals]
    nobody = _Character("", ("",), "", False, False)
    lines = []
    for animal, where in zip(animals, places, strict=True):
        slots = _Slots(rng, nobody, nobody)
        slots.update(the=f"the {animal}", where=where)
        lines.append(slots.say(_pick(rng, _STAYS)))
        if rng.random() < 0.6:
            lines.append(slots.say(_pick(rng, _DOINGS)))
    if rng.random() < 0.6:
        spot = _pick(rng, _OUTDOORS)
        slots = _Slots(rng, nobody, nobody)
        slots.update(
            person=_pick(rng, GIRLS + BOYS),
            at=PLACES[spot][0],
            place=f"the {_pick(rng, _ADJECTIVES[spot])} {spot}",
        )
        lines.append(slots.say(_pick(rng, _PEOPLE_NOW)))
    text = " ".join(lines)
    if rng.random() < 0.35:
        index = rng.randrange(len(animals))
        animal, where = animals[index], places[index]
        text += f"\nQuestion: Where is the {animal}?\nAnswer: The {animal} is in the {where}."
    return text
