"""Serve a package on disk, or a pickled pipeline with its artifacts, as a model of MLflow."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from kedro_autolog_pipeline.errors import ModelLoadError
from kedro_autolog_pipeline.serving.code import PackageCode
from kedro_autolog_pipeline.serving.copying import CopyMode
from kedro_autolog_pipeline.serving.executor import Executor
from kedro_autolog_pipeline.serving.inference_pipeline import InferencePipeline
from kedro_autolog_pipeline.serving.manifest import read_manifest, unreadable_manifest
from kedro_autolog_pipeline.serving.package_reader import load_artifacts, read_package
from kedro_autolog_pipeline.serving.parameters import Parameters
from kedro_autolog_pipeline.serving.request import request_values
from kedro_autolog_pipeline.serving.runners import RunnerExecutor, resolve_runner
from kedro_autolog_pipeline.serving.validators import RequestValidation

_Opened: TypeAlias = tuple[InferencePipeline, dict[str, Path], str]
"""A pipeline, the places of its artifacts by dataset name, and the name of it all for errors."""

_Run: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]


@attrs.frozen
class _Loaded:
    """What a call needs.

    Attributes:
        pipeline: The pipeline.
        parameters: Its parameters.
        validation: Its check of a request.
        run: The pipeline as a function of the request's values and what overrides a parameter.
    """

    pipeline: InferencePipeline
    parameters: Parameters
    validation: RequestValidation
    run: _Run


class ServedPipelineModel(PythonModel):
    """A Kedro inference pipeline as an MLflow model.

    One input takes what the pipeline takes, several take a dictionary by dataset name. One output is returned bare,
    several as a dictionary by dataset name. Threads may share a model.

    ``mlflow models serve`` carries one DataFrame in any of its formats, and several inputs under the key ``inputs``, a
    DataFrame among them as a dictionary of columns or a list of rows. What it sends back is one output of any kind that
    it knows, or several that are plain data or NumPy arrays: it cannot write a dictionary of DataFrames. It passes
    ``params`` on where the signature has them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._loaded: _Loaded | None = None

    def load_context(self, context: PythonModelContext) -> None:
        """Read what the model is made of: its functions, its parameters, its artifacts, each once.

        Raises:
            ModelLoadError: When something cannot be read.
        """
        with self._opened(context) as opened:
            self._loaded = _load(*opened)

    # A frame is the one annotation with which MLflow neither converts what it passes on nor warns.
    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> Any:
        """Run the inference pipeline.

        Args:
            context: MLflow's; only used by a model that is not loaded.
            model_input: The request dataset, or a dictionary by dataset name where there are several.
            params: New values of parameters, for this call alone; see ``Parameters``.

        Raises:
            PredictionError: When an input is missing or not valid, or a parameter is not one of the pipeline's.
        """
        loaded = self._loaded
        if loaded is None:
            self.load_context(context)
            return self.predict(context, model_input, params)
        pipeline = loaded.pipeline
        values = loaded.validation(request_values(model_input, pipeline.request, pipeline.frames))
        outputs = loaded.run(values, loaded.parameters.overrides(params) if params else {})
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    @contextmanager
    @abstractmethod
    def _opened(self, context: PythonModelContext) -> Iterator[_Opened]:
        """Yield what the model is made of; in the block, imports give the code that it was packaged with."""


class PackagedPipelineModel(ServedPipelineModel):
    """A model that is made of a package's directory.

    Args:
        package: The directory; nothing is read before ``load_context``.
    """

    def __init__(self, package: Path) -> None:
        super().__init__()
        self._package = package

    @classmethod
    def from_package(cls, package: Path) -> PackagedPipelineModel:
        """Return the model of a package; the ``model.py`` of every package calls this."""
        return PackagedPipelineModel(package)

    def load_context(self, context: PythonModelContext) -> None:
        """Read what the model is made of, each once.

        Raises:
            ModelLoadError: When something cannot be read, or the manifest describes no pipeline that can be run.
        """
        try:
            super().load_context(context)
        except ModelLoadError:
            raise
        except Exception as error:
            raise unreadable_manifest(self._package, error) from error

    @contextmanager
    def _opened(self, context: PythonModelContext) -> Iterator[_Opened]:  # noqa: ARG002 - only the other kind has files of MLflow's
        manifest = read_manifest(self._package)
        with PackageCode(self._package, manifest).loading():
            yield *read_package(self._package, manifest), str(self._package)


KedroPipelineModel = PackagedPipelineModel
"""The name by which the ``model.py`` of every package imports it, those of older versions included."""


class PickledPipelineModel(ServedPipelineModel):
    """A model whose pipeline is pickled, and whose artifacts MLflow keeps: one that was logged by hand.

    The pickle holds the state of an ``InferencePipeline``: plain data, and functions.
    """

    def __init__(self, pipeline: InferencePipeline) -> None:
        super().__init__()
        self._pipeline = pipeline

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> PickledPipelineModel:
        """Return the model that a pickle holds.

        Raises:
            ModelLoadError: When a newer version of this package wrote it.
        """
        return PickledPipelineModel(InferencePipeline.from_state(state))

    def __reduce__(self) -> tuple[Any, ...]:
        return PickledPipelineModel.from_state, (self._pipeline.to_state(),)

    @contextmanager
    def _opened(self, context: PythonModelContext) -> Iterator[_Opened]:
        paths = {name: Path(path) for name, path in context.artifacts.items()}
        yield self._pipeline, paths, "a pickled KedroPipelineModel"


def _load(pipeline: InferencePipeline, paths: Mapping[str, Path], package: str) -> _Loaded:
    kedro_pipeline = pipeline.as_kedro()
    parameters = Parameters(pipeline.parameters, kedro_pipeline)
    constants = {**parameters.packaged, **load_artifacts(pipeline.datasets, paths, package)}
    # Parameters are small, and a node that changes one must not change it for the next call.
    copy_modes = {**dict.fromkeys(pipeline.parameters, CopyMode.DEEPCOPY), **pipeline.copy_modes}
    run: _Run
    if pipeline.runner is None:
        run = Executor(
            pipeline.steps,
            constants=constants,
            request=pipeline.request,
            outputs=pipeline.outputs,
            copy_modes=copy_modes,
        )
    else:
        run = RunnerExecutor(
            kedro_pipeline,
            resolve_runner(pipeline.runner),
            constants=constants,
            outputs=pipeline.outputs,
            copy_modes=copy_modes,
        )
    return _Loaded(pipeline, parameters, RequestValidation(pipeline.validators, package), run)
