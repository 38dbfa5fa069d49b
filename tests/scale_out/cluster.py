"""The course on several machines, as far as one machine can play them: every part is a process of its own, with a data
folder of its own and, where the system lets us, a host name of its own, so that nobody finds out by a process id
whether another part still lives.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import engine
from engine.settings import Settings

PROJECT = Path(engine.__file__).parent.parent
DEPLOY = PROJECT / "deploy"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def postgres_program(name: str) -> str | None:
    """A program of a PostgreSQL server; Debian keeps them out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


def missing() -> str:
    """What is not installed that these tests need, as a sentence; empty if all is there."""
    lacking = []
    if postgres_program("initdb") is None or postgres_program("postgres") is None:
        lacking.append("a PostgreSQL server (Debian: postgresql)")
    if shutil.which("haproxy") is None:
        lacking.append("HAProxy (Debian: haproxy)")
    try:
        import psycopg  # noqa: F401
    except ImportError:
        lacking.append("psycopg (pip install '.[postgres]')")
    return "" if not lacking else f"not installed: {', '.join(lacking)}"


needs_servers = pytest.mark.skipif(bool(missing()), reason=missing() or "all is there")


def _own_host_names() -> bool:
    probe = ["unshare", "--uts", "hostname", "x"]
    return (
        shutil.which("unshare") is not None and subprocess.run(probe, capture_output=True, check=False).returncode == 0
    )


@dataclass
class Machine:
    """One process that plays a machine."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """As if the power went."""
        self.process.kill()
        self.process.wait()

    @property
    def text(self) -> str:
        return self.log.read_text("utf-8", "replace")


@dataclass(frozen=True)
class Database:
    """A PostgreSQL server that can go away and come back."""

    url: str
    password: str
    start: Callable[[], None]
    stop: Callable[[], None]


@dataclass
class Cluster:
    """What stands where; `environment` is what all parts share."""

    folder: Path
    environment: dict[str, str]
    own_host_names: bool
    database: Database
    url: str = ""
    machines: dict[str, Machine] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def start(self, name: str, command: list[str], **environment: str) -> Machine:
        """A part on a machine of that name, with its own data folder."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        if self.own_host_names:
            command = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', name, *command]
        log = home / "log.txt"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env={**self.environment, "LLM_LAB_HOME": str(home), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.machines[name] = Machine(name, process, log)
        return self.machines[name]

    def start_scheduler(self) -> None:
        port = self.ports.setdefault("scheduler", free_port())
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
        self.start("scheduler", [*command, "--no-dashboard"], DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
        self.environment["LLM_LAB_SCHEDULER"] = f"tcp://127.0.0.1:{port}"
        wait_for_port(port)

    def start_worker(self, name: str) -> None:
        command = [sys.executable, "-m", "distributed.cli.dask_worker", self.environment["LLM_LAB_SCHEDULER"]]
        options = ["--host=127.0.0.1", "--nworkers=1", "--nthreads=1", "--no-dashboard", "--no-nanny"]
        self.start(name, [*command, *options, f"--local-directory={self.folder / name}"])

    def start_app(self, name: str) -> None:
        port = self.ports.setdefault(name, free_port())
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
        self.start(name, [*command, "--server.port", str(port), "--server.address", "127.0.0.1"])
        wait_for_health(f"http://127.0.0.1:{port}", self.machines[name])

    def start_proxy(self) -> None:
        port = self.ports.setdefault("proxy", free_port())
        self.start(
            "proxy",
            ["haproxy", "-W", "-db", "-f", str(DEPLOY / "haproxy.cfg")],
            LESSONS_BIND=f"127.0.0.1:{port}",
            LESSONS_APP_1=f"127.0.0.1:{self.ports['app1']}",
            LESSONS_APP_2=f"127.0.0.1:{self.ports['app2']}",
        )
        self.url = f"http://127.0.0.1:{port}"
        wait_for_health(self.url, self.machines["proxy"])

    def settings(self) -> Settings:
        """For a test that looks at the shared store itself."""
        return Settings.from_environment({**self.environment, "LLM_LAB_HOME": str(self.folder / "test")})

    def worker_of(self, holder: str) -> str:
        """The name of the machine that a run's `worker` names."""
        for name, machine in self.machines.items():
            if name.startswith("worker") and holder.split("/")[1] == str(machine.process.pid):
                return name
        raise AssertionError(f"{holder} is none of our workers")


def wait_for_port(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nobody listens on port {port}")


def wait_for_health(url: str, machine: Machine, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert machine.process.poll() is None, machine.text
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.2)
    raise AssertionError(f"{machine.name} did not answer: {machine.text[-3000:]}")


@contextmanager
def postgres() -> Iterator[Database]:
    """A fresh PostgreSQL server on a free port of the loopback address."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    password, port = secrets.token_hex(8), free_port()
    (folder / "password").write_text(password)
    user = None
    if os.getuid() == 0:  # the server refuses to run as root
        user = "postgres"
        shutil.chown(folder, user)
        shutil.chown(folder / "password", user)
    data = str(folder / "data")
    initdb, server = postgres_program("initdb"), postgres_program("postgres")
    assert initdb and server
    options = ["-U", "lessons", "-A", "scram-sha-256", "--pwfile", str(folder / "password"), "-E", "UTF8", "--locale=C"]
    subprocess.run([initdb, "-D", data, *options], user=user, check=True, capture_output=True, cwd=folder)
    settings = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        with (folder / "log.txt").open("ab") as log:
            running.append(
                subprocess.Popen([server, "-D", data, *settings], user=user, stdout=log, stderr=log, cwd=folder)
            )
        wait_for_port(port)

    def stop() -> None:
        while running:
            process = running.pop()
            process.send_signal(2)  # "fast": open connections are ended
            process.wait(30)

    start()
    try:
        yield Database(f"postgresql+psycopg://lessons@127.0.0.1:{port}/postgres", password, start, stop)
    finally:
        stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Proxy, two app servers, scheduler, two workers, PostgreSQL and a shared folder for the models."""
    with ExitStack() as stack:
        database = stack.enter_context(postgres())
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LLM_LAB_")}
        shared = {
            **kept,
            "PYTHONPATH": os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PGPASSWORD": database.password,
            "LLM_LAB_STORE": database.url,
            "LLM_LAB_ARTIFACTS": f"file://{folder / 'artifacts'}",
            "STREAMLIT_SERVER_COOKIE_SECRET": secrets.token_hex(16),
            "OMP_NUM_THREADS": "1",
        }
        cluster = Cluster(folder, shared, _own_host_names(), database)
        stack.callback(_end_all, cluster)
        cluster.start_scheduler()
        cluster.start_worker("worker1")
        cluster.start_worker("worker2")
        cluster.start_app("app1")
        cluster.start_app("app2")
        cluster.start_proxy()
        yield cluster


def _end_all(cluster: Cluster) -> None:
    machines = sorted(cluster.machines.values(), key=lambda machine: machine.name in ("scheduler",))
    for machine in machines:
        machine.process.terminate()
    for machine in machines:
        try:
            machine.process.wait(20)
        except subprocess.TimeoutExpired:
            machine.kill()
