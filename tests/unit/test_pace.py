"""How live panels slow down when many look."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from engine.classroom.pace import FACTORS, Pace
from pages.shared import live, turns


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def watch(pace: Pace, clock: Clock, n: int, seconds: float = 0.01, every: float = 1.0) -> int:
    """`n` panels are drawn once, and then it is looked how fast they go."""
    for number in range(n):
        pace.drawn(str(number), every, seconds)
    clock.now += 1.0
    return pace.factor


def test_few_panels_are_drawn_as_often_as_they_like(clock: Clock) -> None:
    assert watch(Pace(0.3, clock), clock, 30) == 1


def test_many_panels_together_stay_within_the_budget(clock: Clock) -> None:
    for n in (31, 60, 61, 150):
        factor = watch(Pace(0.3, clock), clock, n)
        assert n * 0.01 / factor <= 0.3 + 1e-9
        assert factor == 1 or n * 0.01 / FACTORS[FACTORS.index(factor) - 1] > 0.3


def test_more_than_can_be_helped_is_as_slow_as_it_gets(clock: Clock) -> None:
    assert watch(Pace(0.3, clock), clock, 5000) == FACTORS[-1]


def test_what_is_just_within_the_budget_does_not_go_to_and_fro(clock: Clock) -> None:
    pace = Pace(0.3, clock)
    assert watch(pace, clock, 31) == 2
    assert watch(pace, clock, 29) == 2  # one has gone, or the others have become a little cheaper
    assert [watch(pace, clock, 20) for _ in range(20)][-1] == 1


def test_panels_that_are_no_longer_drawn_are_forgotten(clock: Clock) -> None:
    pace = Pace(0.3, clock)
    assert watch(pace, clock, 150) == 5
    clock.now += 60.0
    assert pace.factor == 1


def test_one_slow_drawing_does_not_slow_everybody_down(clock: Clock) -> None:
    pace = Pace(0.3, clock)
    watch(pace, clock, 20)
    pace.drawn("0", 1.0, 0.2)
    clock.now += 1.0
    assert pace.factor == 1


def test_a_panel_within_a_panel_needs_no_turn_of_its_own(monkeypatch):
    only_one = turns.Turns(1, patience=30)
    monkeypatch.setattr(turns, "PAGES", only_one)
    in_fragment = SimpleNamespace(fragment_ids_this_run=["panel"])
    monkeypatch.setattr(live, "get_script_run_ctx", lambda **_unused: in_fragment)
    with live._turn():
        assert not only_one._free
        with live._turn():
            assert not only_one._free
    assert only_one._free
