"""A real MLflow server on this machine, which passes artifacts on, for as long as a test needs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local_server import free_port, wait_until_healthy


@contextmanager
def mlflow_server(directory: Path, *more: str, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Start a server that keeps all its data in a directory, and give its address.

    Its database is ``server.db`` there, and the artifacts are in ``served``.

    Args:
        directory: The directory.
        more: More options of ``mlflow server``.
        env: More variables than this process has.
    """
    port = free_port()
    options = ["--workers", "1", "--port", f"{port}", "--backend-store-uri", f"sqlite:///{directory / 'server.db'}"]
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        *options,
        "--artifacts-destination",
        f"{directory / 'served'}",
        *more,
    ]
    log = directory / "server.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            cwd=directory,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # Its jobs, such as judging by a language model, would be ten more processes.
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **(env or {})},
        ) as process,
    ):
        try:
            wait_until_healthy(process, f"http://127.0.0.1:{port}/health", log, seconds=180)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
