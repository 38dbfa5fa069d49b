"""Pages drawn a few at a time."""

import threading
import time

import pytest

from pages.shared.turns import CLICK, CLOCK, Turns


def busiest(turns, n, work):
    """The most of `n` threads that were in their turn at once."""
    inside, most, lock = [0], [0], threading.Lock()

    def count(by):
        with lock:
            inside[0] += by
            most[0] = max(most[0], inside[0])

    def draw():
        with turns.one():
            count(1)
            work(lambda: count(-1), lambda: count(1))
            count(-1)

    threads = [threading.Thread(target=draw) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    return most[0]


def test_no_more_than_so_many_at_once_and_all_come_to_their_turn():
    assert busiest(Turns(2), 6, lambda out, back: time.sleep(0.02)) == 2


def test_who_waits_for_something_lets_others_draw():
    turns, met = Turns(1), threading.Barrier(4, timeout=5)

    def work(out, back):
        out()
        with turns.given_back():
            met.wait()  # all four are here at once, though only one of them has a turn
        back()

    assert busiest(turns, 4, work) == 1


def test_a_turn_within_a_turn_needs_no_second_place():
    turns = Turns(1, patience=30)
    with turns.one(), turns.one(), turns.given_back():
        pass
    assert busiest(turns, 2, lambda out, back: None) == 1


def test_what_fails_gives_its_place_back():
    turns = Turns(1, patience=30)
    with pytest.raises(ValueError, match="broken"), turns.one():
        raise ValueError("broken")
    assert busiest(turns, 2, lambda out, back: None) == 1


def test_nobody_waits_for_ever_for_a_place_that_is_not_given_back():
    turns = Turns(1, patience=0.05)
    with turns.one():
        done = threading.Event()
        thread = threading.Thread(target=lambda: busy(turns, done))
        thread.start()
        assert done.wait(5)
        thread.join()


def busy(turns, done):
    with turns.one():
        done.set()


def test_clicks_come_before_clocks_and_each_in_the_order_of_asking():
    turns, order, threads = Turns(1, patience=30), [], []

    def draw(name, asker):
        with turns.one(asker):
            order.append(name)

    with turns.one():
        for name, asker in (("clock 1", CLOCK), ("click 1", CLICK), ("clock 2", CLOCK), ("click 2", CLICK)):
            threads.append(threading.Thread(target=draw, args=(name, asker)))
            threads[-1].start()
            while len(turns._queue) < len(threads):
                time.sleep(0.001)
    for thread in threads:
        thread.join(5)
    assert order == ["click 1", "click 2", "clock 1", "clock 2"]
