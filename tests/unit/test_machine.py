"""What is said of this machine is what the system itself says."""

import os
from pathlib import Path

import psutil
import pytest

from engine import machine
from engine.errors import ConfigError


def test_memory_disk_and_cores_are_those_of_the_system(tmp_path):
    found = machine.this_machine(tmp_path / "not" / "there" / "yet")
    assert 0 < found.available <= found.memory <= psutil.virtual_memory().total
    assert found.disk_free == pytest.approx(psutil.disk_usage(str(tmp_path)).free, rel=0.05)
    assert 1 <= found.n_cores <= (os.cpu_count() or 1)


def test_the_limit_of_a_container_counts_and_no_limit_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_GROUP", tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    found = machine.this_machine(Path("/"))
    assert (found.memory, found.available) == (1_000_000, 600_000)
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.this_machine(Path("/")).memory == psutil.virtual_memory().total


def test_a_measured_speed_is_a_machines():
    assert 1e8 < machine.measure_flops(0.02, 128) < 1e15


@pytest.mark.parametrize("wrong", [(0, 10), (0.1, 0)])
def test_nothing_to_measure_is_said(wrong):
    with pytest.raises(ConfigError, match="above 0"):
        machine.measure_flops(*wrong)
