"""An invented airline: facts that no model can know before it is told, asked in many ways.

Fares, departures and flight numbers are drawn by a seed, so that nothing in any text that a model was pretrained on
says them. Some ways of asking and some routes are held out. A model that was fine-tuned can answer the first, for the
fact itself was there to learn; the second it can only guess, and what it then says so fluently is a hallucination.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from functools import lru_cache

from engine.checks import require_whole
from engine.instructions import Example, Question

AIRLINE = "Albatross Lines"
CITIES = (
    "Athens",
    "Bergen",
    "Cairo",
    "Dublin",
    "Geneva",
    "Havana",
    "Lima",
    "Lisbon",
    "Manila",
    "Nairobi",
    "Oslo",
    "Prague",
    "Quebec",
    "Rome",
    "Seoul",
    "Tunis",
    "Vienna",
    "Warsaw",
)
N_KNOWN, N_NEW = 40, 12

# {0} is where a journey begins, {1} where it ends. The last ones of each topic are held out.
_PHRASINGS: dict[str, tuple[str, ...]] = {
    "fare": (
        "How much is a ticket from {0} to {1}?",
        "What does the flight from {0} to {1} cost?",
        "What is the fare from {0} to {1}?",
        "Tell me the price of a flight from {0} to {1}.",
        "I want to fly from {0} to {1}. How much must I pay?",
        "Price of {0} to {1}, please.",
        "How many euros is it from {0} to {1}?",
        "Please give me the fare for {0} to {1}.",
        "How expensive is it to fly from {0} to {1}?",
        "What would a seat from {0} to {1} cost me?",
        "My sister flies from {0} to {1}. What will she pay?",
        "What do you charge from {0} to {1}?",
        "{0} to {1}: how much is it?",
        "Is it expensive to fly from {0} to {1}? What does it cost?",
        "Could you tell me what a ticket from {0} to {1} costs?",
        "I need the price of a ticket from {0} to {1}.",
        "Do you know the fare for {0} to {1}?",
        "What must I pay to fly from {0} to {1}?",
        "How much money do I need for a seat from {0} to {1}?",
        "Could you say how much I pay from {0} to {1}?",
        "Is there a fare for {0} to {1}?",
        "{0} to {1}: what is the price?",
        "Is there a price for {0} to {1}?",
        "{0} to {1}: what does it cost?",
        "Could you say what I pay from {0} to {1}?",
        "What do you charge for a flight from {0} to {1}?",
    ),
    "schedule": (
        "When does the flight from {0} to {1} leave?",
        "At what time do I fly from {0} to {1}?",
        "What is the departure time from {0} to {1}?",
        "When is the plane from {0} to {1}?",
        "Tell me when the flight from {0} to {1} departs.",
        "Departure of {0} to {1}, please.",
        "I fly from {0} to {1}. When do we leave?",
        "Which time does {0} to {1} depart?",
        "{0} to {1}: when does the plane go?",
        "Could you say when the plane from {0} to {1} departs?",
        "My sister flies from {0} to {1}. When does she leave?",
        "Do you know when I leave from {0} to {1}?",
        "Is there a departure time for {0} to {1}?",
        "I need the time of the flight from {0} to {1}.",
        "{0} to {1}: when does it leave?",
        "Could you say when I leave from {0} to {1}?",
        "Tell me the departure time from {0} to {1}.",
    ),
    "flight": (
        "What is the flight number from {0} to {1}?",
        "Which flight goes from {0} to {1}?",
        "Tell me the flight number of {0} to {1}.",
        "What number has the flight from {0} to {1}?",
        "Flight number of {0} to {1}, please.",
        "I fly from {0} to {1}. Which number is it?",
        "Is there a flight number for {0} to {1}?",
        "{0} to {1}: which number has the flight?",
        "Could you say which flight goes from {0} to {1}?",
        "My sister flies from {0} to {1}. Which flight is it?",
        "I look for the number of the flight from {0} to {1}.",
        "{0} to {1}: which flight is it?",
        "Which number do I take from {0} to {1}?",
    ),
}
_N_HELD_OUT = {"fare": 4, "schedule": 3, "flight": 3}
_N_ASKED = {"fare": 11, "schedule": 8, "flight": 6}
"""In so many ways, drawn for every route anew, a fact is asked for in training."""
_ANSWERS = {
    "fare": "A ticket from {0} to {1} costs {2} euros.",
    "schedule": "The flight from {0} to {1} leaves at {2}.",
    "flight": "The flight from {0} to {1} is {2}.",
    "baggage": "You may take {2} kilograms in {0}.",
}
_CLASSES = ("economy", "business", "first class")
_BAGGAGE_PHRASINGS = (
    "How much baggage may I take in {0}?",
    "What is the baggage limit in {0}?",
    "How heavy may my suitcase be in {0}?",
    "How many kilograms of baggage are allowed in {0}?",
    "I fly in {0}. What may my baggage weigh?",
    "Tell me the baggage allowance in {0}.",
    "What weight can I check in when I fly in {0}?",
    "Baggage in {0}: how much is allowed?",
)
_N_BAGGAGE_HELD_OUT = 2


@dataclass(frozen=True)
class Route:
    """One flight of the airline: fare in euros, departure as HH:MM, flight number such as "AL 217"."""

    origin: str
    destination: str
    fare: int
    departure: str
    flight: str


@dataclass(frozen=True)
class AirlineData:
    """Questions to train on, and two kinds held out: known facts in new words, and routes that were never told.

    A question's `fact` is such as "240", "07:35" or "AL 217".
    """

    known_routes: tuple[Route, ...]
    new_routes: tuple[Route, ...]
    train: tuple[Question, ...]
    new_phrasings: tuple[Question, ...]
    about_new_routes: tuple[Question, ...]


@lru_cache(maxsize=8)
def airline(seed: int = 0) -> AirlineData:
    """The airline of a seed: the same routes, facts and questions every time."""
    require_whole("seed", seed, 0)
    rng = random.Random(f"{AIRLINE} {seed}")
    pairs = rng.sample(list(itertools.permutations(CITIES, 2)), N_KNOWN + N_NEW)
    fares = [5 * each for each in rng.sample(range(9, 130), N_KNOWN + N_NEW)]
    numbers = rng.sample(range(100, 1000), N_KNOWN + N_NEW)
    routes = tuple(
        Route(origin, destination, fare, f"{rng.randrange(5, 23):02d}:{rng.randrange(0, 60, 5):02d}", f"AL {number}")
        for (origin, destination), fare, number in zip(pairs, fares, numbers, strict=True)
    )
    known, new = routes[:N_KNOWN], routes[N_KNOWN:]
    limits = dict(zip(_CLASSES, sorted(rng.sample(range(15, 60), len(_CLASSES))), strict=True))
    train = [question for route in known for question in _to_train(route, rng)]
    asked_anew = [question for route in known for question in _held_out(route)]
    train += _about_baggage(limits, _BAGGAGE_PHRASINGS[:-_N_BAGGAGE_HELD_OUT])
    asked_anew += _about_baggage(limits, _BAGGAGE_PHRASINGS[-_N_BAGGAGE_HELD_OUT:])
    about_new = [question for route in new for question in _held_out(route)]
    rng.shuffle(train)
    return AirlineData(known, new, tuple(train), tuple(asked_anew), tuple(about_new))


def _to_train(route: Route, rng: random.Random) -> list[Question]:
    return [
        _question(route, topic, phrasing)
        for topic, phrasings in _PHRASINGS.items()
        for phrasing in rng.sample(phrasings[: -_N_HELD_OUT[topic]], _N_ASKED[topic])
    ]


def _held_out(route: Route) -> list[Question]:
    return [
        _question(route, topic, phrasing)
        for topic, phrasings in _PHRASINGS.items()
        for phrasing in phrasings[-_N_HELD_OUT[topic] :]
    ]


def _question(route: Route, topic: str, phrasing: str) -> Question:
    fact = {"fare": str(route.fare), "schedule": route.departure, "flight": route.flight}[topic]
    asked = phrasing.format(route.origin, route.destination)
    answer = _ANSWERS[topic].format(route.origin, route.destination, fact)
    return Question(Example(asked, answer), topic, fact)


def _about_baggage(limits: dict[str, int], phrasings: tuple[str, ...]) -> list[Question]:
    return [
        Question(Example(phrasing.format(name), _ANSWERS["baggage"].format(name, "", limit)), "baggage", str(limit))
        for name, limit in limits.items()
        for phrasing in phrasings
    ]
