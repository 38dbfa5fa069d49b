"""Learners, their progress, and who may do what with whose runs in a class."""

from __future__ import annotations

import csv
import dataclasses
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.classroom.access import AccessError, LearnerLab
from engine.classroom.learners import LearnerStore, clean_name, is_key, learner_of, new_key
from engine.classroom.teacher_key import KeyCheck, new_teacher_key
from engine.errors import ConfigError
from engine.runs.config import RunConfig
from engine.runs.service import RunService
from engine.settings import Settings
from tests.runs.helpers import open_bench, tiny_config

KEY = "a-key-for-the-tests"


def small_config(**settings: Any) -> RunConfig:
    return tiny_config(f"upload:{64 * '0'}", **settings)  # never trained, so its text is never read


@pytest.fixture
def learners(tmp_path: Path) -> Iterator[LearnerStore]:
    bench = open_bench(tmp_path)
    store = LearnerStore(bench.settings.store)
    yield store
    bench.store.close()
    store.close()


@pytest.fixture
def service_in_class(tmp_path: Path) -> Iterator[RunService]:
    limits = {"runs_per_learner": 2, "seconds_per_run": 60, "seconds_per_hour": 100}
    bench = open_bench(tmp_path)
    settings = dataclasses.replace(bench.settings, teacher_key=KEY, **limits)
    service = RunService(settings, start=False)
    yield service
    bench.store.close()
    service.close()


# --- learners ---------------------------------------------------------------------------------------------------


def test_a_key_is_random_and_its_learner_does_not_tell_it():
    key = new_key()
    assert is_key(key) and key != new_key()
    assert len(learner_of(key)) == 16 and learner_of(key) not in key and learner_of(key) == learner_of(key)
    for wrong in ("", "g" * 32, "0" * 31, None, 5, "0" * 32 + "\n", "'; drop table learners; --"):
        assert not is_key(wrong)


def test_a_learner_is_known_from_the_first_visit_and_has_a_name_when_they_want_one(learners):
    assert learners.get("ada") is None and not learners.is_teacher("ada")
    learners.seen("ada", "tokenization", "Learn")
    found = learners.get("ada")
    assert (found.lesson, found.part, found.name, found.shown) == ("tokenization", "Learn", "", "Learner ada")
    learners.rename("ada", "  Ada\n<b>Lovelace</b>\x00 \ud800 ")
    assert learners.get("ada").shown == "Ada <b>Lovelace</b> ?"
    learners.rename("ada", "")
    assert learners.get("ada").shown == "Learner ada"
    assert clean_name("x" * 99) == "x" * 40


def test_who_was_here_last_comes_first(learners, monkeypatch):
    for at, name in enumerate(("ada", "bob", "ada")):
        monkeypatch.setattr(time, "time", lambda at=at: 1_000.0 + at)
        learners.seen(name)
    assert [each.learner for each in learners.all()] == ["ada", "bob"]


def test_a_later_result_takes_the_place_of_an_earlier_and_can_be_taken_back(learners):
    learners.mark("ada", "tokenization", "quiz-1", {"choice": 2, "right": False})
    learners.mark("ada", "tokenization", "quiz-1", {"choice": 0, "right": True})
    learners.mark("ada", "tokenization", "step-1")
    learners.mark("bob", "tokenization", "step-1")
    assert [(mark.item, mark.value) for mark in learners.marks("ada")] == [
        ("quiz-1", {"choice": 0, "right": True}),
        ("step-1", True),
    ]
    learners.unmark("ada", "tokenization", ["step-1"])
    assert [mark.item for mark in learners.marks("ada")] == ["quiz-1"]
    learners.forget("ada")
    assert learners.marks("ada") == [] and learners.get("ada") is None and len(learners.marks()) == 1


def test_the_table_of_results_holds_no_formula(learners):
    learners.rename("ada", "=HYPERLINK(1)")
    learners.mark("ada", "data", "step-1", "@sum(1)")
    rows = list(csv.DictReader(io.StringIO(learners.csv())))
    assert rows[0]["name"] == "HYPERLINK(1)" and rows[0]["result"] == "'@sum(1)"
    assert rows[0]["lesson"] == "data" and rows[0]["time"].endswith("+00:00")


def test_a_teacher_is_one_for_some_hours(learners, monkeypatch):
    learners.make_teacher("eve")
    assert learners.is_teacher("eve") and not learners.is_teacher("ada")
    later = time.time() + 13 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert not learners.is_teacher("eve")
    monkeypatch.undo()
    learners.make_teacher("eve", on=False)
    assert not learners.is_teacher("eve")


def test_a_clock_that_went_back_makes_nobody_a_teacher_for_longer(learners, monkeypatch):
    learners.make_teacher("eve")
    earlier = time.time() - 40 * 3600
    monkeypatch.setattr(time, "time", lambda: earlier)
    assert not learners.is_teacher("eve")


# --- the key ----------------------------------------------------------------------------------------------------


def test_only_the_key_is_right_and_guessing_is_slow(monkeypatch):
    check = KeyCheck(KEY, per_minute=5)
    assert check.is_right(f" {KEY}\n") and not check.is_right("") and not check.is_right(KEY[:-1])
    assert not check.is_right("\ud800") and not check.is_right(KEY.upper())
    assert check.seconds_to_wait() > 0 and not check.is_right(KEY)
    soon = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: soon)
    assert check.seconds_to_wait() == 0 and check.is_right(KEY)


def test_a_made_key_is_long_and_a_short_one_is_refused(tmp_path):
    assert len({new_teacher_key() for _ in range(50)}) == 50
    assert Settings.at(tmp_path, teacher_key=new_teacher_key()).in_class
    with pytest.raises(ConfigError, match="at least 12"):
        Settings.at(tmp_path, teacher_key="short")
    assert KEY not in repr(Settings.at(tmp_path, teacher_key=KEY))


