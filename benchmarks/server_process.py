"""A command that starts a server comes in, a server that answers goes out, for as long as it is needed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks.surroundings import PYTHON, environment

HOST = "127.0.0.1"

START_SECONDS = 120.0
"""After which a server that does not answer is given up."""


@contextmanager
def serving(command: list[str], port: int, path: str, log: Path) -> Iterator[None]:
    """Run a server for as long as the block takes, from when it first answers.

    Args:
        command: What starts it.
        port: Where it listens.
        path: What it answers when it is ready.
        log: Where what it prints goes.

    Raises:
        ChildProcessError: When it does not answer.
    """
    with (
        log.open("w") as stream,
        subprocess.Popen(
            command, env=environment(), cwd=log.parent, stdout=stream, stderr=stream, start_new_session=True
        ) as process,
    ):
        try:
            _await_answer(port, path, process)
            yield
        finally:
            # The command starts the server as a process of its own, which outlives it.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


@contextmanager
def tracking_server(directory: Path) -> Iterator[str]:
    """Start `mlflow server` with its database, its files and its log in a directory, and give its address."""
    port = free_port()
    command = [str(PYTHON), "-m", "mlflow", "server", "--host", HOST, "--port", f"{port}", "--workers", "1"]
    places = ["--backend-store-uri", f"sqlite:///{directory / 'mlflow.db'}"]
    places += ["--artifacts-destination", str(directory / "mlartifacts")]
    with serving([*command, *places], port, "/health", directory / "server.log"):
        yield f"http://{HOST}:{port}"


def free_port() -> int:
    """Give a port on which nobody listens."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        return int(listening.getsockname()[1])


def _await_answer(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            connection = HTTPConnection(HOST, port, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == 200:  # noqa: PLR2004 - HTTP's word for success
                return
        except (OSError, HTTPException):
            time.sleep(0.2)
    msg = f"Cannot serve: {process.args!r} does not answer."
    raise ChildProcessError(msg)
