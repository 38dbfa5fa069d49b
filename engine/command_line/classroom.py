"""`python -m engine class`: the course for a class, with a teacher's key that is made once and kept."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.classroom.teacher_key import new_teacher_key
from engine.settings import Settings

KEY_FILE = "teacher.key"


def add_parser(commands: Any, start: Callable[[str, int], int]) -> None:
    """The subcommand; `start` opens the app on an address and a port."""
    parser = commands.add_parser("class", help="open the course for a class, with a board for the teacher")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--address", default="0.0.0.0", help="which network may connect (default: %(default)s, all)")
    parser.set_defaults(command=lambda options: _open(options, start))


def _open(options: argparse.Namespace, start: Callable[[str, int], int]) -> int:
    key = os.environ.get("LLM_LAB_TEACHER_KEY") or kept_key(Settings.from_environment().home)
    os.environ["LLM_LAB_TEACHER_KEY"] = key
    print(f"Teacher's key: {key}\nOpen the page “Class board” and give it there.", flush=True)
    return start(options.address, options.port)


def kept_key(home: Path) -> str:
    """The key in the data folder; the first call makes one that only this user can read."""
    file = home / KEY_FILE
    if file.exists() and (kept := file.read_text("utf-8").strip()):
        return kept
    home.mkdir(parents=True, exist_ok=True)
    key = new_teacher_key()
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(key + "\n")
    return key
