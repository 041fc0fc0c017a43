"""Make a model for ``mlflow.pyfunc.log_model`` of a pipeline and its catalog."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from kedro.io import AbstractDataset, DataCatalog
from kedro.io.core import DatasetError, is_parameter
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.datasets.locations import Location, find_location, loaded_version, unwrapped
from kedro_autolog_pipeline.datasets.packageable import why_not_packageable
from kedro_autolog_pipeline.datasets.validators import declared_validators
from kedro_autolog_pipeline.errors import ModelDefinitionError
from kedro_autolog_pipeline.serving.copying import copy_modes_by_dataset
from kedro_autolog_pipeline.serving.inference_pipeline import InferencePipeline, resolved_step
from kedro_autolog_pipeline.serving.model import PickledPipelineModel
from kedro_autolog_pipeline.serving.parameters import ALL_PARAMETERS, without_types
from kedro_autolog_pipeline.serving.runners import resolve_runner
from kedro_autolog_pipeline.serving.stored_dataset import StoredDataset
from kedro_autolog_pipeline.serving.suggestions import suggest


class KedroPipelineModel(PickledPipelineModel):
    """A Kedro pipeline as an MLflow model, to be logged by hand.

    It has the values of the parameters that the catalog holds when it is made. Its artifacts are looked for when
    ``extract_pipeline_artifacts`` is called, each in the version that Kedro would load then. Its pickle holds the
    functions and plain data, and neither the catalog nor a path of it.

        kedro_pipeline_model = KedroPipelineModel(pipeline=pipeline, catalog=catalog, input_name="instances")
        mlflow.pyfunc.log_model(
            name="model",
            python_model=kedro_pipeline_model,
            artifacts=kedro_pipeline_model.extract_pipeline_artifacts(),
        )

    Args:
        pipeline: The inference pipeline, or a ``PipelineML`` of kedro-mlflow, of which it is the inference part.
        catalog: What provides its other inputs.
        input_name: The dataset that is given at predict time, or a list where there are several.
        copy_mode: How datasets are copied within a call: "assign", "copy" or "deepcopy" for all that are not
            parameters or outputs, or one of these by dataset name, where None is as Kedro infers from the value. None
            copies what another reader, caller or call could see change, artifacts excepted.
        runner: What runs the pipeline: "SequentialRunner", "ThreadRunner", or the dotted path of a runner that needs
            no arguments. None calls the nodes directly, which is faster and means the same.

    Raises:
        ModelDefinitionError: When an argument does not fit the pipeline, or an input is kept in no file.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        catalog: DataCatalog,
        input_name: str | Sequence[str],
        copy_mode: str | Mapping[str, str | None] | None = None,
        runner: str | None = None,
    ) -> None:
        pipeline = _inference_part(pipeline)
        request = [input_name] if isinstance(input_name, str) else list(input_name)
        others = sorted(pipeline.inputs() - set(request))
        _check_request(request, pipeline)
        copy_modes = copy_modes_by_dataset(copy_mode, pipeline)
        if runner is not None:
            resolve_runner(runner)
        self._datasets = {name: _find_dataset(name, catalog) for name in others if not is_parameter(name)}
        locations = {name: _find_location(name, dataset, None) for name, dataset in self._datasets.items()}
        super().__init__(
            InferencePipeline(
                steps=[resolved_step(node) for node in pipeline.nodes],
                request=request,
                frames={},
                outputs=sorted(pipeline.outputs()),
                parameters={name: _parameter(name, catalog) for name in others if is_parameter(name)},
                datasets={
                    name: StoredDataset(location.config, location.argument, snapshot=None)
                    for name, location in locations.items()
                },
                copy_modes=copy_modes,
                runner=runner,
                validators=declared_validators(catalog, request),
            )
        )

    def extract_pipeline_artifacts(self, parameters_saving_folder: Any = None) -> dict[str, str]:  # noqa: ARG002 - see below
        """Return the ``artifacts`` of ``mlflow.pyfunc.log_model``: path or URI by dataset name.

        Args:
            parameters_saving_folder: Not used. kedro-mlflow's model writes the parameters there, this one holds them.

        Raises:
            ModelDefinitionError: When an artifact has no data.
        """
        return {name: _find_data(name, dataset).uri for name, dataset in self._datasets.items()}


def _inference_part(pipeline: Pipeline) -> Pipeline:
    # Only who has imported kedro-mlflow can have made a pipeline by it.
    module = sys.modules.get("kedro_mlflow.pipeline.pipeline_ml")
    if module is None or not isinstance(pipeline, module.PipelineML):
        return pipeline
    inference: Pipeline = pipeline.inference
    return inference


def _check_request(request: list[str], pipeline: Pipeline) -> None:
    datasets = sorted(name for name in pipeline.inputs() if not is_parameter(name))
    if not request:
        raise ModelDefinitionError("input_name names no dataset.", suggest("", datasets))
    for name in request:
        if name not in datasets:
            raise ModelDefinitionError(
                f"input_name is '{name}', which is no input of the pipeline.", suggest(name, datasets)
            )


def _find_dataset(name: str, catalog: DataCatalog) -> AbstractDataset[Any, Any]:
    cause = why_not_packageable(name, catalog, written=())
    if cause is not None:
        raise ModelDefinitionError(cause, "Or name it in input_name.")
    return unwrapped(catalog[name])


def _find_location(name: str, dataset: AbstractDataset[Any, Any], version: str | None) -> Location:
    location = find_location(dataset, version)
    if location is None:
        raise ModelDefinitionError(
            f"'{name}' ({type(dataset).__name__}) keeps its data in no file.", "Give it a dataset that does."
        )
    return location


def _find_data(name: str, dataset: AbstractDataset[Any, Any]) -> Location:
    try:
        location = _find_location(name, dataset, loaded_version(dataset))
    except DatasetError as error:
        raise ModelDefinitionError(f"'{name}' has no data ({error}).", "Run the pipeline that writes it.") from error
    if not location.filesystem.exists(location.path):
        raise ModelDefinitionError(f"'{name}' has no data at '{location.path}'.", "Run the pipeline that writes it.")
    return location


def _parameter(name: str, catalog: DataCatalog) -> Any:
    if name not in catalog:
        known = [each for each in catalog.keys() if each == ALL_PARAMETERS or is_parameter(each)]  # noqa: SIM118 - Kedro's
        raise ModelDefinitionError(f"the catalog has no '{name}'.", suggest(name, known))
    return without_types(catalog.load(name))
