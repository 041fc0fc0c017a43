"""Projects of several sizes come in, how packaging grows with them goes out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import attrs

from benchmarks.measured_project import MeasuredProject, Shape, write_measured_project
from benchmarks.measurements import interleaved, line_through
from benchmarks.report import Comparison, Findings, Unit
from benchmarks.twin_environments import Twins

RATIO = 1.5
"""What the second half of a size may cost of the first: 1 where cost is linear, 3 where it is quadratic."""

NOISE = 0.05
"""Seconds by which a median may be wrong."""

ARTIFACT_BYTES = 10 * 2**10

STARTED_SECONDS = 4.0
"""How long a training lasts that only gives the verifying process the time to start."""

MEBIBYTE = 2**20


@attrs.frozen
class Sizes:
    """The sizes that are measured.

    Attributes:
        nodes: Nodes of the inference pipeline, of which the first is 1 and the last twice the last but one.
        artifacts: Artifacts, likewise.
        mebibytes: Size of one artifact, likewise.
        pairs: Models that are packaged of one training, likewise.
        columns: Columns of a request, likewise, beside the few that there are.
    """

    nodes: Sequence[int]
    artifacts: Sequence[int]
    mebibytes: Sequence[int]
    pairs: Sequence[int]
    columns: Sequence[int]


def measure(  # noqa: PLR0913 - one for each thing that is measured
    directory: Path,
    twins: Twins,
    turns: int,
    sizes: Sizes,
    *,
    training_seconds: float,
    before: Callable[[], object],
) -> Findings:
    """Measure from the last node to READY, in a database and local files.

    A large artifact is saved by the last node, or a part of its cost would be hidden, and kept in memory where that is
    possible: when several of a disk's files wait to be written, the next one takes as long as they do.

    Args:
        directory: An empty one.
        twins: The environments with us and without.
        turns: How often each size packages.
        sizes: The sizes.
        training_seconds: How long a training lasts: long enough for what can be done beside it.
        before: What is done before a large artifact is measured.
    """
    base = Shape(seconds=STARTED_SECONDS)
    lasting = Shape(seconds=training_seconds, artifact_bytes=ARTIFACT_BYTES)
    large = attrs.evolve(base, is_blob_last=True)
    nodes = {number: attrs.evolve(base, nodes=number) for number in sizes.nodes}
    # The model is an artifact, too.
    artifacts = {number: attrs.evolve(lasting, artifacts=number - 1) for number in sizes.artifacts}
    pairs = {number: attrs.evolve(base, pairs=number) for number in sizes.pairs}
    columns = {number: attrs.evolve(base, columns=number) for number in sizes.columns}
    mebibytes = {size: attrs.evolve(large, blob_bytes=size * MEBIBYTE) for size in sizes.mebibytes}
    found = [
        _followed("node", _written(directory / "nodes", nodes, twins), turns),
        _followed("artifact", _written(directory / "artifacts", artifacts, twins), turns),
        _followed("pair", _written(directory / "pairs", pairs, twins), turns),
        _followed("column", _written(directory / "columns", columns, twins), turns),
    ]
    with TemporaryDirectory(dir=_memory(max(sizes.mebibytes) * MEBIBYTE)) as memory:
        found.append(_followed("MiB", _written(Path(memory), mebibytes, twins), turns, before))
    return Findings([each for each, _ in found], [remark for _, remark in found])


def _written(directory: Path, shapes: Mapping[int, Shape], twins: Twins) -> dict[int, MeasuredProject]:
    return {
        number: write_measured_project(directory / f"{number}", shape, twins.with_us)
        for number, shape in shapes.items()
    }


def _followed(
    kind: str, projects: Mapping[int, MeasuredProject], turns: int, before: Callable[[], object] | None = None
) -> tuple[Comparison, str]:
    measured = interleaved({f"{number}": project.seconds for number, project in projects.items()}, turns, before)
    return compared(kind, {number: measured[f"{number}"] for number in projects})


def _memory(size: int) -> Path | None:
    """Give a file system in memory with room for a file of a size, and two more; None where there is none."""
    directory = Path("/dev/shm")  # noqa: S108 - a directory of random name is made in it
    return directory if directory.exists() and shutil.disk_usage(directory).free > 3 * size else None


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
