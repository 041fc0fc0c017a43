"""Name the modules that a model imports by itself, from which the search for all others starts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from kedro.pipeline.node import Node

from kedro_autolog_pipeline.datasets.snapshots import snapshot_modules
from kedro_autolog_pipeline.datasets.validators import validator_path
from kedro_autolog_pipeline.dependencies.pickles import pickle_modules
from kedro_autolog_pipeline.dependencies.search import Seed
from kedro_autolog_pipeline.serving.frames import FrameKind
from kedro_autolog_pipeline.serving.manifest import ArtifactEntry
from kedro_autolog_pipeline.serving.runners import resolve_runner


def function_seeds(nodes: Iterable[Node]) -> list[Seed]:
    """Name the modules in which the functions of nodes are."""
    return [Seed(module, f"function of node '{node.name}'") for node in nodes for module in defining_modules(node.func)]


def frame_seeds(sample: Mapping[str, Any]) -> list[Seed]:
    """Name the libraries that make the tables which a pipeline takes.

    Args:
        sample: Request data by dataset name.
    """
    kinds = {name: FrameKind.of(data) for name, data in sample.items()}
    return [
        Seed(module, f"type of the input '{name}'")
        for name, kind in kinds.items()
        if kind not in {None, FrameKind.PANDAS}
        # Tables are converted through Arrow.
        for module in sorted({kind.module, FrameKind.ARROW.module})
    ]


def other_seeds(
    modules: Mapping[str, Iterable[str]], validators: Mapping[str, Any], runner: str | None, hooks: Iterable[str] = ()
) -> list[Seed]:
    """Name the other modules that a model needs, each with the reason.

    Args:
        modules: Modules that loading an artifact needs, by its name.
        validators: Of each dataset that has one its validator, as in the catalog.
        runner: The Kedro runner that the user wants; None for none.
        hooks: Dotted paths of the classes of hooks that travel.

    Raises:
        ModelDefinitionError: When there is no such runner.
    """
    data = [
        Seed(module, f"loads the artifact '{artifact}'") for artifact, needed in modules.items() for module in needed
    ]
    checks = [
        Seed(validator_path(config).rpartition(".")[0], f"validator of '{name}'") for name, config in validators.items()
    ]
    runners = [] if runner is None else [Seed(resolve_runner(runner).__module__, "runner")]
    called = [Seed(hook.rpartition(".")[0], f"hooks of '{hook}'") for hook in hooks]
    return [Seed("kedro_autolog_pipeline.serving.model", "the model itself"), *data, *checks, *runners, *called]


def defining_modules(function: Callable[..., Any]) -> set[str]:
    """Find the modules that a function is made of: a partial of its function, a method of its class."""
    if isinstance(function, partial):
        return defining_modules(function.func)
    return {getattr(function, "__module__", None) or type(function).__module__}


def referenced_modules(function: Callable[..., Any]) -> set[str]:
    """Find the modules of others' packages from which the globals beside a function come.

    They are for a process to import early: what is missed costs time and nothing else.
    """
    own = defining_modules(function)
    values = [value for module in own & sys.modules.keys() for value in vars(sys.modules[module]).values()]
    names = {
        value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) for value in values
    }
    packages = {name.partition(".")[0] for name in own}
    return {name for name in names if isinstance(name, str) and name.partition(".")[0] not in packages}


def loading_modules(entry: ArtifactEntry, data: Path) -> list[str]:
    """Find the modules that loading an artifact needs: its dataset's own, and those that its data refer to.

    Args:
        entry: What the manifest says of it.
        data: Its file or directory on this machine.
    """
    named = named_modules(entry.dataset) if entry.snapshot is None else snapshot_modules(entry.snapshot)
    return [*named, *data_modules(data)]


def data_modules(data: Path) -> list[str]:
    """Find the modules that data refer to, sorted.

    Args:
        data: A file or directory on this machine.
    """
    files = [data] if data.is_file() else sorted(data.rglob("*"))
    return sorted(set().union(*(pickle_modules(file) for file in files if file.is_file())))


def named_modules(config: Mapping[str, Any]) -> list[str]:
    """Return the modules that the configuration of a dataset names."""
    objects = [config["type"]]
    validator = config.get("validator")
    if validator is not None:
        objects.append(validator if isinstance(validator, str) else validator["class"])
    modules = [name.rpartition(".")[0] for name in objects]
    # PickleDataset imports the library that this argument names.
    if isinstance(config.get("backend"), str):
        modules.append(config["backend"])
    # A partitioned dataset names the one of its partitions.
    partition = config.get("dataset")
    return modules + named_modules(partition) if isinstance(partition, Mapping) and "type" in partition else modules
