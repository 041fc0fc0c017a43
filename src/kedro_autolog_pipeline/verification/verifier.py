"""Have a fresh process load a package and answer what its users will ask.

Before there is a package, the process can try what it will import, and tell what it cannot.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

import attrs

from kedro_autolog_pipeline.dependencies.closure import find_closure
from kedro_autolog_pipeline.dependencies.distributions import installation_directories
from kedro_autolog_pipeline.errors import VerificationError
from kedro_autolog_pipeline.verification import process as program
from kedro_autolog_pipeline.verification.import_check import ImportCheck
from kedro_autolog_pipeline.verification.process import Stage
from kedro_autolog_pipeline.verification.proof import Answers, Outcome, Proof, Trial, explain, judge, predicted_columns

if TYPE_CHECKING:
    from typing_extensions import Self

LOG_LINES = 40
"""How much of what the process wrote an error shows: a traceback through MLflow, and what led to it."""

_BUDGET = 5.0
"""How long the process is asked what the model's users will ask, in seconds; a question that is begun may go on."""

_LOG_FILE = "log.txt"

_VARIABLES_OF_THE_RUN = frozenset(
    {
        "ENABLE_MLFLOW_TRACING",
        "MLFLOW_ACTIVE_MODEL_ID",
        "MLFLOW_EXPERIMENT_ID",
        "MLFLOW_EXPERIMENT_NAME",
        "MLFLOW_RUN_ID",
        "MLFLOW_TRACING_DESTINATION",
    }
)
"""What leads MLflow to the training's run, where a model that tracks or traces its predictions must not do so."""


@attrs.frozen
class _Task:
    """What the process is asked for, as a user reads of it when it fails.

    Attributes:
        stages: What a stage is called, where that is not its value.
        when_slow: What to do when the time is over.
        when_wrong: What to do when the model raises an error.
        when_ended: What to do when the process has ended by itself.
    """

    stages: dict[Stage, str]
    when_slow: str = ""
    when_wrong: str = ""
    when_ended: str = ""

    def name(self, stage: Stage) -> str:
        """Return what a stage is called, as the end of "the process could not ..."."""
        return self.stages.get(stage, stage.value)


_PROOF = _Task(
    {},
    " Raise 'verify_timeout', or set 'verify: false'.",
    " Correct that and package it again.",
    " Correct that, or set 'verify: false' for a model that cannot be loaded beside its training.",
)
_ANSWER = _Task({Stage.PREDICT: "answer the rows", Stage.HAND_BACK: "hand back its answer"})


