"""Run a pipeline by one of Kedro's runners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from kedro.io import AbstractDataset, DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.utils import load_obj

from kedro_autolog_pipeline.errors import ModelDefinitionError
from kedro_autolog_pipeline.serving.copying import CopyMode
from kedro_autolog_pipeline.serving.suggestions import suggest

if TYPE_CHECKING:
    from kedro.runner import AbstractRunner

KEDRO_RUNNERS = ("SequentialRunner", "ThreadRunner")
"""Kedro's own runners that can run a model, by the names under which ``kedro run`` knows them."""


def resolve_runner(name: object) -> type[AbstractRunner]:
    """Find a runner as ``kedro run --runner`` does.

    Args:
        name: One of ``KEDRO_RUNNERS``, or the dotted path of a class.

    Raises:
        ModelDefinitionError: When it is none, or one that cannot hold a model.
    """
    if not isinstance(name, str):
        cause = f"the runner is a '{type(name).__name__}'."
        raise ModelDefinitionError(cause, "Give its name, or the dotted path of its class.")
    # It sets up the logging of a Kedro project, in whatever process it is imported.
    from kedro.runner import AbstractRunner, ParallelRunner

    try:
        found = load_obj(name, "kedro.runner")
    except (ImportError, AttributeError, ValueError) as error:
        cause = f"there is no runner '{name}' ({error})."
        raise ModelDefinitionError(cause, suggest(name, KEDRO_RUNNERS)) from error
    if not (isinstance(found, type) and issubclass(found, AbstractRunner)):
        raise ModelDefinitionError(
            f"'{name}' is no subclass of kedro.runner.AbstractRunner.", suggest(name, KEDRO_RUNNERS)
        )
    if issubclass(found, ParallelRunner):
        raise ModelDefinitionError(
            f"'{name}' starts processes for each prediction and shares no memory with them.",
            "Use 'ThreadRunner'.",
        )
    return found


class RunnerExecutor:
    """A pipeline that a runner of Kedro runs; it stands in for an ``Executor``.

    Each call has a catalog of its own, so that nothing of it outlives it and threads may share an object.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        runner: type[AbstractRunner],
        *,
        constants: Mapping[str, Any],
        outputs: Sequence[str],
        copy_modes: Mapping[str, CopyMode | None],
    ) -> None:
        """Prepare the calls.

        Args:
            pipeline: The pipeline.
            runner: The runner's class; each call has an instance of its own.
            constants: Artifacts and parameters by dataset name.
            outputs: Names of the datasets that each call returns.
            copy_modes: How to copy a dataset, by name; None is as Kedro infers from its value. One that is not
                named is copied in that way too; a constant that is not named is shared.
        """
        self._pipeline = pipeline
        self._runner = runner
        self._constants = dict(constants)
        self._outputs = list(outputs)
        modes = {**dict.fromkeys(constants, CopyMode.ASSIGN), **copy_modes}
        self._modes: dict[str, Literal["assign", "copy", "deepcopy"]] = {
            name: mode.value for name, mode in modes.items() if mode is not None
        }

    def __call__(self, values: Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run every node once, with what an ``Executor`` takes and gives; what is given is not checked here.

        Raises:
            Exception: Whatever the runner raises.
        """
        known = {**self._constants, **values, **(overrides or {})}
        datasets: dict[str, AbstractDataset[Any, Any]] = {
            name: MemoryDataset(value, copy_mode=self._modes.get(name)) for name, value in known.items()
        }
        for name, mode in self._modes.items():
            datasets.setdefault(name, MemoryDataset(copy_mode=mode))
        result = self._runner().run(self._pipeline, DataCatalog(datasets))
        return {name: result[name].load() for name in self._outputs}
