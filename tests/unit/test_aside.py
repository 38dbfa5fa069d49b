"""Computing beside the server, with real processes; the functions that are called live here."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from engine import aside
from engine.aside import ERROR_SECONDS, WANTED_SECONDS, Asked, Desk, default_processes
from engine.aside_worker import Call, HeldOut, ModelOf
from engine.errors import CheckpointError, EngineError
from engine.generation import next_logits
from engine.head_questions import shape_of
from engine.runs.execution import execute
from engine.runs.recipes import recipe_config
from engine.runs.service import RunService
from engine.settings import Settings


def add(first: int, second: int) -> tuple[int, int]:
    return first + second, os.getpid()


def note(folder: str, name: str) -> str:
    """Leaves a trace of every time that it was computed."""
    with (Path(folder) / "order").open("a") as file:
        file.write(name + "\n")
    return name


def sleep(seconds: float, name: str) -> str:
    time.sleep(seconds)
    return name


def chatter(text: str) -> np.ndarray:
    print(text)
    os.write(1, text.encode())
    sys.stdout.flush()
    return np.arange(5)


def refuse(_what: str) -> None:
    raise CheckpointError("There is no such model: choose another one.")


def nothing_to_send() -> object:
    return lambda: None


def die(folder: str) -> None:
    note(folder, "died")
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(folder: str) -> str:
    if not (Path(folder) / "order").exists():
        die(folder)
    return "alive"


def logits_after(checkpoint, ids: tuple[int, ...]) -> np.ndarray:
    return np.asarray(next_logits(checkpoint.model, list(ids)))


@pytest.fixture
def desk():
    opened = Desk(1)
    yield opened
    opened.close()


def result(desk: Desk, call: Call, seconds: float = 60.0) -> object:
    asked = desk.ask(call)
    assert desk.wait([asked], seconds)
    return asked.value()


def order(folder: Path) -> list[str]:
    return (folder / "order").read_text().split()


def test_a_call_is_computed_in_another_process_and_once_for_all_who_ask(desk, tmp_path):
    total, process = result(desk, Call(add, (2, 3)))
    assert total == 5 and process != os.getpid()
    for _unused in range(3):
        assert result(desk, Call(note, (str(tmp_path), "once"))) == "once"
    assert order(tmp_path) == ["once"]


def test_what_a_function_prints_does_not_reach_the_answers(desk):
    np.testing.assert_array_equal(result(desk, Call(chatter, ("\x00\x01 print " * 1000,))), np.arange(5))


def test_an_error_is_told_and_after_a_while_the_call_is_tried_again():
    now = [0.0]
    desk = Desk(1, clock=lambda: now[0])
    call = Call(refuse, ("x",))
    first = desk.ask(call)
    assert desk.wait([first], 60)
    with pytest.raises(CheckpointError, match="choose another one"):
        first.value()
    assert desk.ask(call) is first
    now[0] = ERROR_SECONDS + 1
    assert desk.ask(call) is not first
    desk.close()


def test_what_cannot_be_sent_is_an_error_and_the_process_goes_on(desk):
    with pytest.raises(RuntimeError):
        result(desk, Call(nothing_to_send, ()))
    with pytest.raises(Exception, match=r"pickle|local"):
        result(desk, Call(lambda: 1, ()))
    assert result(desk, Call(add, (1, 1)))[0] == 2


def test_a_killed_process_is_replaced_and_twice_is_said(desk, tmp_path):
    assert result(desk, Call(die_once, (str(tmp_path),))) == "alive"
    with pytest.raises(EngineError, match="ended twice"):
        result(desk, Call(die, (str(tmp_path),)))
    assert order(tmp_path) == ["died", "died", "died"]
    assert result(desk, Call(add, (1, 1)))[0] == 2


def test_what_somebody_waits_for_comes_before_what_is_prepared(desk, tmp_path):
    desk.ask(Call(sleep, (0.5, "first")))
    folder = str(tmp_path)
    prepared = desk.ask(Call(note, (folder, "prepared")), background=True)
    other = desk.ask(Call(note, (folder, "other")), background=True)
    asked = desk.ask(Call(note, (folder, "asked")))
    assert desk.before(other) >= 2
    assert desk.ask(Call(note, (folder, "other"))) is other  # now somebody waits for it
    assert desk.wait([prepared, other, asked], 60)
    assert order(tmp_path) == ["other", "asked", "prepared"]


def test_what_nobody_wants_any_more_is_dropped(tmp_path):
    now = [0.0]
    desk = Desk(1, clock=lambda: now[0])
    held = desk.ask(Call(sleep, (0.5, "held")))
    while not held.begun:
        time.sleep(0.01)
    left = desk.ask(Call(note, (str(tmp_path), "left")))
    kept = desk.ask(Call(note, (str(tmp_path), "kept")))
    now[0] = WANTED_SECONDS + 1
    desk.ask(kept.call)
    assert desk.wait([held, kept], 60)
    assert order(tmp_path) == ["kept"] and not left.done
    assert desk.known(left.call) is None
    desk.close()


def test_the_oldest_results_go_when_they_take_too_much():
    now = [0.0]
    desk = Desk(1, kept_bytes=500_000, clock=lambda: now[0])
    calls = [Call(np.zeros, (20_000 + n,)) for n in range(6)]
    for call in calls:
        result(desk, call)
        now[0] += WANTED_SECONDS + 1
    assert [desk.known(call) is not None for call in calls] == [False, False, False, True, True, True]
    desk.close()


def test_without_processes_it_is_computed_here():
    desk = Desk(0)
    assert result(desk, Call(add, (2, 3))) == (5, os.getpid())
    with pytest.raises(CheckpointError):
        result(desk, Call(refuse, ("x",)))


def test_processes_end_with_the_desk_and_compute_at_a_lower_priority():
    desk = Desk(2)
    before = psutil.Process().nice()
    pids = {result(desk, Call(add, (n, 0)))[1] for n in range(4)}
    assert all(psutil.Process(pid).nice() > before for pid in pids)
    desk.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_model_is_read_where_it_is_used(desk, data_home):
    settings = Settings.from_environment()
    service = RunService(settings, start=False)
    shape = {"n_layers": 1, "n_heads": 2, "d_model": 16, "context_length": 16}
    training = {"steps": 4, "seconds": None, "evaluations": 1, "sample_tokens": 4, "batch_size": 2}
    config = recipe_config("30s", "stories", n_chars=20_000, vocab_size=260, model=shape, training=training)
    run_id = service.submit(config)
    assert execute(run_id, dict(os.environ)) == "finished"
    name = ModelOf(settings, run_id, 4, 1.0)
    expected = logits_after(service.load_model(run_id, 4), (1, 2, 3))
    np.testing.assert_allclose(result(desk, Call(logits_after, (name, (1, 2, 3)))), expected, rtol=1e-5, atol=1e-5)
    with pytest.raises(CheckpointError, match="no model of step 99"):
        result(desk, Call(logits_after, (ModelOf(settings, run_id, 99, 1.0), (1,))))
    rows, length = result(desk, Call(shape_of, (HeldOut(name, 160),)))
    assert (rows, length) == tuple(service.validation_windows(run_id, 160)[0].shape)


def test_how_many_processes_is_a_setting(monkeypatch):
    monkeypatch.setenv("LLM_LAB_ASIDE", "3")
    assert default_processes() == 3
    monkeypatch.setenv("LLM_LAB_ASIDE", "many")
    assert default_processes() >= 1
    assert isinstance(Desk(0).ask(Call(add, (1, 1))), Asked)


def test_one_thing_does_not_wait_for_the_many_that_somebody_asked_for_before(desk, tmp_path):
    folder = str(tmp_path)
    desk.ask(Call(sleep, (0.5, "first")))
    many = [desk.ask(Call(note, (folder, f"many-{n}")), place=n) for n in range(8)]
    time.sleep(0.1)
    one = desk.ask(Call(note, (folder, "one")))
    assert desk.wait([*many, one], 60)
    assert order(tmp_path)[:2] == ["many-0", "one"]


def test_a_short_call_passes_long_ones(desk, tmp_path):
    folder = str(tmp_path)
    result(desk, Call(add, (1, 2)))  # starts the process
    result(desk, Call(sleep, (0.4, "how long it takes is known now")))
    result(desk, Call(note, (folder, "this as well")))
    desk.ask(Call(sleep, (0.41, "now")))
    long = [desk.ask(Call(sleep, (0.42 + n / 100, folder))) for n in range(3)]
    short = desk.ask(Call(note, (folder, "short")))
    assert desk.wait([short], 60)
    assert sum(each.done for each in long) <= 1


def test_how_long_a_call_will_take_is_expected_from_what_such_calls_took(desk):
    result(desk, Call(add, (1, 2)))  # starts the process
    unknown = desk.ask(Call(sleep, (0.3, "first")))
    assert desk.expected(unknown) == 0
    assert desk.wait([unknown], 60)
    assert desk.expected(unknown) == 0
    asked = [desk.ask(Call(sleep, (0.3, name))) for name in "abc"]
    expected = [desk.expected(each) for each in asked]
    assert [round(each / 0.3) for each in expected] == [1, 2, 3]
    assert desk.wait(asked, 60)


def test_the_end_of_what_has_begun_comes_nearer(desk):
    call = Call(sleep, (0.3, "first"))
    assert desk.usual(call) == 0
    for name in ("starts the process", "its time is known now"):
        result(desk, Call(sleep, (0.3, name)))
    assert desk.usual(call) >= 0.3
    asked = desk.ask(call)
    while not asked.begun:
        time.sleep(0.01)
    before = desk.expected(asked)
    time.sleep(0.1)
    assert desk.expected(asked) <= max(0, before - 0.1)
    assert desk.wait([asked], 60)


def test_what_is_said_to_be_quick_comes_first(desk, tmp_path):
    folder = str(tmp_path)
    desk.ask(Call(sleep, (0.5, "now")))
    many = [desk.ask(Call(note, (folder, f"many-{n}"))) for n in range(3)]
    one = desk.ask(Call(note, (folder, "one")), quick=True)
    assert desk.wait([*many, one], 60)
    assert order(tmp_path)[0] == "one"


def test_what_is_quick_does_not_wait_for_the_end_of_something_long(tmp_path):
    desk = Desk(1, n_quick=1)
    for name in ("starts the process", "its time is known now"):
        result(desk, Call(note, (str(tmp_path), name)))
    long = desk.ask(Call(sleep, (8.0, "long")))  # the other process has to start meanwhile
    while not long.begun:
        time.sleep(0.01)
    result(desk, Call(note, (str(tmp_path), "quick")))
    assert not long.done
    desk.close()


def test_a_process_that_cannot_begin_is_said_and_nobody_waits_for_ever(monkeypatch):
    def refuse_to_start():
        raise OSError("no more processes")

    monkeypatch.setattr(aside, "_Process", refuse_to_start)
    desk = Desk(1)
    with pytest.raises(EngineError, match="ended twice"):
        result(desk, Call(add, (1, 1)))
    desk.close()
