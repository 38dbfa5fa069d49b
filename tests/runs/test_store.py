"""The record and the queue: who may write, what follows what, what a chart gets."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.errors import RunError
from engine.runs import states
from engine.runs.lease import Lease, holder_name, is_gone, leader, live_leader
from engine.runs.records import Claim, StoredCheckpoint
from engine.runs.store import MAX_LOSSES, ClaimLost
from tests.runs.helpers import Bench, wait_for


def step_event(step: int, loss: float = 1.0) -> dict[str, Any]:
    return {"kind": "step", "step": step, "loss": loss, "seconds": step / 10, "tokens": step * 8}


def eval_event(step: int, loss: float) -> dict[str, Any]:
    return {"kind": "eval", "step": step, "validation_loss": loss}


def claimed(bench: Bench, run_id: str = "a") -> Claim:
    bench.store.create(run_id, {"training": {"seconds": None}})
    claim = bench.store.claim(run_id, "worker")
    assert claim is not None
    return claim


def saved(bench: Bench, claim: Claim, step: int) -> None:
    bench.store.add_checkpoint(claim, StoredCheckpoint(step, 1.0, 2.0, f"runs/a/{step}", True, True))


def told_states(bench: Bench, run_id: str = "a") -> list[str]:
    return [event.payload["state"] for event in bench.store.events(run_id, kinds=["state"])]


def test_two_submits_make_one_run(bench: Bench) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: bench.store.create("a", {"x": 1}), range(8)))
    assert [record.run_id for record in bench.store.all()] == ["a"]
    assert told_states(bench) == ["queued"]


def test_many_submits_at_the_same_moment_make_one_run(bench: Bench) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: bench.store.create("a", {}, "label", f"learner {n}"), range(8)))
    assert [event.payload["state"] for event in bench.store.events("a")] == ["queued"]
    assert len(bench.store.askers("a")) == 8


def test_of_many_workers_one_gets_the_run(bench: Bench) -> None:
    bench.store.create("a", {})
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda n: bench.store.claim("a", f"worker {n}"), range(8)))
    assert sum(claim is not None for claim in claims) == 1
    assert bench.store.get("a").attempt == 1


def test_only_the_named_transitions_are_possible() -> None:
    assert set(states.TRANSITIONS) == set(states.STATES)
    for before, after in itertools.product(states.STATES, repeat=2):
        if after in states.TRANSITIONS[before]:
            states.check_transition(before, after)
        else:
            with pytest.raises(RunError, match=f"{before} cannot become {after}"):
                states.check_transition(before, after)


def test_a_worker_given_up_for_lost_can_write_nothing_any_more(bench: Bench) -> None:
    zombie = claimed(bench)
    bench.store.append(zombie, [step_event(1)])
    assert bench.store.lose("a", zombie.token, "lost") == "queued"
    for claim_again in (False, True):
        if claim_again:
            assert bench.store.claim("a", "another") is not None
        for write in (
            lambda: bench.store.append(zombie, [step_event(2)]),
            lambda: bench.store.heartbeat(zombie),
            lambda: bench.store.rewind(zombie, 0),
            lambda: bench.store.settle(zombie, "finished"),
            lambda: saved(bench, zombie, 2),
        ):
            with pytest.raises(ClaimLost):
                write()
    assert [event.step for event in bench.store.events("a", kinds=["step"])] == [1]
    assert bench.store.checkpoints("a") == []
    assert bench.store.lose("a", zombie.token, "again") is None


def test_a_run_that_loses_its_worker_again_and_again_is_given_up_with_a_sentence(bench: Bench) -> None:
    bench.store.create("a", {})
    reached = []
    for _ in range(MAX_LOSSES):
        claim = bench.store.claim("a", "worker")
        assert claim is not None
        reached.append(bench.store.lose("a", claim.token, "lost"))
    assert reached == ["queued", "queued", "failed"]
    assert "lost 3 times" in bench.store.get("a").error
    bench.store.request("a", "resume")
    assert (bench.store.get("a").state, bench.store.get("a").losses) == ("queued", 0)


def test_a_server_that_ended_is_not_held_against_the_run(bench: Bench) -> None:
    bench.store.create("a", {})
    for _ in range(MAX_LOSSES + 1):
        claim = bench.store.claim("a", "worker")
        assert claim is not None
        assert bench.store.lose("a", claim.token, "server ended", counts=False) == "queued"


def test_a_rewind_removes_later_steps_and_keeps_the_history(bench: Bench) -> None:
    claim = claimed(bench)
    bench.store.append(claim, [eval_event(0, 3.0), *(step_event(n, 1 / n) for n in range(1, 6)), eval_event(5, 1.0)])
    saved(bench, claim, 2)
    saved(bench, claim, 5)
    bench.store.rewind(claim, 3)
    assert [event.step for event in bench.store.events("a", kinds=["step"])] == [1, 2, 3]
    assert [checkpoint.step for checkpoint in bench.store.checkpoints("a")] == [2]
    record = bench.store.get("a")
    assert (record.step, record.train_loss, record.validation_loss) == (3, 1 / 3, 3.0)
    assert told_states(bench) == ["queued", "running"]


def test_a_rewind_makes_later_changes_of_the_learning_rate_wishes_again_at_their_step(bench: Bench) -> None:
    claim = claimed(bench)
    for step, value in ((2, 0.5), (4, 0.25)):
        bench.store.request("a", "learning_rate", value)
        (wish,) = bench.store.open_requests("a")
        control = {"kind": "control", "step": step, "name": "learning_rate", "value": value}
        bench.store.fulfil(claim, wish, control)
    bench.store.rewind(claim, 3)
    assert [(wish.value, wish.step) for wish in bench.store.open_requests("a")] == [(0.25, 4)]
    assert [mark["value"] for mark in bench.store.curve("a").controls] == [0.5]


def test_event_numbers_never_come_twice_so_a_reader_misses_nothing_after_a_rewind(bench: Bench) -> None:
    claim = claimed(bench)
    bench.store.append(claim, [step_event(n) for n in range(1, 6)])
    last_seen = bench.store.events("a")[-1].seq
    bench.store.rewind(claim, 2)
    bench.store.append(claim, [step_event(3), step_event(4)])
    assert [event.step for event in bench.store.events("a", after=last_seen)] == [3, 4]


@pytest.mark.parametrize("n_steps", [0, 1, 399, 400, 401, 5000])
def test_a_curve_has_at_most_400_points_the_last_step_and_every_evaluation(bench: Bench, n_steps: int) -> None:
    claim = claimed(bench)
    bench.store.append(claim, [step_event(n) for n in range(1, n_steps + 1)])
    bench.store.append(claim, [eval_event(n, 1.0) for n in range(0, n_steps, 7)])
    curve = bench.store.curve("a")
    steps = [payload["step"] for payload in curve.steps]
    assert steps == sorted({*range(curve.stride, n_steps + 1, curve.stride), *([n_steps] if n_steps else [])})
    assert len(steps) <= 401
    assert n_steps < 400 or len(steps) >= 200
    assert len(curve.evaluations) == len(range(0, n_steps, 7))


def test_infinite_numbers_are_recorded_as_unknown(bench: Bench) -> None:
    claim = claimed(bench)
    bench.store.append(claim, [step_event(1, float("inf")), step_event(2, float("nan"))])
    assert [event.payload["loss"] for event in bench.store.events("a", kinds=["step"])] == [None, None]


def test_the_queue_is_in_order_of_arrival_and_an_interrupted_run_keeps_its_place(bench: Bench) -> None:
    for name in "abc":
        bench.store.create(name, {})
    claim = bench.store.claim("a", "worker")
    assert claim is not None
    bench.store.lose("a", claim.token, "lost")
    bench.store.request("b", "pause")
    bench.store.request("b", "resume")  # whoever paused goes to the end
    assert [record.run_id for record in bench.store.queued()] == ["a", "c", "b"]


def test_wishes_that_need_no_worker_come_true_at_once(bench: Bench) -> None:
    bench.store.create("a", {})
    bench.store.request("a", "pause")
    assert bench.store.get("a").state == "paused"
    with pytest.raises(RunError, match="no model yet"):
        bench.store.request("a", "stop")
    bench.store.request("a", "resume")
    bench.store.request("a", "stop")
    assert bench.store.get("a").state == "paused"


def test_a_paused_run_with_a_model_can_be_stopped(bench: Bench) -> None:
    claim = claimed(bench)
    saved(bench, claim, 4)
    bench.store.settle(claim, "paused")
    bench.store.request("a", "stop")
    assert (bench.store.get("a").state, bench.store.get("a").note) == ("finished", "Stopped by the learner.")


def test_wishes_of_a_training_run_wait_for_its_worker_and_a_resume_takes_a_pause_back(bench: Bench) -> None:
    claim = claimed(bench)
    for kind in ("pause", "pause", "resume", "stop"):
        bench.store.request("a", kind)
    assert [wish.kind for wish in bench.store.open_requests("a")] == ["stop"]
    assert bench.store.get("a").state == "stopping"
    with pytest.raises(RunError, match="cannot be paused"):
        bench.store.request("a", "pause")
    bench.store.settle(claim, "finished")
    assert bench.store.open_requests("a") == []


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("fly", None, "unknown request"),
        ("learning_rate", None, "factor"),
        ("learning_rate", 0.0, "factor"),
        ("learning_rate", float("nan"), "factor"),
    ],
)
def test_senseless_wishes_are_refused(bench: Bench, kind: str, value: float | None, why: str) -> None:
    bench.store.create("a", {})
    with pytest.raises(RunError, match=why):
        bench.store.request("a", kind, value)


def test_any_text_can_be_a_label_or_a_prompt(bench: Bench) -> None:
    bench.store.create("a", {"prompt": "\ud800\x00ü"}, label="Lion\ud800\x00 🦁" + "x" * 500)
    record = bench.store.get("a")
    assert record.config_dict == {"prompt": "\ud800\x00ü"}
    assert record.label.startswith("Lion? 🦁") and len(record.label) == 200


def test_an_unknown_run_is_an_error_with_its_id(bench: Bench) -> None:
    for call in (
        bench.store.get,
        bench.store.delete,
        bench.store.restart,
        lambda run: bench.store.request(run, "stop"),
    ):
        with pytest.raises(RunError, match="'gone'"):
            call("gone")


def test_starting_over_forgets_everything_and_fences_the_worker(bench: Bench) -> None:
    claim = claimed(bench)
    bench.store.append(claim, [step_event(1)])
    saved(bench, claim, 1)
    assert [checkpoint.step for checkpoint in bench.store.restart("a")] == [1]
    record = bench.store.get("a")
    assert (record.state, record.step, record.train_loss) == ("queued", 0, None)
    assert [event.kind for event in bench.store.events("a")] == ["state"]
    with pytest.raises(ClaimLost):
        bench.store.append(claim, [step_event(2)])


def test_a_deleted_run_leaves_nothing_and_its_worker_cannot_bring_it_back(bench: Bench) -> None:
    claim = claimed(bench)
    bench.store.append(claim, [step_event(1)])
    bench.store.delete("a")
    with pytest.raises(ClaimLost):
        bench.store.append(claim, [step_event(2)])
    bench.store.create("a", {})
    with pytest.raises(ClaimLost):
        bench.store.append(claim, [step_event(2)])
    assert [event.kind for event in bench.store.events("a")] == ["state"]


def test_readers_do_not_wait_for_a_writer(bench: Bench) -> None:
    bench.store.create("a", {})
    with bench.store.writing.begin():
        began = time.perf_counter()
        assert bench.store.get("a").state == "queued"
        assert time.perf_counter() - began < 2


def test_many_writers_wait_for_each_other_and_lose_nothing(bench: Bench) -> None:
    claim = claimed(bench)
    gate = threading.Barrier(4)

    def write(offset: int) -> None:
        gate.wait()
        for n in range(20):
            bench.store.append(claim, [step_event(offset + n)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, (0, 100, 200, 300)))
    assert len(bench.store.events("a", kinds=["step"])) == 80


def test_a_store_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    from engine.runs.store import RunStore

    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RunError, match="LLM_LAB_STORE"):
        RunStore(f"sqlite:///{tmp_path / 'file' / 'runs.sqlite'}")
    with pytest.raises(RunError, match="LLM_LAB_STORE"):
        RunStore("nonsense")


class TestLease:
    def test_one_leads_and_the_other_waits_until_it_goes(self, bench: Bench) -> None:
        first, second = Lease(bench.store, holder_name()), Lease(bench.store, "elsewhere/1/0.00")
        assert first.take_or_renew(1)
        assert not second.take_or_renew(1)
        assert first.take_or_renew(2)
        found = live_leader(bench.store)
        assert found is not None and found.slots == 2
        first.release()
        assert second.take_or_renew(1)

    def test_a_leader_that_falls_silent_is_replaced(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("engine.runs.lease.LEASE_SECONDS", 0.3)
        first, second = Lease(bench.store, "elsewhere/1/0.00"), Lease(bench.store, "elsewhere/2/0.00")
        assert first.take_or_renew(1)
        assert not second.take_or_renew(1)
        wait_for(lambda: live_leader(bench.store) is None, "the end of the silence", 5)
        assert second.take_or_renew(1)
        assert not first.take_or_renew(1)
        found = leader(bench.store)
        assert found is not None and found.holder == second.holder

    def test_a_leader_of_this_machine_that_died_is_replaced_at_once(self, bench: Bench) -> None:
        host, pid, began = holder_name().rsplit("/", 2)
        dead = f"{host}/{pid}/{float(began) - 100:.2f}"  # the same process id, given to another process before
        assert is_gone(dead) and not is_gone(holder_name()) and not is_gone("elsewhere/1/0.00")
        assert Lease(bench.store, dead).take_or_renew(1)
        assert Lease(bench.store, holder_name()).take_or_renew(1)

    @pytest.mark.parametrize("hours", [-5, 5])
    def test_a_leader_whose_clock_is_wrong_leads_as_long_as_it_speaks(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch, hours: int
    ) -> None:
        first, second = Lease(bench.store, "elsewhere/1/0.00"), Lease(bench.store, "elsewhere/2/0.00")
        right = time.time
        monkeypatch.setattr("engine.runs.lease.time.time", lambda: right() + hours * 3600)
        assert first.take_or_renew(1)
        monkeypatch.setattr("engine.runs.lease.time.time", right)
        assert live_leader(bench.store) is not None
        assert not second.take_or_renew(1)

    def test_of_many_at_once_one_gets_it(self, bench: Bench) -> None:
        leases = [Lease(bench.store, f"elsewhere/{n}/0.00") for n in range(8)]
        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(lambda lease: lease.take_or_renew(1), leases)) == 1
