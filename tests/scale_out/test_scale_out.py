"""One course on several machines: what is begun through one app server is watched, steered and used through another,
and no machine is missed for long.

The tests follow each other on one cluster, from everything in place to its parts going one by one.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from engine.errors import StoreUnavailable
from engine.runs.lease import live_leader
from engine.runs.records import RunRecord
from engine.runs.service import RunService
from tests.browser.conftest import wait_until_drawn
from tests.runs.helpers import TEXT, losses, tiny_config, wait_for
from tests.scale_out.cluster import Cluster, needs_servers, running_cluster

pytestmark = [pytest.mark.soak, pytest.mark.xdist_group("scale-out"), needs_servers]

LONG = 200_000


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def service(cluster: Cluster) -> Iterator[RunService]:
    """The shared store as it is, for the tests to look at: it starts nothing."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PGPASSWORD", cluster.environment["PGPASSWORD"])
        opened = RunService(cluster.settings(), start=False)
        yield opened
        opened.close()


def visitor(browser: Browser, cluster: Cluster, server: str) -> BrowserContext:
    """A new browser that the proxy has given to one of the app servers."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.add_cookies([{"name": "LESSONS_SERVER", "value": server, "url": cluster.url}])
    context.set_default_timeout(30_000)
    return context


def open_page(page: Page, url: str) -> None:
    """An app server imports torch for its first visitor, while all the other machines share these cores."""
    page.goto(url)
    page.wait_for_selector("h1", timeout=240_000)
    wait_until_drawn(page)


def server_of(context: BrowserContext) -> str:
    (value,) = [cookie["value"] for cookie in context.cookies() if cookie["name"] == "LESSONS_SERVER"]
    return value


def run_in_address(page: Page) -> str:
    found = re.search(r"run=([0-9a-f]{16})", page.url)
    return found[1] if found else ""


def wait_state(service: RunService, run_id: str, *names: str, seconds: float = 120) -> RunRecord:
    def reached() -> RunRecord | None:
        record = service.run(run_id)
        assert record.state != "failed" or "failed" in names, record.error
        return record if record.state in names else None

    return wait_for(reached, f"{' or '.join(names)}", seconds)


def wait_step(service: RunService, run_id: str, step: int, seconds: float = 120) -> RunRecord:
    def reached() -> RunRecord | None:
        record = service.run(run_id)
        assert record.state != "failed", record.error
        return record if record.step >= step and record.state == "running" else None

    return wait_for(reached, f"step {step}", seconds)


def steps_of(service: RunService, run_id: str) -> list[int]:
    return [step for step, _ in losses(service.events(run_id, kinds=["step"]))]


@pytest.mark.timeout(600)
def test_a_run_is_begun_through_one_server_and_watched_paused_and_used_through_the_other(
    cluster: Cluster, service: RunService, browser: Browser
) -> None:
    first, second = visitor(browser, cluster, "app1"), visitor(browser, cluster, "app2")
    here, there = first.new_page(), second.new_page()
    for page in (here, there):
        open_page(page, f"{cluster.url}/pretraining")
    before = {record.run_id for record in service.runs()}
    here.get_by_text("30 s", exact=True).first.click()
    wait_until_drawn(here)
    here.get_by_role("button", name="Train", exact=True).click()
    run_id = wait_for(lambda: next(iter({r.run_id for r in service.runs()} - before), ""), "a run")
    wait_step(service, run_id, 1)
    open_page(there, f"{cluster.url}/pretraining?run={run_id}")
    expect(there.get_by_text(re.compile(r"Training · step"))).to_be_visible(timeout=60_000)
    there.get_by_role("button", name="Pause").click()
    expect(here.get_by_text(re.compile(r"Paused · step"))).to_be_visible(timeout=60_000)
    paused_at = wait_state(service, run_id, "paused").step
    here.get_by_role("button", name="Resume").click()
    expect(there.get_by_text(re.compile(r"Training · step"))).to_be_visible(timeout=60_000)
    wait_state(service, run_id, "finished", seconds=180)
    steps = steps_of(service, run_id)
    assert paused_at < steps[-1] and steps == list(range(1, len(steps) + 1))

    expect(there.get_by_text(re.compile(r"Finished · step"))).to_be_visible(timeout=60_000)
    open_page(there, f"{cluster.url}/generation?run={run_id}")
    there.get_by_role("button", name=re.compile("^(Write|Generate|Continue|Next)")).first.click()
    wait_until_drawn(there)
    assert there.get_by_test_id("stException").count() == 0
    assert (server_of(first), server_of(second)) == ("app1", "app2")
    assert len({r.worker.split("/")[0] for r in service.runs(None)}) >= 1
    first.close()
    second.close()


def test_two_app_servers_agree_on_one_that_dispatches(cluster: Cluster, service: RunService) -> None:
    leader = live_leader(service.store)
    assert leader is not None and leader.slots == 2
    found = [name for name in ("app1", "app2") if _children(cluster, name)]
    assert len(found) == 1, "one of them has a training service, the other knows of it"


def _children(cluster: Cluster, name: str) -> list[int]:
    import psutil  # type: ignore[import-untyped]

    return [
        child.pid
        for child in psutil.Process(cluster.machines[name].process.pid).children(recursive=True)
        if "serve" in child.cmdline()
    ]


def test_a_worker_that_dies_is_replaced_by_the_other_from_the_last_checkpoint(
    cluster: Cluster, service: RunService
) -> None:
    run_id = service.submit(tiny_config(service.save_upload(TEXT), seed=1, steps=LONG))
    worker = wait_step(service, run_id, 300).worker
    name = cluster.worker_of(worker)
    began = time.monotonic()
    cluster.machines[name].kill()
    wait_for(lambda: service.run(run_id).attempt == 2, "a second attempt")
    record = wait_step(service, run_id, service.run(run_id).step + 5)
    print(f"\na worker killed: another one went on after {time.monotonic() - began:.1f} s")
    assert cluster.worker_of(record.worker) != name
    service.request(run_id, "stop")
    wait_state(service, run_id, "finished")
    steps = steps_of(service, run_id)
    assert steps == list(range(1, len(steps) + 1))
    cluster.start_worker(name)
    wait_for(lambda: (found := live_leader(service.store)) and found.slots == 2, "both workers again")


def test_when_an_app_server_dies_the_browser_goes_on_with_the_other_and_so_does_the_queue(
    cluster: Cluster, service: RunService, browser: Browser
) -> None:
    (leading,) = [name for name in ("app1", "app2") if _children(cluster, name)]
    other = "app2" if leading == "app1" else "app1"
    run_id = service.submit(tiny_config(service.save_upload(TEXT), seed=2, steps=LONG))
    wait_step(service, run_id, 50)
    context = visitor(browser, cluster, leading)
    page = context.new_page()
    open_page(page, f"{cluster.url}/pretraining?run={run_id}")
    expect(page.get_by_text(re.compile("Training · step"))).to_be_visible(timeout=60_000)
    who = wait_for(lambda: learner_cookies(context), "the learner's cookie")
    page.get_by_text("3 min", exact=True).first.click()
    wait_until_drawn(page)

    began = time.monotonic()
    cluster.machines[leading].kill()
    reached = service.run(run_id).step
    wait_for(lambda: server_of_page(page) == other, "the other server", 60)
    wait_for(lambda: shown_step(page) > reached, "a later step on the page")
    print(f"\nan app server killed: its browser went on with the other after {time.monotonic() - began:.1f} s")
    assert learner_cookies(context) == who
    assert run_in_address(page) == run_id
    expect(page.get_by_role("radio", name="3 min")).to_be_checked()

    short = service.submit(tiny_config(service.save_upload(TEXT), seed=3, steps=50))
    wait_state(service, short, "finished")  # so the other server dispatches now
    print(f"a queued run was finished after {time.monotonic() - began:.1f} s")
    page.get_by_role("button", name="Stop").first.click()
    wait_state(service, run_id, "finished")
    assert service.run(run_id).attempt == 1, "its worker was not disturbed"
    context.close()
    cluster.start_app(leading)


def learner_cookies(context: BrowserContext) -> list[str]:
    return [cookie["value"] for cookie in context.cookies() if cookie["name"] == "llm_lessons_learner"]


def shown_step(page: Page) -> int:
    found = re.search(r"Training · step ([\d,]+)", page.inner_text("body"))
    return int(found[1].replace(",", "")) if found else 0


def server_of_page(page: Page) -> str:
    try:
        return server_of(page.context)
    except ValueError:
        return ""


def _answers(service: RunService, run_id: str) -> bool:
    try:
        service.run(run_id)
    except StoreUnavailable:
        return False
    return True


def test_a_store_that_goes_away_is_said_and_training_goes_on_when_it_is_back(
    cluster: Cluster, service: RunService, browser: Browser
) -> None:
    run_id = service.submit(tiny_config(service.save_upload(TEXT), seed=5, steps=LONG))
    wait_step(service, run_id, 100)
    context = visitor(browser, cluster, "app1")
    page = context.new_page()
    open_page(page, f"{cluster.url}/pretraining?run={run_id}")
    expect(page.get_by_text(re.compile("Training · step"))).to_be_visible(timeout=60_000)
    reached = service.run(run_id).step
    cluster.database.stop()
    expect(page.get_by_text("cannot be reached").first).to_be_visible(timeout=60_000)
    with pytest.raises(StoreUnavailable):
        service.run(run_id)
    began = time.monotonic()
    cluster.database.start()
    wait_for(lambda: _answers(service, run_id), "the store again")
    wait_step(service, run_id, reached + 50)
    print(f"\nthe store away and back: training was {time.monotonic() - began:.1f} s later 50 steps on")
    wait_for(lambda: shown_step(page) > reached, "a later step on the page")
    expect(page.get_by_text("cannot be reached")).to_have_count(0, timeout=60_000)
    service.request(run_id, "stop")
    wait_state(service, run_id, "finished")
    steps = steps_of(service, run_id)
    assert steps == list(range(1, len(steps) + 1))
    assert service.run(run_id).attempt == 1, "its worker waited"
    context.close()


def test_a_scheduler_that_dies_is_said_and_runs_go_on_when_it_is_back(cluster: Cluster, service: RunService) -> None:
    run_id = service.submit(tiny_config(service.save_upload(TEXT), seed=4, steps=LONG))
    wait_step(service, run_id, 300)
    for name in ("scheduler", "worker1", "worker2"):
        cluster.machines[name].kill()
    wait_for(service.server_problem, "a sentence")
    assert "No worker is connected" in service.server_problem()
    began = time.monotonic()
    cluster.start_scheduler()
    for name in ("worker1", "worker2"):
        cluster.start_worker(name)
    wait_for(lambda: service.run(run_id).attempt == 2, "a second attempt", 120)
    wait_step(service, run_id, service.run(run_id).step + 5)
    print(f"\nscheduler and workers killed: the run went on {time.monotonic() - began:.1f} s after they came back")
    service.request(run_id, "stop")
    wait_state(service, run_id, "finished")
    steps = steps_of(service, run_id)
    assert steps == list(range(1, len(steps) + 1))
    assert os.environ["PGPASSWORD"]
