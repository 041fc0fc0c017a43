"""A package on disk comes in, a model that MLflow can serve goes out."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from kedro_autolog_pipeline.errors import ModelLoadError, PredictionError
from kedro_autolog_pipeline.serving.code import PackageCode
from kedro_autolog_pipeline.serving.copying import CopyMode
from kedro_autolog_pipeline.serving.executor import Executor, Step
from kedro_autolog_pipeline.serving.manifest import ArtifactEntry, Manifest, NodeEntry, read_manifest
from kedro_autolog_pipeline.serving.parameters import ALL_PARAMETERS, PARAMETER_PREFIX, typed_parameters
from kedro_autolog_pipeline.serving.snapshots import read_snapshot


class KedroPipelineModel(PythonModel):
    """A Kedro inference pipeline as an MLflow model.

    One input takes what the pipeline takes, several take a dictionary by dataset name. One output is returned bare,
    several as a dictionary by dataset name.
    """

    def __init__(self, package: Path) -> None:
        self._package = package
        self._manifest: Manifest | None = None
        self._executor: Executor | None = None

    @classmethod
    def from_package(cls, package: Path) -> KedroPipelineModel:
        """Give the model of a package; nothing is read before ``load_context``."""
        return cls(package)

    def load_context(self, context: PythonModelContext) -> None:  # noqa: ARG002 - MLflow's interface
        """Read the package: its manifest, its functions, its artifacts, each once.

        Raises:
            ModelLoadError: When something in it cannot be read.
        """
        manifest = read_manifest(self._package)
        with PackageCode(self._package, manifest).loading():
            steps = [
                Step(node.name, _load_function(node, self._package), node.inputs, node.outputs)
                for node in manifest.nodes
            ]
            artifacts = {entry.name: _load_artifact(entry, self._package) for entry in manifest.artifacts}
        self._pipeline = Pipeline(
            [node(step.function, step.inputs, step.outputs, name=f"n{i}") for i, step in enumerate(steps)]
        )
        self._executor = Executor(
            steps,
            constants={**typed_parameters(manifest.parameters, self._pipeline), **artifacts},
            request=manifest.request_inputs,
            outputs=manifest.outputs,
            # Parameters are small, and a node that changes one must not change it for the next call.
            copy_modes={**dict.fromkeys(manifest.parameters, CopyMode.DEEPCOPY), **manifest.copy_modes},
        )
        self._manifest = manifest

    # A frame is the one annotation with which MLflow neither converts what it passes on nor warns.
    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> Any:
        """Run the inference pipeline.

        Args:
            context: MLflow's; not used.
            model_input: The request dataset, or a dictionary by dataset name where there are several.
            params: New value by parameter name (``threshold`` for ``params:threshold``), for this call alone.

        Raises:
            PredictionError: When an input is missing or a parameter is not one of the pipeline's.
        """
        if self._executor is None or self._manifest is None:
            self.load_context(context)
            return self.predict(context, model_input, params)
        overrides = _overrides(params, self._manifest)
        if overrides:
            overrides = typed_parameters(overrides, self._pipeline)
        outputs = self._executor(_request(model_input, self._manifest), overrides)
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs


def _request(model_input: Any, manifest: Manifest) -> Mapping[str, Any]:
    names = manifest.request_inputs
    if len(names) == 1:
        return {names[0]: model_input}
    if not isinstance(model_input, Mapping) or set(names) - set(model_input):
        raise PredictionError(
            f"the model has {len(names)} inputs, and got {type(model_input).__name__}.",
            f"Give a dictionary with the keys {', '.join(names)}.",
        )
    return model_input


def _overrides(params: Mapping[str, Any] | None, manifest: Manifest) -> dict[str, Any]:
    overrides = {
        name if name == ALL_PARAMETERS else f"{PARAMETER_PREFIX}{name}": value for name, value in (params or {}).items()
    }
    unknown = sorted(set(overrides) - set(manifest.parameters))
    if unknown:
        raise PredictionError(
            f"the pipeline has no parameter {', '.join(name.removeprefix(PARAMETER_PREFIX) for name in unknown)}.",
            f"It has {', '.join(name.removeprefix(PARAMETER_PREFIX) for name in manifest.parameters) or 'none'}.",
        )
    return overrides


def _load_function(node: NodeEntry, package: Path) -> Any:
    try:
        if node.is_pickled:
            return pickle.loads((package / node.function).read_bytes())  # noqa: S301 - the package's own code
        module, _, qualname = node.function.partition(":")
        return reduce(getattr, qualname.split("."), importlib.import_module(module))
    except Exception as error:
        raise ModelLoadError(
            str(package),
            f"the function of node '{node.name}', {node.function}, cannot be loaded ({error!r}).",
            "Install the packages of its requirements.txt.",
        ) from error


def _load_artifact(artifact: ArtifactEntry, package: Path) -> Any:
    file = package / artifact.path
    try:
        if artifact.snapshot is not None:
            return read_snapshot(file, artifact.snapshot)
        config = {**artifact.dataset, artifact.argument.value: file.as_posix()}
        # It is the catalog, and not the dataset, that validates.
        return DataCatalog.from_config({artifact.name: config}).load(artifact.name)
    except Exception as error:
        raise ModelLoadError(
            str(package),
            f"the artifact '{artifact.name}', {artifact.path}, cannot be loaded ({error!r}).",
            "Install the packages of its requirements.txt.",
        ) from error
