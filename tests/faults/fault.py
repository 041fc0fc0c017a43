"""What can go wrong, as data: each fault with what the user sees, what the store holds, and what a retry does."""

from __future__ import annotations

import re
from enum import Enum
from signal import Signals

import attrs

from faults.gate import Moment

_API = "/api/2.0/mlflow"


class Stage(Enum):
    """When a fault strikes; the value is how the table names it."""

    START = "before training"
    BEGINNING = "in the first node of training"
    TRAINING = "in the last node of training"
    CREATED = "when the logged model is created"
    GATHERING = "while the package is gathered"
    WRITING = "while the package is written"
    PROVING = "while the package is proven"
    UPLOADING = "during the upload"
    FINALISING = "before the model is READY"


@attrs.frozen
class Mark:
    """The request by which a stage is recognised.

    Attributes:
        method: Its method.
        path: Pattern of its path.
        moment: Where in it the fault strikes.
    """

    method: str
    path: re.Pattern[str]
    moment: Moment


MARKS = {
    **{
        stage: Mark("POST", re.compile(f"/reached/{stage.name.lower()}"), Moment.AFTER)
        for stage in (Stage.BEGINNING, Stage.TRAINING, Stage.GATHERING, Stage.WRITING, Stage.PROVING)
    },
    Stage.CREATED: Mark("POST", re.compile(f"{_API}/logged-models"), Moment.AFTER),
    Stage.UPLOADING: Mark("PUT", re.compile(r".*/artifacts/scaler/scaler\.pkl"), Moment.WITHIN),
    Stage.FINALISING: Mark("PATCH", re.compile(rf"{_API}/logged-models/m-\w+"), Moment.BEFORE),
}


class Cause(Enum):
    """What goes wrong; the value is how the table names it."""

    SERVER_KILLED = "The server is killed"
    SERVER_RESTARTED = "The server is killed and restarted"
    SIGKILL = "SIGKILL"
    SIGTERM = "SIGTERM"
    SIGINT = "Ctrl-C"
    NODE_RAISES = "A node raises"
    SERVER_KILLED_AND_NODE_RAISES = "The server is killed and a node raises"
    SERVER_KILLED_AND_SIGINT = "The server is killed, then Ctrl-C"
    DISK_FULL = "The disk is full"
    OVERWRITTEN = "Another process overwrites an artifact"

    @property
    def kills_server(self) -> bool:
        """Whether the server is down until the process has ended."""
        return self in {Cause.SERVER_KILLED, Cause.SERVER_KILLED_AND_NODE_RAISES, Cause.SERVER_KILLED_AND_SIGINT}

    @property
    def signal(self) -> Signals | None:
        """The signal that the process gets; None when it gets none."""
        return {
            Cause.SIGKILL: Signals.SIGKILL,
            Cause.SIGTERM: Signals.SIGTERM,
            Cause.SIGINT: Signals.SIGINT,
            Cause.SERVER_KILLED_AND_SIGINT: Signals.SIGINT,
        }.get(self)


class Retry(Enum):
    """What becomes of ``kedro autolog package --run-id <id>``."""

    READY = "a READY model in the same run"
    NEEDLESS = "not needed"
    REFUSED = "refused"
    NO_RUN = "no run was opened"


@attrs.frozen
class Fault:
    """A fault, and what must be true afterwards.

    Attributes:
        cause: What goes wrong.
        stage: When.
        exit_code: Of ``kedro run``; negative for the signal that ended it.
        says: What the user sees at least; empty where nothing can be said.
        run: Status of the MLflow run when the process has ended; None for no run.
        model: Status of the logged model then; None for no model.
        retry: What the retry command does.
        run_after: Status of the MLflow run after the retry.
        refusal: What a retry that is refused says.
        run_first: Whether another ``kedro run`` comes before the retry.
    """

    cause: Cause
    stage: Stage
    exit_code: int
    says: str
    run: str | None
    model: str | None
    retry: Retry = Retry.READY
    run_after: str | None = "FINISHED"
    refusal: str = ""
    run_first: bool = False

    @property
    def name(self) -> str:
        """How the table names it."""
        suffix = ", and another `kedro run`" if self.run_first else ""
        return f"{self.cause.value} {self.stage.value}{suffix}"


_PACKAGING = (Stage.GATHERING, Stage.WRITING, Stage.PROVING, Stage.UPLOADING, Stage.FINALISING)
_COMMAND = "kedro autolog package --run-id"
_NOT_SAVED = "no record shows that it saved 'model'"

FAULTS = [
    Fault(Cause.SERVER_KILLED, Stage.START, 1, "does not answer", None, None, Retry.NO_RUN, None),
    Fault(Cause.SERVER_KILLED, Stage.TRAINING, 1, _COMMAND, "RUNNING", None),
    *(
        Fault(Cause.SERVER_KILLED, stage, 1, _COMMAND, "RUNNING", "PENDING")
        for stage in (Stage.CREATED, Stage.PROVING, Stage.UPLOADING, Stage.FINALISING)
    ),
    Fault(Cause.SERVER_RESTARTED, Stage.START, 1, "does not answer", None, None, Retry.NO_RUN, None),
    *(
        Fault(Cause.SERVER_RESTARTED, stage, 0, "Packaged 'prices'", "FINISHED", "READY", Retry.NEEDLESS)
        for stage in (Stage.TRAINING, Stage.CREATED, Stage.PROVING, Stage.UPLOADING, Stage.FINALISING)
    ),
    Fault(
        Cause.SERVER_KILLED_AND_NODE_RAISES,
        Stage.TRAINING,
        1,
        "the plot has no axes",
        "RUNNING",
        None,
        run_after="FAILED",
    ),
    Fault(Cause.SERVER_KILLED_AND_SIGINT, Stage.PROVING, 1, _COMMAND, "RUNNING", "PENDING"),
    Fault(Cause.SIGKILL, Stage.BEGINNING, -9, "", "RUNNING", None, Retry.REFUSED, "RUNNING", _NOT_SAVED),
    Fault(Cause.SIGKILL, Stage.TRAINING, -9, "", "RUNNING", None, run_after="KILLED"),
    *(Fault(Cause.SIGKILL, stage, -9, "", "RUNNING", "PENDING") for stage in _PACKAGING),
    Fault(Cause.SIGKILL, Stage.UPLOADING, -9, "", "RUNNING", "PENDING", run_first=True),
    Fault(Cause.SIGTERM, Stage.TRAINING, 143, "", "KILLED", None, run_after="KILLED"),
    *(Fault(Cause.SIGTERM, stage, 143, _COMMAND, "FINISHED", "FAILED") for stage in _PACKAGING),
    Fault(Cause.SIGINT, Stage.TRAINING, 1, "Aborted!", "KILLED", None, run_after="KILLED"),
    *(Fault(Cause.SIGINT, stage, 1, _COMMAND, "FINISHED", "FAILED") for stage in _PACKAGING),
    Fault(Cause.NODE_RAISES, Stage.TRAINING, 1, "the plot has no axes", "FAILED", None, run_after="FAILED"),
    Fault(Cause.DISK_FULL, Stage.GATHERING, 1, "cannot be copied", "FINISHED", "FAILED"),
    Fault(
        Cause.OVERWRITTEN, Stage.TRAINING, 1, "scaler.pkl", "FINISHED", "FAILED", Retry.REFUSED, refusal="scaler.pkl"
    ),
]
