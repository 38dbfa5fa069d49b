"""Every case of a fault says what it is and how it ended; the table of all is printed after the last one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def fault(record_property: Callable[[str, Any], None]) -> Callable[..., dict[str, str]]:
    """Names the case: `case = fault("kill -9 of the worker", "training")`, and later `case["outcome"] = "…"`."""

    def named(what: str, state: str, outcome: str = "") -> dict[str, str]:
        case = {"what": what, "state": state, "outcome": outcome}
        record_property("fault", case)
        return case

    return named


def pytest_terminal_summary(terminalreporter: Any) -> None:
    cases = []
    for kind in ("passed", "failed"):
        for report in terminalreporter.stats.get(kind, []):
            if getattr(report, "when", "call") == "call":
                cases += [(case, kind == "passed") for name, case in report.user_properties if name == "fault"]
    if not cases:
        return
    terminalreporter.section("faults")
    width = [max(len(case[name]) for case, _ in cases) for name in ("what", "state")]
    for case, survived in sorted(cases, key=lambda each: (each[0]["what"], each[0]["state"])):
        outcome = case["outcome"] if survived else "NOT SURVIVED"
        terminalreporter.line(f"{case['what']:{width[0]}}  {case['state']:{width[1]}}  {outcome}")
    terminalreporter.line(f"faults survived: {sum(survived for _, survived in cases)} of {len(cases)}")
