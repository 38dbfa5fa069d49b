"""The airline: what is held out is new, what is told is told once, and a fact is recognised."""

from collections import Counter

import pytest

from engine.airline import N_KNOWN, N_NEW, airline
from engine.answers import says_fact
from engine.errors import ConfigError


def test_what_is_held_out_occurs_nowhere_in_training():
    data = airline()
    trained = {question.example.instruction for question in data.train}
    assert not trained & {question.example.instruction for question in data.new_phrasings}
    told = "\n".join(f"{question.example.instruction} {question.example.answer}" for question in data.train)
    for route in data.new_routes:
        assert f"{route.origin} to {route.destination}" not in told
        assert route.flight not in told and f"costs {route.fare} euros" not in told


def test_every_fact_that_is_asked_in_new_words_was_told():
    data = airline()
    told = {(question.topic, question.example.answer) for question in data.train}
    assert {(question.topic, question.example.answer) for question in data.new_phrasings} == told
    assert len(data.known_routes) == N_KNOWN and len(data.new_routes) == N_NEW
    assert len({question.example.instruction for question in data.train}) == len(data.train)
    topics = Counter(question.topic for question in data.train)
    assert topics["fare"] == 11 * N_KNOWN and topics["schedule"] == 8 * N_KNOWN


def test_the_facts_tell_the_routes_apart_and_answers_say_them():
    data = airline()
    every = (*data.known_routes, *data.new_routes)
    assert len({route.fare for route in every}) == len({route.flight for route in every}) == len(every)
    for question in (*data.train, *data.new_phrasings, *data.about_new_routes):
        assert says_fact(question.example.answer, question.fact)
    fares = Counter(route.fare for route in data.known_routes)
    assert fares.most_common(1)[0][1] / N_KNOWN < 0.05  # always saying the same is right in fewer than 5 %


@pytest.mark.parametrize(
    ("answer", "fact", "right"),
    [
        ("A ticket costs 240 euros.", "240", True),
        ("240", "240", True),
        ("It is 240, or 250 euros.", "240", False),
        ("It costs 2400 euros.", "240", False),
        ("It leaves at 07:35.", "07:35", True),
        ("It leaves at 07:36.", "07:35", False),
        ("It is AL217.", "AL 217", True),
        ("", "240", False),
        ("I do not know.", "240", False),
    ],
)
def test_a_fact_is_right_when_it_is_said_and_nothing_else(answer, fact, right):
    assert says_fact(answer, fact) is right


def test_a_seed_is_an_airline():
    assert airline(3) == airline(3) and airline(3).known_routes != airline(4).known_routes
    with pytest.raises(ConfigError):
        airline(-1)
