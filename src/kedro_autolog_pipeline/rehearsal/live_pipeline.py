"""A pair, what its artifacts load and a sample come in; what the project's own code answers goes out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import attrs
from kedro.io import AbstractDataset, DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from kedro_autolog_pipeline.loggers import quiet
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.serving.copying import CopyMode
from kedro_autolog_pipeline.serving.executor import Executor
from kedro_autolog_pipeline.serving.inference_pipeline import resolved_step
from kedro_autolog_pipeline.serving.manifest import Origin
from kedro_autolog_pipeline.serving.parameters import typed_parameters


class _LoadedDataset(AbstractDataset[Any, Any]):
    """Whatever a function gives each time that it is loaded."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._get = load

    def load(self) -> Any:
        return self._get()

    def save(self, data: Any) -> None:
        raise NotImplementedError

    def _describe(self) -> dict[str, Any]:
        return {}


class _InferencePipeline(Pipeline):
    """A pipeline that knows its inputs: Kedro's runner asks for them behind each input of a node, to release it."""

    @cached_property
    def _free_inputs(self) -> set[str]:
        return super().inputs()

    def inputs(self) -> set[str]:
        return set(self._free_inputs)


@attrs.frozen
class LivePipeline:
    """The inference pipeline as the project runs it: by Kedro's runner, on what the run's catalog loads.

    Attributes:
        pair: The resolved pair.
        artifacts: By dataset name, what loads it as often as a node asks for it.
        parameters: Plain value by dataset name.
    """

    pair: Pair
    artifacts: Mapping[str, Callable[[], Any]]
    parameters: Mapping[str, Any]

    def predict(self, sample: Mapping[str, Any]) -> Any:
        """Run the pipeline once.

        Args:
            sample: Request data by dataset name.

        Returns:
            The output, or a dictionary by name where there are several.

        Raises:
            Exception: Whatever a node raises.
        """
        # Kedro tells of each node that it runs, which would read as a second run of the user's, and how to resume it.
        with quiet("kedro", logging.CRITICAL):
            # A run of another pipeline holds these values without the types that this one's nodes ask for.
            given = {**sample, **typed_parameters(self.parameters, self.pair.inference)}
            catalog = DataCatalog(
                {
                    **{name: MemoryDataset(data) for name, data in given.items()},
                    **{name: _LoadedDataset(load) for name, load in self.artifacts.items()},
                }
            )
            result = SequentialRunner().run(_InferencePipeline(self.pair.inference.nodes), catalog)
        return _bare({name: result[name].load() for name in sorted(result)})

    def constants(self) -> dict[str, Any]:
        """Load what every call shares, anew: artifacts and parameters by dataset name.

        Raises:
            Exception: Whatever a dataset raises.
        """
        with quiet("kedro", logging.WARNING):
            artifacts = {name: load() for name, load in self.artifacts.items()}
        return {**typed_parameters(self.parameters, self.pair.inference), **artifacts}

    def compiled(self, constants: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Any]:
        """Give what answers as ``predict`` does, to be called often.

        Args:
            constants: As ``constants`` gives them.
        """
        executor = Executor(
            [resolved_step(node) for node in self.pair.inference.nodes],
            constants=constants,
            request=self.pair.inputs_from(Origin.REQUEST),
            outputs=sorted(self.pair.inference.outputs()),
            copy_modes=dict.fromkeys(self.parameters, CopyMode.DEEPCOPY),
        )
        return lambda sample: _bare(executor(sample))


def _bare(outputs: dict[str, Any]) -> Any:
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs
