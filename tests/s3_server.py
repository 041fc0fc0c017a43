"""A real S3 server on loopback, in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local_server import free_port

SECRET = "s3-secret-Jq83hFz0Lw"
START_SECONDS = 60


@contextmanager
def s3_server() -> Iterator[dict[str, Any]]:
    """Start a server with the bucket ``shop``; gives the credentials that fsspec takes for it."""
    import s3fs

    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.1)
        credentials = {
            "key": "AKIAIOSFODNN7EXAMPLE",
            "secret": SECRET,
            "client_kwargs": {"endpoint_url": f"http://127.0.0.1:{port}"},
        }
        s3fs.S3FileSystem(**credentials).mkdir("shop")
        yield credentials
    finally:
        process.kill()
        process.wait()
