"""The app's server as a child process of the load test, with a data folder of its own, and what it uses."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

PROJECT = Path(__file__).resolve().parents[2]
TEACHER_KEY = "load-test-teacher-key"
MEBIBYTE = 1024.0**2


@dataclass
class Server:
    """The running app: where it listens, where it keeps its data, what it logs."""

    url: str
    home: Path
    log: Path
    process: psutil.Process

    def memory(self) -> tuple[float, float]:
        """MiB of the UI process: resident, and its own alone (USS)."""
        used = self.process.memory_full_info()
        return used.rss / MEBIBYTE, used.uss / MEBIBYTE

    def cpu_seconds(self) -> float:
        """Processor time of the UI process so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def n_threads(self) -> int:
        return int(self.process.num_threads())

    def tracebacks(self) -> int:
        """Uncaught errors in the server's log."""
        return len(re.findall("^Traceback", self.log.read_text("utf-8", "replace"), re.MULTILINE))

    def last_words(self) -> list[str]:
        """The last lines of each kind of uncaught error."""
        parts = self.log.read_text("utf-8", "replace").split("Traceback (most recent call last):\n")[1:]
        endings = [re.match(r"(?:[ ].*\n)*.*", part) for part in parts]
        return sorted({" / ".join(found[0].splitlines()[-5:]) for found in endings if found})


@contextmanager
def running_server(home: Path, *, port: int = 0, **environment: str) -> Iterator[Server]:
    """The app in a class (a teacher's key is set), on 127.0.0.1; ended with the block."""
    if not port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    home.mkdir(parents=True, exist_ok=True)
    log = home / "server.log"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LLM_LAB_")}
    ours = {"LLM_LAB_HOME": str(home), "LLM_LAB_TEACHER_KEY": TEACHER_KEY, **environment}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT, env={**kept, **ours}, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(url, process, log)
        yield Server(url, home, log, psutil.Process(process.pid))
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended at once: {log.read_text('utf-8', 'replace')}")
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server at {url} did not answer: {log.read_text('utf-8', 'replace')}")
