"""A training comes in, how long it takes from its last node to the READY model goes out, ours and kedro-mlflow's."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from benchmarks.measured_project import PEER, Plugin, Shape, write_measured_project
from benchmarks.measurements import interleaved, typical_ratio
from benchmarks.report import Comparison, Findings, Unit
from benchmarks.surroundings import PEER_PYTHON
from benchmarks.twin_environments import Twins

SECONDS, RATIO, RATIO_AT_ONCE = 0.5, 0.1, 0.5
"""What packaging may take after a training, in seconds and of kedro-mlflow's time, and after one of no duration."""


def measure(directory: Path, twins: Twins, turns: int, training_seconds: float) -> Findings:
    """Measure a small model of scikit-learn's, in a database and local files, after a training and after none.

    Args:
        directory: An empty one.
        twins: The environments with us and without.
        turns: How often each of the two packages.
        training_seconds: How long the training lasts; 0 leaves only the one that has no duration.
    """
    found = [_compared(directory / "at_once", twins, turns, 0.0)]
    if training_seconds:
        found.insert(0, _compared(directory / "lasting", twins, turns, training_seconds))
    return Findings(found)


def _compared(directory: Path, twins: Twins, turns: int, training_seconds: float) -> Comparison:
    shape = Shape(seconds=training_seconds)
    ours = write_measured_project(directory / "ours", shape, twins.with_us)
    theirs = write_measured_project(directory / "theirs", shape, PEER_PYTHON, Plugin.KEDRO_MLFLOW)
    measured = interleaved({"ours": ours.seconds, "theirs": theirs.seconds}, turns)
    ratio = typical_ratio(**measured)
    if training_seconds:
        duration, target = f"{training_seconds:g} s", f"≤ {SECONDS} s, ≤ {RATIO}x"
        is_met = median(measured["ours"]) <= SECONDS and ratio <= RATIO
    else:
        duration, target, is_met = "no duration", f"≤ {RATIO_AT_ONCE}x", ratio <= RATIO_AT_ONCE
    return Comparison(
        what=f"last node to READY, a training of {duration}",
        peer=PEER,
        unit=Unit.SECONDS,
        **measured,
        target=target,
        is_met=is_met,
    )
