"""Read the pipeline of a package on disk, and load its artifacts."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

from kedro_autolog_pipeline.errors import ModelDefinitionError, ModelLoadError
from kedro_autolog_pipeline.serving.executor import Step
from kedro_autolog_pipeline.serving.frames import Frame
from kedro_autolog_pipeline.serving.inference_pipeline import InferencePipeline, kedro_node
from kedro_autolog_pipeline.serving.manifest import Manifest, NodeEntry
from kedro_autolog_pipeline.serving.node_hooks import hook_manager, with_hooks
from kedro_autolog_pipeline.serving.stored_dataset import StoredDataset


def read_package(package: Path, manifest: Manifest) -> tuple[InferencePipeline, dict[str, Path]]:
    """Load the functions of a package's nodes, and tell where its artifacts are.

    Args:
        package: The package's directory.
        manifest: Its manifest.

    Returns:
        The pipeline, and where each artifact is, by dataset name.

    Raises:
        ModelLoadError: When something in it cannot be read.
    """
    pipeline = InferencePipeline(
        steps=_load_steps(manifest, package),
        request=manifest.request_inputs,
        frames={
            entry.name: Frame(entry.frame, entry.column_types, entry.arrow_schema)
            for entry in manifest.inputs
            if entry.is_frame
        },
        outputs=manifest.outputs,
        parameters=manifest.parameters,
        datasets={
            entry.name: StoredDataset(entry.dataset, entry.argument, entry.snapshot) for entry in manifest.artifacts
        },
        copy_modes=manifest.copy_modes,
        runner=manifest.runner,
        validators=manifest.validators,
    )
    return pipeline, {artifact.name: package / artifact.path for artifact in manifest.artifacts}


def load_artifacts(datasets: Mapping[str, StoredDataset], paths: Mapping[str, Path], package: str) -> dict[str, Any]:
    """Load each artifact once.

    They are loaded one by one: on two cores, four threads took 0.9 to 1.3 times as long for four pickles, Parquet or
    CSV files, since unpickling holds the interpreter and pandas' readers have threads of their own.

    Args:
        datasets: By dataset name, how it is loaded.
        paths: By dataset name, where its data is.
        package: The package's directory, for errors.

    Raises:
        ModelLoadError: When one is not there or cannot be loaded.
    """
    return {name: _load_artifact(name, dataset, paths, package) for name, dataset in datasets.items()}


def _load_steps(manifest: Manifest, package: Path) -> list[Step]:
    steps = [Step(node.name, _load_function(node, package), node.inputs, node.outputs) for node in manifest.nodes]
    if not manifest.hooks:
        return steps
    try:
        manager = hook_manager(manifest.hooks)
    except ModelDefinitionError as error:
        raise ModelLoadError(str(package), error.cause, "Install the packages of its requirements.txt.") from error
    return [with_hooks(step, kedro_node(step), manager) for step in steps]


def _load_function(node: NodeEntry, package: Path) -> Any:
    try:
        if node.is_pickled:
            return pickle.loads((package / node.function).read_bytes())  # noqa: S301 - the package's own code
        module, _, qualname = node.function.partition(":")
        return reduce(getattr, qualname.split("."), importlib.import_module(module))
    except Exception as error:
        raise ModelLoadError(
            str(package),
            f"the function of node '{node.name}', {node.function}, cannot be loaded ({_shown(error)}).",
            _remedy(error),
        ) from error


def _shown(error: Exception) -> str:
    # What Python shows of an error of the operating system leaves out the file.
    return f"{type(error).__name__}: {error}" if isinstance(error, OSError) else repr(error)


def _remedy(error: Exception) -> str:
    """Say what to do about a module that cannot be imported."""
    if isinstance(error, OSError) and error.filename is not None:
        return (
            f"Its module opens '{error.filename}' when it is imported, and the package does not hold that. Ship it "
            "beside the module and open it by its place there, or have a node read it from a dataset of the catalog."
        )
    if isinstance(error, ImportError):
        return "Install the packages of its requirements.txt."
    return "Its module cannot be imported here. Have a node do what it does when it is imported."


def _load_artifact(name: str, dataset: StoredDataset, paths: Mapping[str, Path], package: str) -> Any:
    if name not in paths or not paths[name].exists():
        raise ModelLoadError(
            package, f"the artifact '{name}' is not in it.", "Log the model again, or fetch its files again."
        )
    try:
        return dataset.load(name, paths[name])
    except Exception as error:
        raise ModelLoadError(
            package,
            f"the artifact '{name}', {paths[name].name}, cannot be loaded ({_shown(error)}).",
            "Install the packages of its requirements.txt.",
        ) from error
