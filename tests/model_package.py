"""A package with a manifest, functions and artifacts alone, written for a test: no project, no MLflow run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cloudpickle
from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.datasets.copies import measure_file
from kedro_autolog_pipeline.package.sealing import seal_package
from kedro_autolog_pipeline.serving.inference_pipeline import resolved_step
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

PROVENANCE = Provenance("run", "training", "inference", "kedro run", None, "2026-01-01T00:00:00+00:00", {})


def write_model_package(
    package: Path,
    pipeline: Pipeline,
    *,
    request: Sequence[str] = ("x",),
    parameters: Mapping[str, Any] | None = None,
    artifacts: Mapping[str, Any] | None = None,
    **options: Any,
) -> Path:
    """Write a package.

    Args:
        package: Its directory, which does not exist.
        pipeline: The pipeline, whose functions are pickled.
        request: Names of the request datasets.
        parameters: Value by dataset name.
        artifacts: JSON value by dataset name.
        options: More keys of the manifest, and the names of the DataFrames among the request datasets in ``frames``.
    """
    (package / "functions").mkdir(parents=True)
    nodes = []
    for index, step in enumerate(map(resolved_step, pipeline.nodes)):
        path = f"functions/{index}.pkl"
        (package / path).write_bytes(cloudpickle.dumps(step.function))
        nodes.append(NodeEntry(step.name, path, is_pickled=True, inputs=step.inputs, outputs=step.outputs))
    entries = []
    for name, value in (artifacts or {}).items():
        file = package / f"{name}.json"
        file.write_text(json.dumps(value), encoding="utf-8")
        measure = measure_file(file)
        dataset = {"type": "kedro_datasets.json.json_dataset.JSONDataset"}
        entries.append(
            ArtifactEntry(
                name, Origin.TRAINED, f"{name}.json", dataset, measure.size, measure.sha256, from_this_run=True
            )
        )

    def origin(name: str) -> Origin:
        if name in request:
            return Origin.REQUEST
        return Origin.PARAMETER if is_parameter(name) else Origin.TRAINED

    frames = options.pop("frames", ())
    names = [*request, *sorted(pipeline.inputs() - set(request))]
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name="prices",
        nodes=nodes,
        inputs=[InputEntry(name, origin(name), is_frame=name in frames) for name in names],
        outputs=sorted(pipeline.outputs()),
        parameters=dict(parameters or {}),
        artifacts=entries,
        requirements=[],
        code=[],
        notes=[],
        provenance=PROVENANCE,
        **options,
    )
    write_manifest(manifest, package)
    seal_package(package)
    return package


def predictor(package: Path) -> Callable[..., Any]:
    """Load a package, and give its ``predict`` without MLflow around it."""
    model = PackagedPipelineModel.from_package(package)
    model.load_context(None)  # type: ignore[arg-type]  # a package needs no context
    return lambda data, params=None: model.predict(None, data, params)  # type: ignore[arg-type]  # nor here
