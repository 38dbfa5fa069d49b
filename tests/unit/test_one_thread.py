"""The server computes on one thread: beside a training two wait for each other."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SCRIPT = """
import contextlib, runpy, threading
with contextlib.suppress(Exception):  # without a browser the script ends early, when all is imported
    runpy.run_path("app.py")
import torch
thread = threading.Thread(target=lambda: print("threads:", torch.get_num_threads()))
thread.start()
thread.join()
"""


def test_a_page_computes_on_one_thread_unless_somebody_says_otherwise(tmp_path):
    for asked, got in ((None, 1), ("2", 2)):
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
        environment |= {"LLM_LAB_HOME": str(tmp_path), "LLM_LAB_SERVE": "0"}
        environment |= {} if asked is None else {"OMP_NUM_THREADS": asked}
        found = subprocess.run(
            [sys.executable, "-c", SCRIPT], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120
        )
        assert f"threads: {got}" in found.stdout, found.stderr[-2000:]
