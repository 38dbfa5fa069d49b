"""`python -m tests.load`: starts a server of its own, sends it a class of learners, prints tables.

Everything stays on this computer, ends by itself, and uses a data folder that is removed at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

from . import class_of_thirty, first_visit, memory, watching
from .figures import counted, markdown
from .server import running_server

TARGETS = {"p95_ms": 500.0, "MiB_per_session": 5.0, "rss_MiB": 1536.0}


def main() -> int:
    """Runs the scenarios asked for; 1 if an error was seen or a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--learners", type=int, default=30, help="how many learners click (30)")
    parser.add_argument("--minutes", type=float, default=3.0, help="for how long (3)")
    parser.add_argument("--think", type=float, default=5.0, help="mean seconds between answer and click (5)")
    parser.add_argument("--cold", action="store_true", help="no visitor opens every part before the class comes")
    parser.add_argument("--watchers", type=int, nargs="*", default=[30, 60, 100, 150], help="sessions on one live run")
    parser.add_argument("--watch-seconds", type=float, default=20.0, help="for how long each number watches (20)")
    parser.add_argument("--only", choices=("class", "memory", "watch"), nargs="*", default=["class", "memory", "watch"])
    parser.add_argument("--json", type=Path, default=Path("artifacts/load.json"), help="where the figures go")
    parser.add_argument("--port", type=int, default=0, help="port of the server (any free one)")
    given = parser.parse_args()
    figures: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "at": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
    }
    missed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="load-", ignore_cleanup_errors=True) as folder:
        if "class" in given.only:
            with running_server(Path(folder) / "class", port=given.port) as server:
                if not given.cold:
                    figures["first_visit"] = asyncio.run(first_visit.run(server, ("first",)))
                    print("## First visit, the slowest parts\n\n" + markdown(figures["first_visit"][:15]), flush=True)
                figures["class"] = asyncio.run(
                    class_of_thirty.run(server, n_learners=given.learners, minutes=given.minutes, think=given.think)
                )
                missed += _show_class(figures["class"])
        if "memory" in given.only:
            with running_server(Path(folder) / "memory", port=given.port) as server:
                figures["memory"] = asyncio.run(memory.run(server, n_sessions=given.learners))
            missed += _show_memory(figures["memory"])
        if "watch" in given.only:
            with running_server(Path(folder) / "watch", port=given.port, LLM_LAB_SECONDS_PER_RUN="3600") as server:
                rows = asyncio.run(watching.run(server, n_watchers=given.watchers, seconds=given.watch_seconds))
            figures["watch"] = rows
            print("\n## Watching one live run\n\n" + markdown(rows))
            missed += [f"{row['lost']} of {row['watchers']} watchers were lost" for row in rows if row["lost"]]
    figures["load_average_at_end"] = os.getloadavg()
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(figures, indent=1), "utf-8")
    print("\n" + ("Missed: " + "; ".join(missed) if missed else "All targets reached.") + f" Figures: {given.json}")
    return 1 if missed else 0


def _show_class(figures: dict[str, Any]) -> list[str]:
    print(f"\n## {figures['learners']} learners for {figures['minutes']:g} minutes\n")
    shown = ("reruns", "first_drawn", "arrivals", "live_updates")
    print(markdown([{"what": name, **figures[name]} for name in shown]), "\n")
    rows = [
        {"figure": name, "value": figures[name]}
        for name in figures
        if isinstance(figures[name], (int, float, bool)) or name == "refusal"
    ]
    print(markdown(rows))
    for name in ("lessons", "slowest"):
        print(f"\n### {name}\n\n" + markdown(figures[name]))
    for name in ("exceptions", "unanswered", "computing_a_minute", "red_alerts", "unfair_starts", "last_words"):
        print(f"\n### {name}\n\n" + markdown(counted(figures[name])))
    missed = []
    if figures["reruns"]["p95_ms"] > TARGETS["p95_ms"]:
        missed.append(f"p95 of a rerun {figures['reruns']['p95_ms']:.0f} ms")
    if figures["errors"] or figures["tracebacks_in_log"]:
        missed.append(f"{figures['errors']} errors, {figures['tracebacks_in_log']} tracebacks")
    if figures["rss_peak_MiB"] > TARGETS["rss_MiB"]:
        missed.append(f"UI process {figures['rss_peak_MiB']:.0f} MiB")
    if figures["unfair_starts"]:
        missed.append("the queue was not fair")
    missed += [name for name in ("identical_computed_once", "budget_refused") if not figures[name]]
    return missed


def _show_memory(figures: dict[str, Any]) -> list[str]:
    rows = [{"figure": name, "value": value} for name, value in figures.items() if isinstance(value, (int, float))]
    print("\n## Memory of a session\n\n" + markdown(rows))
    names = ("MiB_per_idle_session", "MiB_per_session_after_all_lessons")
    missed = [f"{name} {figures[name]}" for name in names if figures[name] > TARGETS["MiB_per_session"]]
    return missed + (["errors while memory was measured"] if figures["errors"] else [])


if __name__ == "__main__":
    raise SystemExit(main())
