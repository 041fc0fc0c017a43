"""A live pipeline and its catalog come in, a model for ``mlflow.pyfunc.log_model`` goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

from kedro.io import DataCatalog
from kedro.io.core import DatasetError, is_parameter
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.datasets.locations import Location, find_location, loaded_version, unwrapped
from kedro_autolog_pipeline.datasets.packageable import why_not_packageable
from kedro_autolog_pipeline.datasets.validators import declared_validators
from kedro_autolog_pipeline.errors import ModelDefinitionError
from kedro_autolog_pipeline.serving.copying import copy_modes_by_dataset
from kedro_autolog_pipeline.serving.inference_pipeline import InferencePipeline, resolved_step
from kedro_autolog_pipeline.serving.model import PickledPipelineModel
from kedro_autolog_pipeline.serving.parameters import ALL_PARAMETERS
from kedro_autolog_pipeline.serving.runners import resolve_runner
from kedro_autolog_pipeline.serving.stored_dataset import StoredDataset
from kedro_autolog_pipeline.serving.suggestions import suggest


class KedroPipelineModel(PickledPipelineModel):
    """A Kedro pipeline as an MLflow model, to be logged by hand.

    It is made of what the catalog holds now: the values of the parameters, and the version of each artifact that
    Kedro would load. Its pickle holds the functions and plain data, and neither the catalog nor a path of it.

        kedro_pipeline_model = KedroPipelineModel(pipeline=pipeline, catalog=catalog, input_name="instances")
        mlflow.pyfunc.log_model(
            name="model",
            python_model=kedro_pipeline_model,
            artifacts=kedro_pipeline_model.extract_pipeline_artifacts(),
        )

    Args:
        pipeline: The inference pipeline.
        catalog: What provides its other inputs.
        input_name: The dataset that is given at predict time, or a list where there are several.
        copy_mode: How datasets are copied within a call: "assign", "copy" or "deepcopy" for all that are not
            parameters or outputs, or one of these by dataset name, where None is as Kedro infers from the value. None
            copies what another reader, caller or call could see change, artifacts excepted.
        runner: What runs the pipeline: "SequentialRunner", "ThreadRunner", or the dotted path of a runner that needs
            no arguments. None calls the nodes directly, which is faster and means the same.

    Raises:
        ModelDefinitionError: When an argument does not fit the pipeline, or an input has no file.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        catalog: DataCatalog,
        input_name: str | Sequence[str],
        copy_mode: str | Mapping[str, str | None] | None = None,
        runner: str | None = None,
    ) -> None:
        request = [input_name] if isinstance(input_name, str) else list(input_name)
        others = sorted(pipeline.inputs() - set(request))
        _check_request(request, pipeline)
        if runner is not None:
            resolve_runner(runner)
        self._locations = {name: _find_location(name, catalog) for name in others if not is_parameter(name)}
        super().__init__(
            InferencePipeline(
                steps=[resolved_step(node) for node in pipeline.nodes],
                request=request,
                frames=[],
                outputs=sorted(pipeline.outputs()),
                parameters={name: _parameter(name, catalog) for name in others if is_parameter(name)},
                datasets={
                    name: StoredDataset(location.config, location.argument, snapshot=None)
                    for name, location in self._locations.items()
                },
                copy_modes=copy_modes_by_dataset(copy_mode, pipeline),
                runner=runner,
                validators=declared_validators(catalog, request),
            )
        )

    def extract_pipeline_artifacts(self) -> dict[str, str]:
        """Give the ``artifacts`` of ``mlflow.pyfunc.log_model``: path or URI by dataset name."""
        return {name: location.uri for name, location in self._locations.items()}


def _check_request(request: list[str], pipeline: Pipeline) -> None:
    datasets = sorted(name for name in pipeline.inputs() if not is_parameter(name))
    if not request:
        raise ModelDefinitionError("input_name names no dataset.", suggest("", datasets))
    for name in request:
        if name not in datasets:
            raise ModelDefinitionError(
                f"input_name is '{name}', which is no input of the pipeline.", suggest(name, datasets)
            )


def _find_location(name: str, catalog: DataCatalog) -> Location:
    cause = why_not_packageable(name, catalog, written=())
    if cause is not None:
        raise ModelDefinitionError(cause, "Or name it in input_name.")
    dataset = unwrapped(catalog[name])
    try:
        location = find_location(dataset, loaded_version(dataset))
    except DatasetError as error:
        raise ModelDefinitionError(f"'{name}' has no data ({error}).", "Run the pipeline that writes it.") from error
    if location is None:
        raise ModelDefinitionError(
            f"'{name}' ({type(dataset).__name__}) keeps its data in no file.", "Give it a dataset that does."
        )
    if not location.filesystem.exists(location.path):
        raise ModelDefinitionError(f"'{name}' has no data at '{location.path}'.", "Run the pipeline that writes it.")
    return location


def _parameter(name: str, catalog: DataCatalog) -> Any:
    if name not in catalog:
        known = [each for each in catalog.keys() if each == ALL_PARAMETERS or is_parameter(each)]  # noqa: SIM118 - Kedro's
        raise ModelDefinitionError(f"the catalog has no '{name}'.", suggest(name, known))
    return _plain(catalog.load(name))


def _plain(value: Any) -> Any:
    """Give the data of which Kedro 1.3+ made a dataclass or pydantic model, which loading makes anew."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value