class Verifier:
    """A fresh Python process that proves one package, and in which nothing of the project can be imported.

    The process starts with this object, and imports MLflow beside whatever its parent does. It ends with
    ``verify``, with ``answer``, with ``close``, or when its parent dies.

    Args:
        model: The logged model's name, for errors.
        preload: Names of modules that the model is known to need, imported beside MLflow. One that cannot
            be imported does no harm here: loading the package tells.

    Raises:
        VerificationError: When no process can be started.
    """

    def __init__(self, model: str, *, preload: Iterable[str] = ()) -> None:
        self._model = model
        self._closed = False
        if not sys.executable:
            cause = (
                "this Python is embedded in another program, and does not know its interpreter. "
                "Run Kedro by the interpreter itself, or set 'verify: false'."
            )
            raise VerificationError(model, cause)
        self._installed = installation_directories()
        self._directory = Path(tempfile.mkdtemp(prefix="kedro-autolog-pipeline-"))
        empty_directory = self._directory / "cwd"
        empty_directory.mkdir()
        settings = {"directory": str(self._directory), "installed": self._installed, "preload": list(preload)}
        try:
            with (self._directory / _LOG_FILE).open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 - it runs our own program
                    [sys.executable, "-u", "-X", "faulthandler", program.__file__, json.dumps(settings)],
                    cwd=empty_directory,
                    env=_environment(self._directory, self._installed),
                    stdin=subprocess.PIPE,
                    bufsize=0,
                    stdout=log,
                    stderr=log,
                    # Ctrl-C reaches the parent alone, and what the model starts can be ended with it.
                    start_new_session=True,
                )
        except OSError as error:
            shutil.rmtree(self._directory)
            cause = f"no process can be started ({error}). Correct that, or set 'verify: false'."
            raise VerificationError(model, cause) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process and all that it has started, and remove its files; once is enough."""
        if self._closed:
            return
        self._closed = True
        if hasattr(os, "killpg"):
            # What the model has started may still run when the process itself has ended.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()
        self._process.communicate()
        program.kill_all_of(self._directory)
        shutil.rmtree(self._directory, ignore_errors=True)

    def try_imports(self, imports: ImportCheck) -> None:
        """Have the process try imports until it is asked to verify; at most once.

        It does so where processes can fork, which is not on Windows, and else leaves it to the proof.

        Raises:
            VerificationError: When code that the model needs cannot be copied; the process has then ended.
        """
        staging = self._directory / "imports"
        staging.mkdir()
        try:
            staged = imports.stage(staging, self._installed)
            # A pipe would be full of the names of some thousand nodes, and the training wait for the process.
            (self._directory / program.IMPORTS_FILE).write_text(json.dumps(staged), encoding="utf-8")
        except OSError as error:
            self.close()
            cause = f"the code that it needs cannot be copied ({error}). Correct that, or leave it out of 'code_paths'."
            raise VerificationError(self._model, cause) from error
        # What has ended the process is told when it is to verify.
        with contextlib.suppress(OSError):
            self._input.write(b"null\n")

    def fault(self) -> str | None:
        """Say what the process cannot import, as far as that is known by now; it never waits.

        Any thread may ask, and so may a fork of the process that made this object.

        Returns:
            One sentence with every fault, and what to do; None when no fault is known, or the object is closed.
        """
        try:
            faults = (self._directory / program.IMPORT_FAULTS_FILE).read_text(encoding="utf-8")
        except OSError:
            return None
        return (
            "a fresh process, with nothing but the shipped code and the declared requirements, cannot load "
            f"{faults.rstrip('.')}. Correct that and run again."
        )

    def verify(
        self,
        package: Path,
        trial: Trial | None,
        *,
        shipped: Iterable[str] = (),
        requirements: Iterable[str] | None = None,
        timeout: float,
    ) -> Proof:
        """Prove a package; the process has ended when this returns or raises.

        Args:
            package: The package's directory.
            trial: What the model must reproduce; None when there is no sample, so that it is only loaded.
            shipped: Top-level names of the modules that the package holds.
            requirements: Lines of its requirements.txt: of what is installed, only what they bring may be imported.
                None means that all of it may.
            timeout: How long the process may take from now on, in seconds.

        Raises:
            VerificationError: When the process could not import the package's functions beforehand, or now cannot
                load it, its output is not the live pipeline's, or the time is over.
        """
        started = time.monotonic()
        try:
            fault = self.fault()
            if fault is not None:
                raise VerificationError(self._model, fault, _end_of(self._directory / program.IMPORT_LOG_FILE))
            answered = self._answer(package, trial, shipped, requirements, timeout)
        finally:
            self.close()
        if trial is None or answered is None:
            detail = "A fresh process has loaded it; there was no sample to try."
            return Proof(Outcome.LOADED, detail, time.monotonic() - started)
        outcome, detail = judge(self._model, trial, *answered)
        _, answers, _ = answered
        answers = attrs.evolve(answers, predicted=predicted_columns(trial, answers))
        return Proof(outcome, detail, time.monotonic() - started, answers)

    def answer(
        self,
        package: Path,
        rows: Any,
        *,
        shipped: Iterable[str] = (),
        requirements: Iterable[str] | None = None,
        timeout: float,
    ) -> Any:
        """Have a package answer rows, and nothing else; the process has ended when this returns or raises.

        Args:
            package: The directory of any model of MLflow's.
            rows: What ``predict`` of the loaded model takes.
            shipped: As for ``verify``.
            requirements: As for ``verify``.
            timeout: As for ``verify``.

        Raises:
            VerificationError: When the process cannot load it or answer, or the time is over.
        """
        try:
            self._hand_over(rows)
            request = self._request(package, shipped, requirements) | {"has_sample": True, "is_proof": False}
            self._refuse_unless_ended(_ANSWER, timeout, is_alive=self._talk(request, timeout))
            return self._output()
        finally:
            self.close()

    @property
    def _input(self) -> IO[bytes]:
        stream = self._process.stdin
        assert stream is not None  # noqa: S101 - it was asked for
        return stream

    def _answer(
        self,
        package: Path,
        trial: Trial | None,
        shipped: Iterable[str],
        requirements: Iterable[str] | None,
        timeout: float,
    ) -> tuple[Any, Answers, dict[str, Any] | None] | None:
        """Return what ``judge`` needs of the process; None when there is no trial."""
        if trial is not None:
            import cloudpickle

            # The process judges by what is expected whether to tell how it came to its answer; it may do without.
            with contextlib.suppress(Exception), (self._directory / program.EXPECTED_FILE).open("wb") as file:
                cloudpickle.dump(trial.reference.output, file, protocol=5)
            self._hand_over(trial.sample)
        request = self._request(package, shipped, requirements) | {
            "has_sample": trial is not None,
            "is_proof": True,
            "asks_for_columns": trial is not None and trial.asks_for_columns,
            "budget": min(_BUDGET, timeout / 2),
        }
        is_alive = self._talk(request, timeout)
        if trial is not None and self._stage() is Stage.ASK:
            # A question has ended the process, or goes on where no timer could stop it. What is to be proven is there.
            return self._take_back(is_complete=False)
        self._refuse_unless_ended(_PROOF, timeout, trial, is_alive=is_alive)
        return None if trial is None else self._take_back(is_complete=True)

    def _request(self, package: Path, shipped: Iterable[str], requirements: Iterable[str] | None) -> dict[str, Any]:
        declared = None if requirements is None else find_closure(requirements, self._installed)
        return {
            "package": str(package.resolve()),
            "shipped": list(shipped),
            "declared": None if declared is None else sorted(declared),
        }

    def _talk(self, request: dict[str, Any], timeout: float) -> bool:
        """Send the request, and wait for the process to end; True when it goes on after the time that it has."""
        # Given a timeout, Popen looks at the process twenty times a second, which may be a quarter of a proof.
        talk = threading.Thread(
            target=self._process.communicate, args=(json.dumps(request).encode() + b"\n",), daemon=True
        )
        talk.start()
        talk.join(timeout)
        return talk.is_alive()

    def _refuse_unless_ended(self, task: _Task, timeout: float, trial: Trial | None = None, *, is_alive: bool) -> None:
        """Say what the process could not do.

        Raises:
            VerificationError: When there is anything.
        """
        stage, error = self._stage(), self._directory / program.ERROR_FILE
        if is_alive:
            cause = (
                f"the fresh process was stopped after {timeout:g} s, the limit 'verify_timeout', before it "
                f"could {task.name(stage)}.{task.when_slow}"
            )
            raise self._failure(cause)
        if error.exists():
            reason = error.read_text(encoding="utf-8").rstrip(".")
            explained = "" if trial is None or stage is not Stage.PREDICT else explain(trial.reference)
            remedy = f" {explained}" if explained else task.when_wrong
            raise self._failure(f"the fresh process could not {task.name(stage)}: {reason}.{remedy}")
        if stage is not Stage.END:
            ending = _ending(self._process.returncode)
            raise self._failure(f"the fresh process {ending} before it could {task.name(stage)}.{task.when_ended}")

    def _hand_over(self, sample: Any) -> None:
        import cloudpickle

        try:
            with (self._directory / program.SAMPLE_FILE).open("wb") as file:
                cloudpickle.dump(sample, file, protocol=5)
        except Exception as error:
            cause = (
                f"the sample cannot be handed to a fresh process ({error}). "
                "Let the pipeline take what can be pickled, or set 'verify: false'."
            )
            raise VerificationError(self._model, cause) from error

    def _output(self) -> Any:
        try:
            return self._unpickled(program.OUTPUT_FILE)
        except Exception as error:
            cause = (
                f"what the fresh process has predicted cannot be read here ({error}). "
                "Let the pipeline return objects of classes that the project can import."
            )
            raise VerificationError(self._model, cause) from error

    def _take_back(self, *, is_complete: bool) -> tuple[Any, Answers, dict[str, Any] | None]:
        output = self._output()
        answers, trace = {}, None
        with contextlib.suppress(OSError):
            answers = json.loads((self._directory / program.ANSWERS_FILE).read_text(encoding="utf-8"))
        # It only explains a difference, of which there need not be one.
        with contextlib.suppress(Exception):
            trace = self._unpickled(program.TRACE_FILE)
        return output, Answers.from_json(answers, is_complete=is_complete), trace

    def _unpickled(self, name: str) -> Any:
        with (self._directory / name).open("rb") as file:
            return pickle.load(file)  # noqa: S301 - our own process has written it

    def _stage(self) -> Stage:
        """Return the stage that the process has reached."""
        path = self._directory / program.STAGES_FILE
        names = path.read_text(encoding="utf-8").split() if path.exists() else []
        return Stage[names[-1]] if names else Stage.IMPORT

    def _failure(self, cause: str) -> VerificationError:
        return VerificationError(self._model, cause, _end_of(self._directory / _LOG_FILE))


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:])


def _environment(directory: Path, installed: Iterable[str]) -> dict[str, str]:
    """Return the parent's environment, credentials included, without the ways to its source and its run."""
    kept = {name: value for name, value in os.environ.items() if name not in _VARIABLES_OF_THE_RUN}
    entries = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    store = f"sqlite:///{(directory / 'mlflow.db').as_posix()}"
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(entry for entry in map(_absolute, entries) if entry in installed),
        "PYTHONIOENCODING": "utf-8:backslashreplace",
        "MLFLOW_TRACKING_URI": store,
        "MLFLOW_REGISTRY_URI": store,
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _absolute(entry: str) -> str:
    return os.path.abspath(entry)  # noqa: PTH100 - links lead out of what is installed


def _ending(returncode: int) -> str:
    if returncode >= 0:
        return f"ended with exit code {returncode}"
    return f"was killed by signal {-returncode} ({signal.strsignal(-returncode)})"
