"""Pair an inference pipeline with the training that feeds it, and find where each of its inputs comes from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence

import attrs
from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.errors import ModelDefinitionError
from kedro_autolog_pipeline.serving.copying import copy_modes_by_dataset
from kedro_autolog_pipeline.serving.manifest import Origin
from kedro_autolog_pipeline.serving.node_hooks import hook_manager
from kedro_autolog_pipeline.serving.runners import resolve_runner
from kedro_autolog_pipeline.serving.suggestions import suggest


@attrs.frozen
class Pair:
    """A training pipeline, the inference pipeline that goes with it, and the origin of each of its inputs.

    Attributes:
        config: What the user asked for.
        training: The registered training pipeline.
        inference: The registered inference pipeline.
        origins: Origin by free input of ``inference``, transcoding suffix included, sorted by name.
    """

    config: ModelConfig
    training: Pipeline
    inference: Pipeline
    origins: dict[str, Origin]

    def inputs_from(self, *origins: Origin) -> list[str]:
        """Return the inputs with one of ``origins``, sorted; request inputs in the order of the configuration."""
        if origins == (Origin.REQUEST,) and self.config.input_name:
            return list(self.config.input_name)
        return [name for name, origin in self.origins.items() if origin in origins]


def dataset_of(name: str) -> str:
    """Return the dataset that a name with a transcoding suffix stands for: ``model`` for ``model@pickle``."""
    return name.partition("@")[0]


def resolve_pair(
    config: ModelConfig,
    training: Pipeline,
    inference: Pipeline,
    in_catalog: Callable[[str], bool],
    known: Iterable[str] = (),
) -> tuple[Pair, list[str]]:
    """Find the origin of each input of the inference pipeline.

    Args:
        config: The pair, as configured.
        training: Its training pipeline.
        inference: Its inference pipeline.
        in_catalog: Whether the catalog can provide a dataset of this name, parameters included.
        known: Names in the catalog, one of which may be meant by a name that nothing provides.

    Returns:
        The pair, and every mistake, each beginning with the path of a key. A pair with mistakes can only be examined
        for more of them: it lacks the inputs that have no origin.
    """
    path = config.path
    free = sorted(inference.inputs())
    origins = _origins(config, training, free, in_catalog)
    mistakes = [
        *_names_that_are_not_read(config, free, path),
        *_empty_pipelines(config, training, inference, path),
        *_wrong_options(config, inference, path),
        *_metrics_that_are_not_written(config, training, path),
        *_inputs_without_origin(config, inference, origins, {*known, *training.datasets()}, path),
    ]
    return Pair(config, training, inference, origins), mistakes


def _origins(
    config: ModelConfig, training: Pipeline, free: Iterable[str], in_catalog: Callable[[str], bool]
) -> dict[str, Origin]:
    """Find the origin of each input that has one, in the order of ``free``.

    Where no request is named, the only dataset that nothing provides is the request.
    """
    trained = {dataset_of(name) for name in training.all_outputs()}
    found = {name: _provider(name, config.input_name or (), trained, in_catalog) for name in free}
    unknown = [name for name, origin in found.items() if origin is None and not is_parameter(name)]
    if config.input_name is None and len(unknown) == 1:
        found[unknown.pop()] = Origin.REQUEST
    return {name: origin for name, origin in found.items() if origin is not None}


def _provider(
    name: str, request: Container[str], trained: Container[str], in_catalog: Callable[[str], bool]
) -> Origin | None:
    """Find what provides an input; None where nothing does."""
    if name in request:
        return Origin.REQUEST
    if is_parameter(name):
        return Origin.PARAMETER if in_catalog(name) else None
    if dataset_of(name) in trained:
        return Origin.TRAINED
    return Origin.REFERENCE if in_catalog(name) else None


def _names_that_are_not_read(config: ModelConfig, free: Sequence[str], path: str) -> Iterator[str]:
    """Return a mistake for each name of ``input_name`` that is no input."""
    datasets = [name for name in free if not is_parameter(name)]
    for name in config.input_name or ():
        if name not in free:
            yield (
                f"{path}.input_name: inference pipeline '{config.inference}' does not read '{name}'. "
                f"{suggest(name, datasets, 'It reads')}"
            )


def _metrics_that_are_not_written(config: ModelConfig, training: Pipeline, path: str) -> Iterator[str]:
    written = sorted(map(dataset_of, training.all_outputs()))
    for name in config.metrics:
        if dataset_of(name) not in written:
            yield (
                f"{path}.metrics: training pipeline '{config.training}' does not write '{name}'. "
                f"{suggest(name, written, 'It writes')}"
            )


def _empty_pipelines(config: ModelConfig, training: Pipeline, inference: Pipeline, path: str) -> Iterator[str]:
    if not training.nodes:
        yield f"{path}.training: pipeline '{config.training}' contains no nodes."
    if not inference.nodes:
        yield f"{path}.inference: pipeline '{config.inference}' contains no nodes."


def _wrong_options(config: ModelConfig, inference: Pipeline, path: str) -> Iterator[str]:
    """Return a mistake for each option of the model that the pipeline or this installation does not know."""
    try:
        copy_modes_by_dataset(config.copy_mode, inference)
    except ModelDefinitionError as error:
        yield f"{path}.copy_mode: {error.cause} {error.remedy}"
    try:
        if config.runner is not None:
            resolve_runner(config.runner)
    except ModelDefinitionError as error:
        yield f"{path}.runner: {error.cause} {error.remedy}"
    try:
        if config.hooks:
            hook_manager(config.hooks)
    except ModelDefinitionError as error:
        yield f"{path}.hooks: {error.cause} {error.remedy}"


def _inputs_without_origin(
    config: ModelConfig, inference: Pipeline, origins: Mapping[str, Origin], known: Collection[str], path: str
) -> Iterator[str]:
    """Return a mistake for each input that nothing provides, or one where they leave open which is the request."""
    free = sorted(inference.inputs())
    # A misspelt name of one parameter is never a misspelt 'parameters'.
    parameters = sorted(name for name in known if name.startswith("params:"))
    datasets = sorted(name for name in known if not is_parameter(name))
    missing = [name for name in free if name not in origins]
    unknown = [name for name in missing if not is_parameter(name)]
    for name in missing:
        if is_parameter(name):
            hint = suggest(name, parameters, listing=None)
            read = f"{_readers(name, inference)} of '{config.inference}' reads '{name}'"
            yield f"{path}.inference: {read}, which no parameters file has. {hint}".rstrip()
    if config.input_name is not None:
        for name in unknown:
            hint = suggest(name, datasets, listing=None)
            yield (
                f"{path}.inference: {_readers(name, inference)} of '{config.inference}' reads '{name}', which neither "
                "the training pipeline nor the catalog provides. "
                f"{hint or 'Add it to the catalog, or name it in input_name.'}"
            )
    elif free and Origin.REQUEST not in origins.values():
        yield f"{path}.input_name: {_which_is_the_request(unknown, origins)}"


def _readers(name: str, pipeline: Pipeline) -> str:
    """Name a node that reads a dataset."""
    return next(f"node '{node.name}'" for node in pipeline.nodes if name in node.inputs)


def _which_is_the_request(unknown: Sequence[str], origins: Mapping[str, Origin]) -> str:
    if unknown:
        return f"several inputs are free ({_quoted(unknown)}). Name those that are given at predict time."
    datasets = [name for name, origin in origins.items() if origin is not Origin.PARAMETER]
    parameters = [name for name, origin in origins.items() if origin is Origin.PARAMETER]
    alternative = f" It may also be a parameter: {_quoted(parameters)}." if parameters else ""
    return (
        f"every input already has a source. Set input_name to the one that requests supply: {_quoted(datasets)}."
        f"{alternative}"
    )


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
