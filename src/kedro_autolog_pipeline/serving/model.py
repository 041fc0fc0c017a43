"""Serve a package on disk, or a pickled pipeline with its artifacts, as a model of MLflow."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import pandas as pd
from kedro.io.core import is_parameter
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from kedro_autolog_pipeline.errors import ModelLoadError
from kedro_autolog_pipeline.importing.package_code import PackageCode
from kedro_autolog_pipeline.serving.copying import CopyMode
from kedro_autolog_pipeline.serving.entry import forget_entry
from kedro_autolog_pipeline.serving.executor import Executor
from kedro_autolog_pipeline.serving.inference_pipeline import InferencePipeline
from kedro_autolog_pipeline.serving.integrity import check_files
from kedro_autolog_pipeline.serving.manifest import Manifest, read_manifest, unreadable_manifest
from kedro_autolog_pipeline.serving.package_reader import load_artifacts, read_package
from kedro_autolog_pipeline.serving.parameters import Parameters
from kedro_autolog_pipeline.serving.place import PackagePlace
from kedro_autolog_pipeline.serving.request import answer, request_values
from kedro_autolog_pipeline.serving.runners import RunnerExecutor, resolve_runner
from kedro_autolog_pipeline.serving.tracing import Tracing
from kedro_autolog_pipeline.serving.validators import RequestValidation, resolve_validators, with_validators

_Validation: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]

_Run: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]


@attrs.frozen
class _Loaded:
    """What a call needs.

    Attributes:
        pipeline: The pipeline.
        parameters: Its parameters.
        validation: Its check of a request.
        run: The pipeline as a function of the request's values and what overrides a parameter.
        code: What keeps the modules of its package imported; None where it has no package.
        constants: Artifacts and parameters by dataset name, which all calls share.
        paths: Where each artifact is, by dataset name.
        package: The name of it all, for errors.
    """

    pipeline: InferencePipeline
    parameters: Parameters
    validation: _Validation
    run: _Run
    code: PackageCode | None
    constants: Mapping[str, Any]
    paths: Mapping[str, Path]
    package: str


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
        self._first_load = threading.Lock()

    def load_context(self, context: PythonModelContext) -> None:
        """Read what the model is made of: its functions, its parameters, its artifacts, each once.

        Raises:
            ModelLoadError: When something cannot be read.
        """
        self._loaded = self._load(context)

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
        loaded = self._loaded or self._load_once(context)
        pipeline = loaded.pipeline
        values = loaded.validation(request_values(model_input, pipeline.request, pipeline.frames))
        outputs = answer(loaded.run(values, loaded.parameters.overrides(params) if params else {}), model_input)
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def _load_once(self, context: PythonModelContext) -> _Loaded:
        """Load a model that was sent to this process, for all threads that ask it at the same time."""
        with self._first_load:
            if self._loaded is None:
                self.load_context(context)
            assert self._loaded is not None  # noqa: S101 - as it was loaded
            return self._loaded

    @property
    def constants(self) -> Mapping[str, Any]:
        """Artifacts and parameters by dataset name, which all calls share; of a model that is loaded."""
        return self._current.constants

    def read_anew(self, copied: Iterable[str]) -> None:
        """Read the artifacts once more, as nothing has changed them.

        Args:
            copied: Names of artifacts and parameters of which each call gets a copy from now on, besides those that
                the model copies anyway.
        """
        loaded = self._current
        load = _loaded if loaded.code is None else loaded.code.calling(_loaded)
        self._loaded = load(loaded.pipeline, loaded.paths, loaded.package, loaded.code, copied)

    def restore(self, column_types: Mapping[str, str]) -> None:
        """Give columns of the request tables these types from now on, besides those that are restored anyway.

        Args:
            column_types: Pandas' types, by the column's name.
        """
        loaded = self._current
        frames = {
            name: attrs.evolve(frame, column_types={**frame.column_types, **column_types})
            for name, frame in loaded.pipeline.frames.items()
        }
        self._loaded = attrs.evolve(loaded, pipeline=attrs.evolve(loaded.pipeline, frames=frames))

    def trace(self, model_input: Any) -> dict[str, Any]:
        """Return what each node makes of a request, by the name of the dataset that it writes.

        Raises:
            Exception: What ``predict`` raises.
        """
        loaded = self._current
        pipeline = loaded.pipeline
        trace = Executor(
            pipeline.steps,
            constants=loaded.constants,
            request=pipeline.request,
            outputs=[name for node in pipeline.as_kedro().nodes for name in node.outputs],
            copy_modes=pipeline.copy_modes,
        )
        call = trace if loaded.code is None else loaded.code.calling(trace)
        return call(loaded.validation(request_values(model_input, pipeline.request, pipeline.frames)))

    @property
    def _current(self) -> _Loaded:
        assert self._loaded is not None  # noqa: S101 - MLflow loads what it asks
        return self._loaded

    @abstractmethod
    def _load(self, context: PythonModelContext) -> _Loaded:
        """Load what the model is made of."""


class PackagedPipelineModel(ServedPipelineModel):
    """A model that is made of a package's directory.

    Args:
        package: The directory; nothing is read before ``load_context``.
    """

    def __init__(self, package: Path) -> None:
        super().__init__()
        self._place = PackagePlace(package.absolute())

    @classmethod
    def from_package(cls, package: Path) -> PackagedPipelineModel:
        """Return the model of a package; the ``model.py`` of every package calls this."""
        return PackagedPipelineModel(package)

    @classmethod
    def from_place(cls, state: Mapping[str, Any]) -> PackagedPipelineModel:
        """Return the model that a pickle tells the place of; it loads itself when it is first asked."""
        place = PackagePlace.from_state(state)
        model = PackagedPipelineModel(place.path)
        model._place = place
        return model

    def __reduce__(self) -> tuple[Any, ...]:
        # What is loaded stays behind: it is large, and of modules that another process cannot import.
        return restore_packaged_model, (self._place.to_state(),)

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
            raise unreadable_manifest(self._place.path, error) from error

    def _load(self, context: PythonModelContext) -> _Loaded:  # noqa: ARG002 - only the other kind has files of MLflow's
        forget_entry(self._place.path, self)
        self._place = self._place.found()
        package = self._place.path
        manifest = read_manifest(package)
        check_files(package, manifest)
        code = PackageCode(package, manifest.name, [entry.module for entry in manifest.code])
        loaded: _Loaded = code.load(lambda: self._read(package, manifest, code))
        return loaded

    @staticmethod
    def _read(package: Path, manifest: Manifest, code: PackageCode) -> _Loaded:
        pipeline, paths = read_package(package, manifest)
        return _loaded(with_validators(pipeline, str(package)), paths, str(package), code)


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
        return restore_pickled_model, (self._pipeline.to_state(),)

    def _load(self, context: PythonModelContext) -> _Loaded:
        paths = {name: Path(path) for name, path in context.artifacts.items()}
        package = "a pickled KedroPipelineModel"
        return _loaded(with_validators(self._pipeline, package), paths, package, None)


# A pickle names these functions. Of a class method, cloudpickle would keep the code itself, which is of one version of
# Python and has a path of this machine.


def restore_packaged_model(state: Mapping[str, Any]) -> PackagedPipelineModel:
    """Return the model of a package from its pickle; the name stays, since pickles have it."""
    return PackagedPipelineModel.from_place(state)


def restore_pickled_model(state: Mapping[str, Any]) -> PickledPipelineModel:
    """Return a model that was logged by hand from its pickle; the name stays, since pickles have it.

    Raises:
        ModelLoadError: When a newer version of this package wrote it.
    """
    return PickledPipelineModel.from_state(state)


def _loaded(
    pipeline: InferencePipeline,
    paths: Mapping[str, Path],
    package: str,
    code: PackageCode | None,
    copied: Iterable[str] = (),
) -> _Loaded:
    # What a call does is decided here, once: without traces they cost it nothing.
    tracing = Tracing.of_environment()
    steps = pipeline.steps if tracing is None else [tracing.traced_step(step) for step in pipeline.steps]
    artifacts = load_artifacts(pipeline.datasets, paths, package)
    objects = {name: artifacts.pop(name) for name in list(artifacts) if is_parameter(name)}
    parameters = Parameters({**pipeline.parameters, **objects}, pipeline.as_kedro())
    constants = {**parameters.packaged, **artifacts}
    # Parameters are small, and a node that changes one must not change it for the next call.
    copy_modes = {**dict.fromkeys([*parameters.packaged, *copied], CopyMode.DEEPCOPY), **pipeline.copy_modes}
    run: _Run
    if pipeline.runner is None:
        run = Executor(
            steps,
            constants=constants,
            request=pipeline.request,
            outputs=pipeline.outputs,
            copy_modes=copy_modes,
        )
    else:
        run = RunnerExecutor(
            attrs.evolve(pipeline, steps=steps).as_kedro(),
            resolve_runner(pipeline.runner),
            constants=constants,
            outputs=pipeline.outputs,
            copy_modes=copy_modes,
        )
    if tracing is not None:
        run = tracing.traced_run(run)
    validators = {name: config for name, config in pipeline.validators.items() if name in pipeline.request}
    validation = RequestValidation(resolve_validators(validators, package))
    if code is None:
        return _Loaded(pipeline, parameters, validation, run, code, constants, paths, package)
    check = code.calling(validation) if validators else validation
    return _Loaded(pipeline, parameters, check, code.calling(run), code, constants, paths, package)