# --- runs -------------------------------------------------------------------------------------------------------


def test_alone_everything_is_everybodys(service):
    ada, bob = LearnerLab(service, "ada"), LearnerLab(service, "bob")
    run_id = ada.submit(small_config(seed=1))
    assert [record.run_id for record in bob.runs()] == [run_id] and bob.may_steer(run_id)
    bob.request(run_id, "pause")
    bob.delete(run_id)
    assert ada.runs() == []


def test_in_a_class_a_learner_neither_sees_nor_touches_the_runs_of_another(service_in_class):
    ada, bob = (LearnerLab(service_in_class, name) for name in ("ada", "bob"))
    teacher = LearnerLab(service_in_class, "eve", teacher=True)
    run_id = ada.submit(small_config(seed=1), "Ada's")
    assert bob.runs() == [] and [record.run_id for record in ada.runs()] == [run_id]
    assert bob.run(run_id).label == "Ada's"  # by its link
    for attempt in (
        lambda: bob.request(run_id, "stop"),
        lambda: bob.request(run_id, "pause"),
        lambda: bob.request(run_id, "learning_rate", 2.0),
        lambda: bob.request(run_id, "restart"),
        lambda: bob.request(run_id, "delete"),
        lambda: bob.delete(run_id),
        lambda: bob.rename(run_id, "mine"),
        lambda: bob.share(run_id),
    ):
        with pytest.raises(AccessError, match="another learner's"):
            attempt()
    assert ada.run(run_id).state == "queued" and ada.run(run_id).label == "Ada's"
    ada.share(run_id)
    assert [record.run_id for record in bob.runs()] == [run_id] and not bob.may_steer(run_id)
    ada.share(run_id, on=False)
    assert bob.runs() == []
    assert [record.run_id for record in teacher.runs()] == [run_id]
    teacher.request(run_id, "pause")
    assert ada.run(run_id).state == "paused"


def test_two_who_ask_for_the_same_share_it_and_neither_takes_it_from_the_other(service_in_class):
    ada, bob = (LearnerLab(service_in_class, name) for name in ("ada", "bob"))
    run_id = ada.submit(small_config(seed=1))
    assert bob.submit(small_config(seed=1)) == run_id and len(service_in_class.runs()) == 1
    assert ada.may_steer(run_id) and not bob.may_steer(run_id) and bob.is_mine(run_id)
    ada.delete(run_id)  # she leaves it to him
    assert ada.runs() == [] and bob.may_steer(run_id) and bob.run(run_id).state == "queued"
    bob.delete(run_id)
    assert service_in_class.runs() == [] and service_in_class.store.askers(run_id) == []


def test_what_nobody_asked_for_is_seen_by_all_and_changed_by_the_teacher(service_in_class):
    run_id = service_in_class.submit(small_config(seed=1))
    ada = LearnerLab(service_in_class, "ada")
    assert [record.run_id for record in ada.runs()] == [run_id]
    with pytest.raises(AccessError):
        ada.delete(run_id)
    LearnerLab(service_in_class, "eve", teacher=True).delete(run_id)


def test_one_learner_cannot_fill_the_queue(service_in_class):
    ada = LearnerLab(service_in_class, "ada")
    first, _ = (ada.submit(small_config(seed=n)) for n in (1, 2))
    with pytest.raises(AccessError, match="2 runs that wait or train"):
        ada.submit(small_config(seed=3))
    assert ada.submit(small_config(seed=1)) == first  # what is there costs nothing
    LearnerLab(service_in_class, "bob").submit(small_config(seed=3))
    LearnerLab(service_in_class, "ada", teacher=True).submit(small_config(seed=4))


def test_pausing_makes_no_room_that_resuming_takes_twice(service_in_class):
    ada = LearnerLab(service_in_class, "ada")
    paused = [ada.submit(small_config(seed=n)) for n in (1, 2)]
    for run_id in paused:
        ada.request(run_id, "pause")
    for n in (3, 4):
        ada.submit(small_config(seed=n))
    with pytest.raises(AccessError, match="2 runs that wait or train"):
        ada.request(paused[0], "resume")


def test_long_runs_and_long_hours_are_refused_in_a_class(service_in_class):
    ada = LearnerLab(service_in_class, "ada")
    with pytest.raises(AccessError, match="at most 60 seconds"):
        ada.submit(small_config(seed=1, steps=None, seconds=61))
    run_id = ada.submit(small_config(seed=1))
    store = service_in_class.store
    claim = store.claim(run_id, "worker")
    store.append(claim, [{"kind": "step", "step": 1, "loss": 1.0, "seconds": 101.0, "tokens": 8}])
    store.settle(claim, "finished")
    with pytest.raises(AccessError, match="101 seconds"):
        ada.submit(small_config(seed=2))


def test_learners_take_turns_in_the_queue(service_in_class):
    ada, bob = (LearnerLab(service_in_class, name, teacher=True) for name in ("ada", "bob"))
    of_ada = [ada.submit(small_config(seed=n)) for n in (1, 2, 3)]
    of_bob = bob.submit(small_config(seed=4))
    waiting = [record.run_id for record in service_in_class.store.queued()]
    assert waiting == [of_ada[0], of_bob, *of_ada[1:]]
    assert service_in_class.queue_position(of_bob) == 2
    service_in_class.store.claim(of_ada[0], "worker")
    assert next(record.run_id for record in service_in_class.store.queued()) == of_bob
    of_nobody = service_in_class.submit(small_config(seed=5))
    assert service_in_class.queue_position(of_nobody) == 1 + 1
