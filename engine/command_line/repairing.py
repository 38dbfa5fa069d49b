"""`python -m engine repair`: makes a damaged record of runs anew. Stop the course first."""

from __future__ import annotations

import argparse
from typing import Any

from engine.runs.repair import repair
from engine.settings import Settings


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("repair", help="make a damaged record of runs anew (stop the course first)")
    parser.set_defaults(command=_repair)


def _repair(_: argparse.Namespace) -> int:
    repair(Settings.from_environment(), say=print)
    return 0
