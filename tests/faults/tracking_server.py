"""Run a real ``mlflow server`` behind a gate, to be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from faults.gate import HOST, Gate
from local_server import free_port

_START_SECONDS = 120
_DATABASE = "mlflow.db"


class TrackingServer:
    """An MLflow server over sqlite that also keeps the artifacts, as one address to its clients.

    Args:
        directory: Where its database and its artifacts are; it is made.
        migrated_database: A database that MLflow has prepared, to copy.

    Attributes:
        gate: What its clients connect to.
    """

    def __init__(self, directory: Path, migrated_database: Path) -> None:
        directory.mkdir(parents=True)
        shutil.copy(migrated_database, directory / _DATABASE)
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.gate = Gate()

    @property
    def database(self) -> str:
        """URI of its database, which can be read while it is down."""
        return f"sqlite:///{self._directory / _DATABASE}"

    def start(self) -> None:
        """Start it, and wait until it answers at its address."""
        self._launch()
        self._wait()
        self.gate.open()

    def kill(self) -> None:
        """Kill it; its address refuses connections from now on."""
        self.gate.close()
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def kill_for_now(self) -> None:
        """Kill it, and have it come back by itself."""
        self.kill()
        threading.Thread(target=self.start, daemon=True).start()

    def ensure(self) -> None:
        """Start it where it is down, and wait for it where it is just coming back."""
        if self._process is None:
            self.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self.gate.is_open:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _launch(self) -> None:
        port = free_port()
        with (self._directory / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"),
                    *("--backend-store-uri", self.database, "--serve-artifacts"),
                    *("--artifacts-destination", str(self._directory / "artifacts")),
                ],
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                # It has children, which are to be killed with it.
                start_new_session=True,
            )
        self.gate.upstream = port

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            connection = HTTPConnection(HOST, self.gate.upstream, timeout=5)
            try:
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return
            except (OSError, HTTPException):
                assert time.monotonic() < deadline, (self._directory / "log.txt").read_text()
            finally:
                connection.close()
            time.sleep(0.05)
