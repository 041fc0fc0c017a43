"""Make a model for MLflow of a pipeline and its catalog, by hand."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import cloudpickle
from fsspec.implementations.local import LocalFileSystem
from kedro.io import AbstractDataset, DataCatalog, MemoryDataset
from kedro.io.core import DatasetError, is_parameter
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.datasets.copies import copy_data
from kedro_autolog_pipeline.datasets.file_names import directory_name
from kedro_autolog_pipeline.datasets.locations import (
    Location,
    catalog_secrets,
    find_location,
    loaded_version,
    unwrapped,
)
from kedro_autolog_pipeline.datasets.packageable import why_not_packageable
from kedro_autolog_pipeline.datasets.sample import take_sample
from kedro_autolog_pipeline.datasets.validators import declared_validators
from kedro_autolog_pipeline.dependencies.needed_modules import (
    data_modules,
    frame_seeds,
    function_seeds,
    named_modules,
    other_seeds,
)
from kedro_autolog_pipeline.dependencies.requirements import list_requirements
from kedro_autolog_pipeline.dependencies.search import Environment, find_environment
from kedro_autolog_pipeline.dependencies.shipping import copy_code
from kedro_autolog_pipeline.errors import ModelDefinitionError
from kedro_autolog_pipeline.package.leaks import refuse_leaks
from kedro_autolog_pipeline.rehearsal.signature import InferredSignature, infer_signature
from kedro_autolog_pipeline.secret_values import environment_secrets, find_secrets
from kedro_autolog_pipeline.serving.copying import copy_modes_by_dataset
from kedro_autolog_pipeline.serving.frames import Frame, as_pandas
from kedro_autolog_pipeline.serving.inference_pipeline import InferencePipeline, resolved_step
from kedro_autolog_pipeline.serving.model import PickledPipelineModel
from kedro_autolog_pipeline.serving.parameters import ALL_PARAMETERS, Parameters, without_types
from kedro_autolog_pipeline.serving.request import answer
from kedro_autolog_pipeline.serving.runners import resolve_runner
from kedro_autolog_pipeline.serving.stored_dataset import StoredDataset
from kedro_autolog_pipeline.serving.suggestions import suggest
from kedro_autolog_pipeline.serving.validators import with_validators

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo


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
                validators=declared_validators(catalog, request, pipeline.all_outputs()),
            )
        )

    @property
    def artifact_names(self) -> list[str]:
        """Names of the datasets that travel with it."""
        return sorted(self._datasets)

    def extract_pipeline_artifacts(self, parameters_saving_folder: Any = None) -> dict[str, str]:  # noqa: ARG002 - see below
        """Return the ``artifacts`` of ``mlflow.pyfunc.log_model``: path or URI by dataset name.

        Args:
            parameters_saving_folder: Not used. kedro-mlflow's model writes the parameters there, this one holds them.

        Raises:
            ModelDefinitionError: When an artifact has no data.
        """
        return {name: _find_data(name, dataset).uri for name, dataset in self._datasets.items()}

    def fetch_artifacts(self, directory: Path) -> dict[str, str]:
        """Return the artifacts as files on this machine: path by dataset name.

        Args:
            directory: Where those are copied to that are elsewhere.

        Raises:
            ModelDefinitionError: When an artifact has no data.
        """
        paths = {}
        for name, dataset in self._datasets.items():
            location = _find_data(name, dataset)
            paths[name] = location.path
            if not isinstance(location.filesystem, LocalFileSystem):
                target = directory / directory_name(name) / location.name
                target.parent.mkdir(parents=True)
                copy_data(location.filesystem, location.path, target)
                paths[name] = str(target)
        return paths

    def find_environment(self, sample: Mapping[str, Any]) -> Environment:
        """Find the code to ship and the requirements to pin.

        Args:
            sample: Request data by dataset name; empty where there is none.

        Raises:
            ModelDefinitionError: When an artifact has no data.
        """
        pipeline = self._pipeline
        modules = {name: named_modules(stored.config) for name, stored in pipeline.datasets.items()}
        for name, dataset in self._datasets.items():
            location = _find_data(name, dataset)
            # A remote file is not downloaded for this: MLflow downloads it when it logs the model.
            if isinstance(location.filesystem, LocalFileSystem):
                modules[name] += data_modules(Path(location.path))
        return find_environment(
            [
                *function_seeds(pipeline.as_kedro().nodes),
                *frame_seeds(sample),
                *other_seeds(modules, pipeline.validators, pipeline.runner),
            ]
        )

    def rehearse(self, catalog: DataCatalog, sample: Mapping[str, Any]) -> InferredSignature:
        """Call the pipeline once in memory, and describe what it takes and gives.

        The model takes tables of the sample's kind from then on.

        Args:
            catalog: As it was given to the model.
            sample: Request data by dataset name; empty where there is none, and then only the parameters are described.

        Raises:
            Exception: What a node raises.
        """
        pipeline = self._pipeline
        parameters = Parameters(pipeline.parameters, pipeline.as_kedro()).named
        if not sample:
            return infer_signature(None, None, parameters)
        others = {name: catalog[name] for name in pipeline.as_kedro().inputs() - sample.keys()}
        given = {name: MemoryDataset(data) for name, data in sample.items()}
        carried = {name: as_pandas(data) for name, data in sample.items()}
        validating = with_validators(pipeline, "KedroPipelineModel").as_kedro()
        saved = SequentialRunner().run(validating, DataCatalog({**others, **given}))
        outputs = answer({name: saved[name].load() for name in pipeline.outputs}, carried)
        inferred = infer_signature(_bare(carried), _bare(outputs), parameters)
        described = {name: Frame.of(data, inferred.column_types) for name, data in sample.items()}
        frames = {name: frame for name, frame in described.items() if frame is not None}
        self._pipeline = attrs.evolve(pipeline, frames=frames)
        return inferred


def log_pipeline(  # noqa: PLR0913 - each names what MLflow or the model names so
    pipeline: Pipeline,
    catalog: DataCatalog,
    *,
    input_name: str | Sequence[str],
    name: str = "model",
    copy_mode: str | Mapping[str, str | None] | None = None,
    runner: str | None = None,
    extra_pip_requirements: Sequence[str] | None = None,
    **options: Any,
) -> ModelInfo:
    """Log a pipeline as a model that loads where the project does not exist, in MLflow's active run or a new one.

    The code, the requirements and the signature are found as after a training run, and the model is searched for the
    secrets of the catalog and of the environment. Nothing proves the model: its training may have been in another
    process, at another time. ``kedro autolog verify`` does so afterwards.

    Args:
        pipeline: As for ``KedroPipelineModel``.
        catalog: Likewise. Where it has data for the input, the pipeline is called once on the first rows of them.
        input_name: As for ``KedroPipelineModel``.
        name: The model's name.
        copy_mode: As for ``KedroPipelineModel``.
        runner: Likewise.
        extra_pip_requirements: Requirements beside those that are found.
        options: Further arguments of ``mlflow.pyfunc.log_model``, which come before what is found.

    Raises:
        ModelDefinitionError: As ``KedroPipelineModel`` does, and where an artifact has no data.
        PackagingError: When the model would hold a secret; nothing is logged then.
    """
    import mlflow.pyfunc

    model = KedroPipelineModel(pipeline, catalog, input_name, copy_mode=copy_mode, runner=runner)
    request = [input_name] if isinstance(input_name, str) else list(input_name)
    has_data = all(dataset in catalog and catalog.exists(dataset) for dataset in request)
    sample = {dataset: take_sample(catalog.load(dataset)) for dataset in request} if has_data else {}
    environment = model.find_environment(sample)
    extra = None if extra_pip_requirements is None else tuple(extra_pip_requirements)
    config = ModelConfig(name, training=name, inference=name, extra_pip_requirements=extra)
    with tempfile.TemporaryDirectory(prefix="kedro-autolog-pipeline-") as directory:
        root = Path(directory)
        code = root / "code"
        code.mkdir()
        copy_code(environment.code, code)
        found = {
            "artifacts": model.fetch_artifacts(root / "artifacts"),
            "code_paths": [str(path) for path in sorted(code.iterdir())],
            "pip_requirements": [entry.requirement for entry in list_requirements(config, environment, Path())],
            "signature": model.rehearse(catalog, sample).signature,
        }
        _refuse_secrets(name, model, {**found, **options}, catalog, root)
        info: ModelInfo = mlflow.pyfunc.log_model(name=name, python_model=model, **{**found, **options})
    return info


def _refuse_secrets(
    name: str, model: KedroPipelineModel, contents: Mapping[str, Any], catalog: DataCatalog, root: Path
) -> None:
    """Refuse a model that would hold a secret of the catalog, of the environment or of its requirements.

    Args:
        name: The model's name.
        model: The model.
        contents: What goes into it, by the arguments of ``mlflow.pyfunc.log_model``.
        catalog: As it was given to the model.
        root: A directory for files.

    Raises:
        PackagingError: With each file and the place of each secret in it.
    """
    requirements = contents["pip_requirements"]
    listed = [] if requirements is None or isinstance(requirements, str) else list(requirements)
    (root / "requirements.txt").write_text("\n".join(map(str, listed)), encoding="utf-8")
    (root / "python_model.pkl").write_bytes(cloudpickle.dumps(model))
    artifacts = [Path(path) for path in (contents["artifacts"] or {}).values()]
    files = [*root.rglob("*"), *artifacts, *(file for path in artifacts for file in path.rglob("*"))]
    secrets = [
        *catalog_secrets(model.artifact_names, catalog),
        *environment_secrets(os.environ),
        *find_secrets(listed, "the requirements"),
    ]
    refuse_leaks(name, files, secrets, root)


def _bare(values: Mapping[str, Any]) -> Any:
    return next(iter(values.values())) if len(values) == 1 else dict(values)


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
