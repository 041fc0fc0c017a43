"""A pair, the catalog of its run and a sample come in; what the project's own code answers goes out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from kedro.io import DataCatalog, MemoryDataset
from kedro.io.core import Version
from kedro.runner import SequentialRunner

from kedro_autolog_pipeline.packaging.artifacts import saved_version
from kedro_autolog_pipeline.packaging.functions import resolved_step
from kedro_autolog_pipeline.packaging.loggers import quiet
from kedro_autolog_pipeline.packaging.pairing import Pair
from kedro_autolog_pipeline.serving.copying import CopyMode
from kedro_autolog_pipeline.serving.executor import Executor
from kedro_autolog_pipeline.serving.manifest import Origin
from kedro_autolog_pipeline.serving.parameters import typed_parameters


@attrs.frozen
class LivePipeline:
    """The inference pipeline as the project runs it: by Kedro's runner, on the catalog's own datasets.

    Attributes:
        pair: The resolved pair.
        catalog: The catalog of the run.
        written: Names of the datasets that the run wrote, whose version is then the one that it saved.
        parameters: Plain value by dataset name.
    """

    pair: Pair
    catalog: DataCatalog
    written: frozenset[str]
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
        # Kedro tells of each node that it runs, which would read as a second run of the user's.
        with quiet("kedro", logging.WARNING):
            # A run of another pipeline holds these values without the types that this one's nodes ask for.
            given = {**sample, **typed_parameters(self.parameters, self.pair.inference)}
            catalog = DataCatalog(
                {
                    **{name: MemoryDataset(data) for name, data in given.items()},
                    **{name: self._dataset(name) for name in self._artifacts},
                }
            )
            result = SequentialRunner().run(self.pair.inference, catalog)
        return _bare({name: result[name].load() for name in sorted(result)})

    def constants(self) -> dict[str, Any]:
        """Load what every call shares, anew: artifacts and parameters by dataset name.

        Raises:
            Exception: Whatever a dataset raises.
        """
        with quiet("kedro", logging.WARNING):
            artifacts = {name: self._dataset(name).load() for name in self._artifacts}
        return {**typed_parameters(self.parameters, self.pair.inference), **artifacts}

    def compiled(self) -> Callable[[Mapping[str, Any]], Any]:
        """Give what answers as ``predict`` does, to be called often: it loads the artifacts once, now."""
        executor = Executor(
            [resolved_step(node) for node in self.pair.inference.nodes],
            constants=self.constants(),
            request=self.pair.inputs_from(Origin.REQUEST),
            outputs=sorted(self.pair.inference.outputs()),
            copy_modes=dict.fromkeys(self.parameters, CopyMode.DEEPCOPY),
        )
        return lambda sample: _bare(executor(sample))

    @property
    def _artifacts(self) -> list[str]:
        return self.pair.inputs_from(Origin.TRAINED, Origin.REFERENCE)

    def _dataset(self, name: str) -> Any:
        dataset = self.catalog.get(name)
        # After a run, Kedro resolves a versioned dataset to the newest version, whoever wrote it.
        if name in self.written and (saved := saved_version(dataset)) is not None:
            return self.catalog.get(name, version=Version(saved, None))
        return dataset


def _bare(outputs: dict[str, Any]) -> Any:
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs
