"""An object store on the loopback address that speaks S3's protocol (moto), where it is installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scale_out.cluster import free_port, wait_for_port

BUCKET = "lessons"
_NEEDED = ("s3fs", "moto", "flask", "flask_cors")

needs_object_storage = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in _NEEDED),
    reason="not installed: s3fs and moto's server (pip install '.[s3,soak]')",
)


@contextmanager
def object_storage(folder: Path) -> Iterator[str]:
    """A fresh store with a bucket in it, and an environment in which this process and its children find it; yields the
    URL of a folder in there.
    """
    port = free_port()
    with (folder / "moto.txt").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log
        )
    try:
        wait_for_port(port)
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            patched.setenv("AWS_ACCESS_KEY_ID", "somebody")
            patched.setenv("AWS_SECRET_ACCESS_KEY", "anything")
            patched.setenv("AWS_DEFAULT_REGION", "us-east-1")
            import s3fs  # type: ignore[import-untyped]

            s3fs.S3FileSystem(skip_instance_cache=True).mkdir(BUCKET)
            yield f"s3://{BUCKET}/course"
    finally:
        server.kill()
        server.wait()
