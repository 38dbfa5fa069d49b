"""The engine from a shell: `python -m engine serve`."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the subcommand named first; the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["serve"]:
        from engine.runs.server import main as serve_main

        return serve_main(given[1:])
    print("usage: python -m engine serve [options]", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
