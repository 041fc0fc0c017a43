"""Set a fault's scene: a project, a server, what the processes say and what the store holds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
from mlflow import MlflowClient

from faults import commands
from faults.commands import SECONDS, Ended, run_forked, run_process
from faults.fault import MARKS, Cause, Fault, Stage
from faults.gate import Strike
from faults.tracking_server import TrackingServer
from faults.training_project import GATE_VARIABLE
from kedro_project import KedroProject

DISK_SIZE = 1_000_000
"""Bytes of the disk that is full before an artifact is on it."""

_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1"}
_PATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "7", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1"}
# Four minutes for each request.
_MLFLOWS_OWN: Mapping[str, str] = {}

_RETRIES = {
    Cause.SERVER_RESTARTED: _PATIENT,
    Cause.SERVER_KILLED_AND_NODE_RAISES: _MLFLOWS_OWN,
    Cause.SERVER_KILLED_AND_SIGINT: _MLFLOWS_OWN,
}


@attrs.frozen
class StoredModel:
    """A logged model in the store.

    Attributes:
        model_id: Its id.
        run_id: The run that it is in.
        status: Its status.
    """

    model_id: str
    run_id: str
    status: str


@attrs.define
class Scene:
    """A project and a server, for one fault.

    Attributes:
        fault: The fault.
        project: The project.
        server: The server.
        directory: For what processes write.
        pid: The process of the run that the fault strikes.
        struck: When the fault struck, on the clock of ``time.monotonic``.
        small_disk: How the disk came to be too small; None where it was not.
    """

    fault: Fault
    project: KedroProject
    server: TrackingServer
    directory: Path
    pid: int = 0
    struck: float | None = None
    small_disk: str | None = None

    @property
    def temporary(self) -> Path:
        """The directory for the temporary files of the processes."""
        return self.directory / "temporary"

    def runs(self) -> dict[str, str]:
        """Give the status of each run by its id, oldest first."""
        found = self._search(lambda client, ids: client.search_runs(ids, order_by=["start_time"]))
        return {run.info.run_id: run.info.status for run in found}

    def models(self) -> list[StoredModel]:
        """Give the logged models, oldest first."""
        order = [{"field_name": "creation_time"}]
        found = self._search(lambda client, ids: client.search_logged_models(ids, order_by=order))
        return [StoredModel(model.model_id, model.source_run_id, str(model.status)) for model in found]

    def tags(self, run_id: str) -> dict[str, str]:
        """Give the tags of ours on a run."""
        tags = MlflowClient(self.server.database).get_run(run_id).data.tags
        return {name: value for name, value in tags.items() if name.startswith("kedro_autolog_pipeline.")}

    def run_with_fault(self) -> Ended:
        """Run ``kedro run``, and have the fault at its stage."""
        cause = self.fault.cause
        if self.fault.stage is Stage.START:
            self._strike()
        elif cause not in {Cause.NODE_RAISES, Cause.DISK_FULL}:
            mark = MARKS[self.fault.stage]
            self.server.gate.arm(Strike(mark.method, mark.path, mark.moment, self._strike))
        variables = {GATE_VARIABLE: self.server.gate.address.removeprefix("http://")}
        command = [sys.executable, "-m", "kedro", "run"]
        if cause in {Cause.NODE_RAISES, Cause.SERVER_KILLED_AND_NODE_RAISES}:
            variables["FAULTS_RAISE"] = "yes"
        if cause is Cause.DISK_FULL:
            staging = self.project.path / ".autolog_pipeline"
            staging.mkdir()
            if can_mount(self.directory):
                self.small_disk = "a tmpfs of 1 MB"
                command = _on_small_disk(staging, command)
            else:
                self.small_disk = "no file may be larger than 1 MB"
                variables["FAULTS_FILE_SIZE"] = str(DISK_SIZE)
        # Before training, nobody waits for MLflow's patience to end.
        variables |= _MLFLOWS_OWN if self.fault.stage is Stage.START else _RETRIES.get(cause, _IMPATIENT)
        output = self.directory / "fault.txt"
        ended = run_process(command, self.project.path, self._variables(variables), output, self._started)
        self.server.gate.arm(None)
        return ended

    def kedro(self, *arguments: str) -> Ended:
        """Run a ``kedro`` command without a fault."""
        output = self.directory / f"{arguments[0]}.txt"
        return run_forked(commands.kedro, (arguments, self.project.path, self._variables(_IMPATIENT)), output)

    def load(self, models: Iterable[str]) -> Ended:
        """Load models from the server in a process that knows nothing of the project, and have them predict."""
        return run_forked(commands.score, (self.server.gate.address, list(models)), self.directory / "load.txt")

    def _started(self, pid: int) -> None:
        self.pid = pid

    def _strike(self) -> None:
        self.struck = time.monotonic()
        cause = self.fault.cause
        if cause.kills_server:
            self.server.kill()
        elif cause is Cause.SERVER_RESTARTED:
            self.server.kill_for_now()
        elif cause is Cause.OVERWRITTEN:
            scaler = self.project.path / "data" / "scaler.pkl"
            scaler.write_bytes(scaler.read_bytes().replace(b"payload", b"another"))
        if cause.signal is signal.SIGINT:
            # The terminal sends it to all that are in the foreground.
            os.killpg(self.pid, signal.SIGINT)
        elif cause.signal is not None:
            os.kill(self.pid, cause.signal)
        if cause is Cause.SIGKILL:
            # The kernel takes a moment, in which what has been reached would go on.
            with suppress(ProcessLookupError):
                while time.monotonic() < self.struck + SECONDS:
                    os.kill(self.pid, 0)
                    time.sleep(0.01)

    def _search(self, search: Callable[[MlflowClient, list[str]], Iterable[Any]]) -> Iterable[Any]:
        # The database can be read while the server is down.
        client = MlflowClient(self.server.database)
        experiment = client.get_experiment_by_name(self.project.package)
        return [] if experiment is None else search(client, [experiment.experiment_id])

    def _variables(self, more: Mapping[str, str]) -> dict[str, str]:
        self.temporary.mkdir(exist_ok=True)
        return {
            **os.environ,
            "MLFLOW_TRACKING_URI": self.server.gate.address,
            "TMPDIR": str(self.temporary),
            # Kedro's log and its tracebacks have lines of this width.
            "COLUMNS": "2000",
            # What old and new versions of others deprecate is no part of what a fault makes a user see.
            "PYTHONWARNINGS": "ignore",
            **more,
        }


def can_mount(directory: Path) -> bool:
    """Whether this machine lets us have a disk of our own."""
    try:
        return subprocess.run(_on_small_disk(directory, ["true"]), capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _on_small_disk(directory: Path, command: list[str]) -> list[str]:
    """Give the command that runs another one with a small disk in a directory, which nobody else sees."""
    mount = f'mount -t tmpfs -o size={DISK_SIZE} none "$0" && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, str(directory), *command]
