"""Find a Chromium that Playwright can drive, or install one. Run as a script before the tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")


def find_browser() -> str | None:
    """Path of an installed browser: LLM_LAB_BROWSER, one on the PATH, or the one Playwright downloaded."""
    named = os.environ.get("LLM_LAB_BROWSER")
    if named:
        return named
    for name in NAMES:
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def main() -> None:
    """Install a browser where none is found: Playwright's own, else the system's package."""
    if find_browser():
        return
    attempts = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") and os.geteuid() == 0:
        attempts += [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]]
    for command in attempts:
        subprocess.run(command, check=False, timeout=600)
        if found := find_browser():
            print(f"The browser tests use {found}.")
            return
    sys.exit(
        "No Chromium was found and none could be installed. Install Chromium or Chrome, or name one in LLM_LAB_BROWSER."
    )


if __name__ == "__main__":
    main()
