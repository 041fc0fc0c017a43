"""A large artifact comes in, how long packaging it takes beside `cp` and beside a bare upload goes out."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.measured_project import PEER, Plugin, Shape, write_measured_project
from benchmarks.measurements import interleaved
from benchmarks.report import Comparison, Findings, Unit
from benchmarks.server_process import tracking_server
from benchmarks.surroundings import PEER_PYTHON
from benchmarks.twin_environments import Twins

COPY_RATIO, PEER_RATIO, UPLOAD_RATIO = 1.3, 0.6, 1.15
"""What packaging may take of the time of `cp`, of kedro-mlflow's, and of a bare upload's."""

MEBIBYTE = 2**20


def measure_copying(
    directory: Path, twins: Twins, turns: int, shape: Shape, before: Callable[[], object] | None
) -> Findings:
    """Measure an artifact in local files that takes no time to load, so that what loads it takes none of the time.

    Args:
        directory: An empty one.
        twins: The same environment with us and without.
        turns: How often each packages and copies.
        shape: What is trained: the artifact, for long enough that the verifying process starts meanwhile.
        before: What is done before each measurement; None for nothing.
    """
    ours = write_measured_project(directory / "ours", shape, twins.with_us)
    theirs = write_measured_project(directory / "theirs", shape, PEER_PYTHON, Plugin.KEDRO_MLFLOW)
    written = []

    def package() -> float:
        packaged = ours.package()
        written.append(packaged.bytes_written)
        return packaged.seconds

    def copy(program: str) -> float:
        source, target = ours.path / "data" / "blob", directory / "copy"
        commands = {"cp": ["cp", str(source), str(target)], "sha256sum": ["sha256sum", str(source)]}
        seconds = _seconds_of(commands[program])
        target.unlink(missing_ok=True)
        return seconds

    measured = interleaved(
        {
            "ours": package,
            PEER: theirs.seconds,
            "cp": lambda: copy("cp"),
            "sha256sum": lambda: copy("sha256sum"),
        },
        turns,
        before,
    )
    what = f"an artifact of {shape.blob_bytes // MEBIBYTE} MiB, local files"
    return Findings(
        [
            Comparison.at_most(limit, what, peer, Unit.SECONDS, {"ours": measured["ours"], "theirs": measured[peer]})
            for peer, limit in {"cp": COPY_RATIO, PEER: PEER_RATIO}.items()
        ],
        [
            f"`sha256sum` of the same file is {median(measured['sha256sum']):.2f} s.",
            f"Packaging writes {median(written) / shape.blob_bytes - 1:.3f} times its bytes.",
        ],
    )


def measure_upload(
    directory: Path, twins: Twins, turns: int, shape: Shape, before: Callable[[], object] | None
) -> Findings:
    """Measure the same on a server that passes artifacts on.

    Args:
        directory: An empty one.
        twins: The same environment with us and without.
        turns: How often each uploads.
        shape: What is trained, likewise.
        before: What is done before each measurement; None for nothing.
    """
    with tracking_server(directory) as uri:
        ours = write_measured_project(directory / "ours", shape, twins.with_us, tracking_uri=uri)
        theirs = write_measured_project(directory / "theirs", shape, twins.without_us, tracking_uri=uri)
        training = [str(theirs.python), "-m", "kedro", "run", "--pipelines", "training"]

        def package() -> float:
            seconds = ours.seconds()
            shutil.rmtree(directory / "mlartifacts")
            return seconds

        def upload() -> float:
            # Behind the same training, for the disk is still busy with what that has written.
            seconds = theirs.run(training, MEASURE_MLFLOW="upload", MLFLOW_TRACKING_URI=uri)["upload_seconds"]
            shutil.rmtree(directory / "mlartifacts")
            return seconds

        measured = interleaved({"ours": package, "theirs": upload}, turns, before)
    what = f"an artifact of {shape.blob_bytes // MEBIBYTE} MiB, mlflow server"
    return Findings([Comparison.at_most(UPLOAD_RATIO, what, "log_artifact alone", Unit.SECONDS, measured)])


def _seconds_of(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started
