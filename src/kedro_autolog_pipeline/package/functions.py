"""Refer to the function of a node by its import path, or keep it as a pickle where it has none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from kedro.pipeline.node import Node

from kedro_autolog_pipeline.serving.inference_pipeline import resolved_step
from kedro_autolog_pipeline.serving.manifest import NodeEntry

FUNCTIONS_DIRECTORY = "functions"


def import_path(function: Callable[..., Any]) -> str | None:
    """Return ``module:qualname``; None when importing that does not give ``function`` back.

    So it is for a lambda, a closure, a ``functools.partial``, a method of an instance, or what a notebook defines.
    """
    module = getattr(function, "__module__", None)
    qualname = getattr(function, "__qualname__", None)
    if module is None or qualname is None or module == "__main__" or module not in sys.modules:
        return None
    try:
        found: Any = reduce(getattr, qualname.split("."), sys.modules[module])
    except AttributeError:
        return None
    # Bound class methods are equal, never identical.
    return f"{module}:{qualname}" if found == function else None


def stage_node(node: Node, index: int, package: Path) -> NodeEntry:
    """Describe a node, and write a pickle of its function into the package where it has no import path.

    Args:
        node: A node of the inference pipeline.
        index: Its place in the pipeline, which names the pickle.
        package: The package's directory.

    Raises:
        Exception: Whatever cloudpickle raises for a function that cannot be pickled.
    """
    path = import_path(node.func)
    is_pickled = path is None
    if path is None:
        path = f"{FUNCTIONS_DIRECTORY}/{index}.pkl"
        _pickle(node.func, package / path)
    step = resolved_step(node)
    return NodeEntry(node.name, path, is_pickled, step.inputs, step.outputs)


def _pickle(function: Callable[..., Any], path: Path) -> None:
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it ships no types
        """Leaves out where the source was, which is of use on this machine alone."""

        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, CodeType):
                return self.dispatch_table[CodeType](obj.replace(co_filename=Path(obj.co_filename).name))
            reduced = super().reducer_override(obj)
            if isinstance(obj, FunctionType) and isinstance(reduced, tuple):
                # Among what cloudpickle makes a function of is a dictionary of its globals.
                for part in reduced[1]:
                    if isinstance(part, dict):
                        part.pop("__file__", None)
            return reduced

    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        Pickler(file).dump(function)
