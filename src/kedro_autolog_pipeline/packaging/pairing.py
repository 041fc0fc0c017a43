"""A configured model and its two pipelines come in, the pair with the origin of each inference input goes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches

import attrs
from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.config import ModelConfig
from kedro_autolog_pipeline.errors import ModelDefinitionError
from kedro_autolog_pipeline.serving.copying import copy_modes_by_dataset
from kedro_autolog_pipeline.serving.manifest import Origin
from kedro_autolog_pipeline.serving.runners import resolve_runner


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
        """Give the inputs with one of ``origins``, sorted; request inputs in the order of the configuration."""
        if origins == (Origin.REQUEST,) and self.config.input_name:
            return list(self.config.input_name)
        return [name for name, origin in self.origins.items() if origin in origins]


def dataset_of(name: str) -> str:
    """Give the dataset that a name with a transcoding suffix stands for: ``model`` for ``model@pickle``."""
    return name.partition("@")[0]


def resolve_pair(
    config: ModelConfig, training: Pipeline, inference: Pipeline, in_catalog: Callable[[str], bool]
) -> tuple[Pair, list[str]]:
    """Find the origin of each input of the inference pipeline.

    Args:
        config: The pair, as configured.
        training: Its training pipeline.
        inference: Its inference pipeline.
        in_catalog: Whether the catalog can provide a dataset of this name, parameters included.

    Returns:
        The pair, and every mistake, each beginning with the path of a key. A pair with mistakes can only be examined
        for more of them: it lacks the inputs that have no origin.
    """
    path = f"autolog_pipeline.models.{config.name}"
    free = sorted(inference.inputs())
    trained = {dataset_of(name) for name in training.all_outputs()}
    mistakes = [
        f"{path}.input_name: inference pipeline '{config.inference}' does not read '{name}'. "
        f"{_nearest(name, [known for known in free if not is_parameter(known)])}"
        for name in config.input_name or ()
        if name not in free
    ]
    mistakes += [
        f"{path}.{key}: pipeline '{name}' contains no nodes."
        for key, name, pipeline in (
            ("training", config.training, training),
            ("inference", config.inference, inference),
        )
        if not pipeline.nodes
    ]
    mistakes += _wrong_options(config, inference, path)

    origins: dict[str, Origin] = {}
    unknown: list[str] = []
    for name in free:
        if name in (config.input_name or ()):
            origins[name] = Origin.REQUEST
        elif is_parameter(name):
            if in_catalog(name):
                origins[name] = Origin.PARAMETER
            else:
                mistakes.append(f"{path}.inference: '{config.inference}' reads '{name}', which no parameters file has.")
        elif dataset_of(name) in trained:
            origins[name] = Origin.TRAINED
        elif in_catalog(name):
            origins[name] = Origin.REFERENCE
        else:
            unknown.append(name)
    if config.input_name is None and len(unknown) == 1:
        origins[unknown.pop()] = Origin.REQUEST
    elif config.input_name is None and free and inference.nodes:
        mistakes.append(f"{path}.input_name: {_which_is_the_request(unknown, origins)}")
    else:
        mistakes += [
            f"{path}.inference: '{config.inference}' reads '{name}', which neither the training pipeline nor the "
            "catalog provides. Add it to the catalog, or name it in input_name."
            for name in unknown
        ]
    return Pair(config, training, inference, dict(sorted(origins.items()))), mistakes


def _wrong_options(config: ModelConfig, inference: Pipeline, path: str) -> Iterator[str]:
    """Give a mistake for each option of the model that the pipeline or this installation does not know."""
    try:
        copy_modes_by_dataset(config.copy_mode, inference)
    except ModelDefinitionError as error:
        yield f"{path}.copy_mode: {error.cause} {error.remedy}"
    try:
        if config.runner is not None:
            resolve_runner(config.runner)
    except ModelDefinitionError as error:
        yield f"{path}.runner: {error.cause} {error.remedy}"


def _which_is_the_request(unknown: list[str], origins: dict[str, Origin]) -> str:
    if unknown:
        return f"several inputs are free ({_quoted(unknown)}). Name those that are given at predict time."
    candidates = [name for name, origin in origins.items() if origin is not Origin.PARAMETER]
    return f"no input is free. Name the one that is given at predict time: {_quoted(candidates)}."


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"Did you mean '{close[0]}'?" if close else f"It reads {_quoted(known)}."


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
