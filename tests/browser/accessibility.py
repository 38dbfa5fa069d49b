"""What axe finds on a page, without what is Streamlit's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from .conftest import wait_until_drawn

# (rule, element that holds the offender, why it is Streamlit's and not ours to mend)
EXEMPT = (
    ("list", "[data-testid=stSidebarNav]", "grouped navigation puts its section headings straight into the list"),
    ("listitem", "[data-testid=stSidebarNav]", "the items of such a group stand in no list of their own"),
    ("presentation-role-conflict", "[data-testid=stFileUploaderDropzone]", "its drop zone has a role and a label"),
    ("region", "#stFloatingOverlayPortal", "what floats above a page, such as a tip, stands beside its landmarks"),
)


def violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """Each violation (of these rules, or of all) as "rule: selector: HTML", without the exempt ones."""
    options: dict[str, Any] = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found = []
    for violation in Axe().run(page, options=options).response["violations"]:
        for node in violation["nodes"]:
            holders = [holder for rule, holder, _ in EXEMPT if rule == violation["id"]]
            if not any(is_inside(page, node["target"], holder) for holder in holders):
                why = "; ".join(check["message"] for check in [*node["any"], *node["all"], *node["none"]])
                found.append(f"{violation['id']}: {node['target']}: {node['html'][:200]}: {why}")
    return found


def lasting_violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """The violations of a page at rest: what is only seen while something fades in is not counted."""
    problems: list[str] = []
    for _ in range(3):
        wait_until_drawn(page)
        page.wait_for_function("() => document.getAnimations().every(each => each.playState !== 'running')")
        problems = violations(page, rules)
        if not problems:
            break
        page.wait_for_timeout(500)
    return problems


def is_inside(page: Page, target: list[Any], holder: str) -> bool:
    """Whether the element that axe names by its selector stands inside `holder`."""
    if not isinstance(target[0], str):  # a path into one of our components: never Streamlit's
        return False
    return page.evaluate(
        "([target, holder]) => document.querySelector(target)?.closest(holder) != null", [target[0], holder]
    )
