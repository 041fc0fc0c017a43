"""Projects of several sizes come in, how packaging grows with them goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import attrs

from benchmarks.measured_project import Shape, write_measured_project
from benchmarks.measurements import interleaved, line_through
from benchmarks.report import Comparison, Findings, Unit
from benchmarks.twin_environments import Twins

RATIO = 1.5
"""What the second half of a size may cost of the first: 1 where cost is linear, 3 where it is quadratic."""

NOISE = 0.05
"""Seconds by which a median may be wrong."""

ARTIFACT_BYTES = 10 * 2**10

MEBIBYTE = 2**20


@attrs.frozen
class Sizes:
    """The sizes that are measured.

    Attributes:
        nodes: Nodes of the inference pipeline, of which the first is 1 and the last twice the last but one.
        artifacts: Artifacts, likewise.
        mebibytes: Size of one artifact, likewise.
    """

    nodes: Sequence[int]
    artifacts: Sequence[int]
    mebibytes: Sequence[int]


def measure(directory: Path, twins: Twins, turns: int, sizes: Sizes, training_seconds: float) -> Findings:
    """Measure from the last node to READY, in a database and local files.

    Args:
        directory: An empty one.
        twins: The environments with us and without.
        turns: How often each size packages.
        sizes: The sizes.
        training_seconds: How long a training lasts: long enough for the verifying process to start.
    """
    base = Shape(seconds=training_seconds)
    kinds: dict[str, dict[int, Shape]] = {
        "node": {nodes: attrs.evolve(base, nodes=nodes) for nodes in sizes.nodes},
        # The model is an artifact, too.
        "artifact": {
            number: attrs.evolve(base, artifacts=number - 1, artifact_bytes=ARTIFACT_BYTES if number > 1 else 0)
            for number in sizes.artifacts
        },
        "MiB": {size: attrs.evolve(base, blob_bytes=size * MEBIBYTE) for size in sizes.mebibytes},
    }
    shapes = {shape for kind in kinds.values() for shape in kind.values()}
    projects = {
        shape: write_measured_project(directory / f"{number}", shape, twins.with_us)
        for number, shape in enumerate(sorted(shapes))
    }
    measured = interleaved({f"{shape}": project.seconds for shape, project in projects.items()}, turns)
    found = [compared(kind, {n: measured[f"{shape}"] for n, shape in of.items()}) for kind, of in kinds.items() if of]
    return Findings([each for each, _ in found], [remark for _, remark in found])


def compared(kind: str, seconds: Mapping[int, Sequence[float]]) -> tuple[Comparison, str]:
    """Compare the second half of a size with the first, and say what one more costs.

    Args:
        kind: Of what there is more.
        seconds: Measurements by size, at least three: the first, the last, and the half of the last but one.
    """
    first, *_, half, last = sorted(seconds)
    halves = {
        "ours": [after - before for before, after in zip(seconds[half], seconds[last], strict=True)],
        "theirs": [after - before for before, after in zip(seconds[first], seconds[half], strict=True)],
    }
    medians = {number: median(values) for number, values in seconds.items()}
    _, slope = line_through(medians)
    listed = ", ".join(f"{value:.2f} s for {number}" for number, value in sorted(medians.items()))
    remark = f"Packaging takes {listed} {kind}{'' if kind == 'MiB' else 's'}: {slope * 1e3:.2f} ms for each."
    comparison = Comparison(
        what=f"growth from {half} to {last} {kind}{'' if kind == 'MiB' else 's'}",
        peer=f"from {first} to {half}",
        unit=Unit.SECONDS,
        **halves,
        target=f"≤ {RATIO}x",
        is_met=median(halves["ours"]) <= RATIO * max(median(halves["theirs"]), 0) + NOISE,
    )
    return comparison, remark
