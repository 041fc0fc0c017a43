"""A package behind a real ``mlflow models serve`` on this machine, for as long as a test needs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from local_server import free_port, wait_until_healthy

SECONDS_TO_START = 120


@contextmanager
def served(model: Path, *more: str) -> Iterator[int]:
    """Serve a package, with more options of ``mlflow models serve``, and give the port."""
    port = free_port()
    place = ["--host", "127.0.0.1", "--port", str(port)]
    command = ["models", "serve", "--model-uri", str(model), "--env-manager", "local", *place, *more]
    log = model.parent / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *command],
            stdout=output,
            stderr=output,
            start_new_session=True,
            # MLflow calls uvicorn by its name.
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        )
    try:
        wait_until_healthy(process, f"http://127.0.0.1:{port}/ping", log, SECONDS_TO_START)
        yield port
    finally:
        # The command starts processes of its own, and may have ended before them.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
