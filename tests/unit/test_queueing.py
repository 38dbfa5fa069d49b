"""Turns in the queue: nobody a second time while others wait for their first."""

from hypothesis import given
from hypothesis import strategies as st

from engine.runs.queueing import Waiting, fair_order

LEARNERS = "abcde"


def of(*runs: tuple[str, str]) -> list[Waiting]:
    return [Waiting(run_id, tuple(learners)) for run_id, learners in runs]


def test_alone_a_learners_runs_keep_their_order():
    assert fair_order(of(("1", "a"), ("2", "a"), ("3", "a")), {}, {}) == ["1", "2", "3"]


def test_who_trains_already_waits_for_who_does_not():
    assert fair_order(of(("1", "a"), ("2", "b")), {"a": 1}, {"a": 3.0}) == ["2", "1"]


def test_who_had_a_turn_waits_for_who_never_had_one_although_nothing_trains():
    assert fair_order(of(("1", "a"), ("2", "b")), {}, {"a": 3.0}) == ["2", "1"]
    assert fair_order(of(("1", "a"), ("2", "b")), {}, {"a": 3.0, "b": 9.0}) == ["1", "2"]


def test_a_run_of_two_learners_goes_when_the_first_of_them_may():
    assert fair_order(of(("1", "a"), ("2", "b"), ("3", "ac")), {"a": 1}, {"a": 1.0, "b": 2.0}) == ["3", "2", "1"]


def test_runs_that_nobody_asked_for_share_one_turn():
    assert fair_order(of(("1", ""), ("2", ""), ("3", "a")), {}, {}) == ["1", "3", "2"]


@given(st.lists(st.sampled_from(LEARNERS), max_size=20))
def test_until_everybody_had_a_turn_nobody_has_two(owners):
    queue = [Waiting(str(n), (owner,)) for n, owner in enumerate(owners)]
    order = fair_order(queue, {}, {})
    assert sorted(order) == sorted(run.run_id for run in queue)
    turns = [owners[int(run_id)] for run_id in order]
    firsts = len(set(owners))
    assert len(set(turns[:firsts])) == firsts
    for learner in set(owners):
        own = [int(run_id) for run_id in order if owners[int(run_id)] == learner]
        assert own == sorted(own)
