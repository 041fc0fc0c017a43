"""A chain of trivial nodes comes in, the seconds of one predict go out, on demand: a process of one environment.

It runs by its path in the environment of whom it measures, and so imports nothing of the other benchmarks. Its
standard input has one request per line, ``LENGTH`` or ``LENGTH artifact``; the answer is one line of JSON. It first
says, in another such line, which versions it measures. What Kedro and MLflow print goes to standard error.

Usage: python chain_worker.py {ours,kedro-mlflow} DIRECTORY
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

STEPS = "steps"
"""Module in the directory; the nodes of a chain are its functions ``step_0``, ``step_1``, ..."""

ARTIFACT = "artifact.pkl"
"""Pickle in the directory, which the first node of a chain may read."""

BATCHES = 5
"""Batches of which the fastest counts: what else the machine does only ever makes one slower."""

BATCH_SECONDS = 0.005
"""How long a batch repeats a call: long beside the clock's resolution, short beside a turn on a busy processor."""

Predict = Callable[[Any, Any], Any]


def functions(length: int) -> list[Callable[..., Any]]:
    """Give the functions of a chain."""
    module = importlib.import_module(STEPS)
    return [getattr(module, f"step_{i}") for i in range(length)]


def names(length: int, index: int, artifact: Path | None) -> tuple[list[str], str]:
    """Give what a node of a chain reads and what it writes; the first one reads the artifact."""
    first = ["x"] if artifact is None else ["x", "artifact"]
    return first if index == 0 else [f"value_{index - 1}"], "y" if index == length - 1 else f"value_{index}"


def our_predict(directory: Path, length: int, artifact: Path | None) -> Predict:
    """Load a package of ours, and give what predicts."""
    from mlflow.pyfunc.model import PythonModelContext

    from kedro_autolog_pipeline.package.sealing import seal_package
    from kedro_autolog_pipeline.serving.manifest import (
        FORMAT_VERSION,
        ArtifactEntry,
        InputEntry,
        Manifest,
        NodeEntry,
        Origin,
        Provenance,
        write_manifest,
    )
    from kedro_autolog_pipeline.serving.model import PackagedPipelineModel

    package = Path(mkdtemp(dir=directory))
    shutil.copy(directory / f"{STEPS}.py", package)
    entries = []
    if artifact is not None:
        (package / ARTIFACT).hardlink_to(artifact)
        dataset = {"type": "kedro_datasets.pickle.pickle_dataset.PickleDataset"}
        entries = [ArtifactEntry("artifact", Origin.TRAINED, ARTIFACT, dataset, 0, "", from_this_run=True)]
    nodes = []
    for i in range(length):
        inputs, output = names(length, i, artifact)
        nodes.append(NodeEntry(f"step_{i}", f"{STEPS}:step_{i}", is_pickled=False, inputs=inputs, outputs=output))
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name="chain",
        nodes=nodes,
        inputs=[*(InputEntry(entry.name, entry.origin) for entry in entries), InputEntry("x", Origin.REQUEST)],
        outputs=["y"],
        parameters={},
        artifacts=entries,
        requirements=[],
        code=[],
        notes=[],
        provenance=Provenance("", "", "", "", None, "", {}),
    )
    write_manifest(manifest, package)
    seal_package(package)
    model = PackagedPipelineModel.from_package(package)
    model.load_context(PythonModelContext({}, None))  # type: ignore[no-untyped-call]  # MLflow's
    return model.predict


def kedro_mlflow_predict(directory: Path, length: int, artifact: Path | None) -> Predict:  # noqa: ARG001 - as ours
    """Build kedro-mlflow's model, and give what predicts."""
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline, node
    from kedro_datasets.pickle import PickleDataset
    from kedro_mlflow.mlflow import KedroPipelineModel
    from mlflow.pyfunc.model import PythonModelContext

    for name in ("kedro", "kedro_mlflow"):
        logging.getLogger(name).setLevel(logging.WARNING)
    pipeline = Pipeline(
        [
            node(function, *names(length, i, artifact), name=function.__name__)
            for i, function in enumerate(functions(length))
        ]
    )
    held = {} if artifact is None else {"artifact": artifact.as_posix()}
    catalog = DataCatalog({name: PickleDataset(filepath=path) for name, path in held.items()})
    model = KedroPipelineModel(pipeline, catalog, "x")
    model.load_context(PythonModelContext(held, None))  # type: ignore[no-untyped-call]  # MLflow's
    return model.predict  # type: ignore[no-any-return]  # kedro-mlflow ships no types


def seconds_per_call(call: Callable[[], object]) -> float:
    """Give the mean time of a call in the fastest of several batches, each of one call at least."""
    started = time.perf_counter()
    call()
    number = max(1, int(BATCH_SECONDS / (time.perf_counter() - started)))
    batches = []
    for _ in range(BATCHES):
        started = time.perf_counter()
        for _ in range(number):
            call()
        batches.append((time.perf_counter() - started) / number)
    return min(batches)


def framework_seconds(predict: Predict, length: int) -> float:
    """Measure what a predict costs above calling its functions directly.

    Raises:
        ValueError: When the two answers differ.
    """
    chain = functions(length)

    def directly() -> int:
        value = 1
        for function in chain:
            value = function(value)
        return value

    if predict(None, 1) != directly():
        raise ValueError(length)
    return seconds_per_call(lambda: predict(None, 1)) - seconds_per_call(directly)


def main(implementation: str, directory: Path) -> None:
    """Measure on demand, one model in memory at a time."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.path.insert(0, str(directory))
    build, own = {
        "ours": (our_predict, "kedro-autolog-pipeline"),
        "kedro-mlflow": (kedro_mlflow_predict, "kedro-mlflow"),
    }[implementation]
    answers.write(json.dumps({name: version(name) for name in (own, "kedro", "mlflow")}) + "\n")
    for request, repeated in groupby(sys.stdin):
        length, *artifact = request.split()
        predict = build(directory, int(length), directory / ARTIFACT if artifact else None)
        for _ in repeated:
            answers.write(json.dumps(framework_seconds(predict, int(length))) + "\n")
        del predict


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
