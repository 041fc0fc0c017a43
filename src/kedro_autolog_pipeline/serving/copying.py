"""Copy values by the rules of Kedro's MemoryDataset."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from copy import deepcopy
from enum import Enum
from typing import TYPE_CHECKING, Any

from kedro_autolog_pipeline.errors import CopyError, ModelDefinitionError
from kedro_autolog_pipeline.serving.suggestions import suggest

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline

_IMMUTABLE = frozenset({type(None), bool, int, float, complex, str, bytes})


class CopyMode(Enum):
    """How a value is copied; the names and meanings of MemoryDataset's ``copy_mode``."""

    ASSIGN = "assign"
    """It is shared: a node that changes it changes it for every reader."""
    COPY = "copy"
    """Its own ``copy`` method copies it."""
    DEEPCOPY = "deepcopy"
    """The function :func:`copy.deepcopy` copies it."""


def copy_modes_by_dataset(
    copy_mode: CopyMode | str | Mapping[str, CopyMode | str | None] | None, pipeline: Pipeline
) -> dict[str, CopyMode | None]:
    """Spread the ``copy_mode`` of a model over its datasets.

    Args:
        copy_mode: One mode for all datasets, or a mode by dataset name, where None is as Kedro infers from the value;
            None leaves every dataset to the executor. What is one for all leaves out outputs, as in kedro-mlflow,
            and parameters: they are small, and one that a node changes must not be changed for the next call.
        pipeline: The inference pipeline.

    Raises:
        ModelDefinitionError: When a mode or a dataset is none.
    """
    if copy_mode is None:
        return {}
    if isinstance(copy_mode, Mapping):
        known = sorted(pipeline.datasets())
        for name in copy_mode:
            if name not in known:
                raise ModelDefinitionError(
                    f"copy_mode names '{name}', which is no dataset of the pipeline.", suggest(name, known)
                )
        return {name: None if mode is None else _parsed(mode) for name, mode in copy_mode.items()}
    # Reading a configuration without this option needs no Kedro.
    from kedro.io.core import is_parameter

    names = [name for name in sorted(pipeline.datasets() - pipeline.outputs()) if not is_parameter(name)]
    return dict.fromkeys(names, _parsed(copy_mode))


def _parsed(mode: CopyMode | str) -> CopyMode:
    try:
        return CopyMode(mode)
    except ValueError:
        raise ModelDefinitionError(
            f"{mode!r} is no copy mode.", suggest(str(mode), [known.value for known in CopyMode])
        ) from None


def copied(dataset: str, value: Any, mode: CopyMode | None = None) -> Any:
    """Copy the value of ``dataset``.

    Args:
        dataset: The dataset's name, for the error.
        value: What to copy. What cannot be changed is its own copy.
        mode: How; None means as Kedro infers it from the value.

    Raises:
        CopyError: When copying ``value`` raises anything.
    """
    if type(value) in _IMMUTABLE:
        return value
    mode = mode or inferred_mode(value)
    if mode is CopyMode.ASSIGN:
        return value
    try:
        return value.copy() if mode is CopyMode.COPY else deepcopy(value)
    except Exception as error:
        raise CopyError(dataset, mode.value, type(value).__name__) from error


def inferred_mode(value: object) -> CopyMode:
    """Find the mode in which Kedro copies ``value`` where the catalog does not say.

    It is Kedro's rule to the letter, the name ``DataFrame`` for Spark's and Polars' frames included. Unlike
    Kedro it imports nothing: no value comes from a library that nobody has imported, and Kedro's attempt to
    import ibis costs 40-155 us where there is none.
    """
    if _is_instance(value, "pandas", "DataFrame") or _is_instance(value, "numpy", "ndarray"):
        return CopyMode.COPY
    if type(value).__name__ == "DataFrame" or _is_instance(value, "ibis", "Table"):
        return CopyMode.ASSIGN
    return CopyMode.DEEPCOPY


def _is_instance(value: object, module: str, name: str) -> bool:
    return isinstance(value, getattr(sys.modules.get(module), name, ()))
