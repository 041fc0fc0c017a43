"""What tests need of a server that they start on this machine: a port for it, its first answer, and answers to data."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any


def free_port() -> int:
    """Give a port of loopback at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until_healthy(process: subprocess.Popen[bytes], address: str, log: Path, seconds: float) -> None:
    """Wait until somebody answers at an address; fails with the log of the process where it ends or time is up."""
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - it is a server of the test's own
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        else:
            return


def post(address: str, content: Any, seconds: float) -> Any:
    """Send JSON to a server, and give the JSON that it answers within a time."""
    request = urllib.request.Request(  # noqa: S310 - as above
        address, data=json.dumps(content).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=seconds) as response:  # noqa: S310 - as above
        return json.loads(response.read())
