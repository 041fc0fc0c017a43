"""Run commands in processes of their own, and say how they ended."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs

SECONDS = 240
"""How long a process may take on a busy machine."""

# Most of the time of a small command is these imports, which a process that is forked has made already.
_PRELOADED = ["kedro.framework.cli.cli", "kedro_datasets.pandas.csv_dataset", "kedro_datasets.pickle", "mlflow.pyfunc"]


@attrs.frozen
class Ended:
    """A process that has ended.

    Attributes:
        exit_code: Its exit code; negative for the signal that ended it.
        output: What it wrote.
        seconds: How long it took.
    """

    exit_code: int
    output: str
    seconds: float


def run_process(
    arguments: Sequence[str],
    cwd: Path,
    variables: Mapping[str, str],
    output: Path,
    when_started: Callable[[int], None] = lambda _: None,
) -> Ended:
    """Run a command in a process of its own, as a shell does.

    Args:
        arguments: The command line.
        cwd: Its working directory.
        variables: Its environment.
        output: The file that it writes to.
        when_started: Is given its process id, which also is that of its process group.
    """
    started = time.monotonic()
    with output.open("wb") as file:
        process = subprocess.Popen(
            arguments,
            cwd=cwd,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            # A process that is started in the background ignores Ctrl-C, and would hand that on.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - it takes no lock
        )
    try:
        when_started(process.pid)
        exit_code = process.wait(SECONDS)
    finally:
        process.kill()
        process.wait()
    return Ended(exit_code, output.read_text(encoding="utf-8"), time.monotonic() - started)


def run_forked(target: Callable[..., Any], arguments: Sequence[Any], output: Path) -> Ended:
    """Call a function in a process that has imported Kedro and MLflow, and nothing of any project."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    started = time.monotonic()
    process = context.Process(target=_redirected, args=(target, arguments, output))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
    return Ended(process.exitcode or 0, output.read_text(encoding="utf-8"), time.monotonic() - started)


def kedro(arguments: Sequence[str], cwd: Path, variables: Mapping[str, str]) -> None:
    """Be the ``kedro`` command."""
    from kedro.framework.cli import main

    os.environ.clear()
    os.environ.update(variables)
    os.chdir(cwd)
    sys.argv = ["kedro", *arguments]
    main()


def score(tracking_uri: str, models: Sequence[str]) -> None:
    """Load each model, and have it predict."""
    import mlflow
    import pandas as pd

    mlflow.set_tracking_uri(tracking_uri)
    for model in models:
        answer = mlflow.pyfunc.load_model(f"models:/{model}").predict(pd.DataFrame({"x": [9, 10]}))
        # The slope is 3, the mean of x is 9.5, and the offset 0.5.
        assert [round(value, 6) for value in answer["prediction"]] == [-1.0, 2.0]


def _redirected(target: Callable[..., Any], arguments: Sequence[Any], output: Path) -> None:
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    target(*arguments)
