"""Fetch pipelines from the project's registry, whether or not Kedro has loaded them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder

from kedro.framework import project
from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline

from kedro_autolog_pipeline.config.schema import ModelConfig

# The selection below is a setting of the whole process, and a Kedro server runs pipelines in several threads.
_SELECTION_LOCK = threading.RLock()


def may_be_trained(config: ModelConfig) -> bool:
    """Tell whether the pipelines that Kedro has loaded for this run may train a model; imports none of the others.

    Kedro 1.5+ imports the modules of the requested pipelines only, so a pipeline whose module nobody imported cannot
    be in the run, and asking for it would import it.

    Returns:
        False only for a training pipeline in a directory of its own whose module has not been imported, with an
        inference pipeline that is surely registered: only the registry can tell that one is missing.
    """
    is_loaded = _is_loaded(config.training) or _module_name(config.training) in sys.modules
    may_be_in_run = is_loaded or not _has_directory(config.training)
    is_registered = _is_loaded(config.inference) or _has_directory(config.inference)
    return may_be_in_run or not is_registered


def fetch_pipelines(names: Iterable[str]) -> dict[str, Pipeline]:
    """Fetch the registered pipelines called ``names``, and leave Kedro's selection as it was.

    Args:
        names: Names as in the project's registry; one that is not registered is left out of the result.

    Raises:
        Exception: Whatever importing the project's modules raises.
    """
    wanted = sorted(set(names))
    loaded = {name: pipelines[name] for name in wanted if _is_loaded(name)}
    missing = [name for name in wanted if name not in loaded]
    if _requested() is None:
        return loaded
    for name in missing:
        # One with a directory can be loaded alone, so that a broken neighbour, or one that Kedro cannot add to it, does
        # no harm; one that only the registry knows appears when everything is loaded.
        with _selected([name] if _has_directory(name) else None):
            if _is_loaded(name):
                loaded[name] = pipelines[name]
    return loaded


def registered_names() -> list[str]:
    """Return the names of all registered pipelines, sorted; imports every pipeline of the project."""
    with _selected(None):
        return sorted(pipelines.keys())


def fetch_default() -> Pipeline:
    """Return the pipeline that ``kedro run`` runs when none is named; imports every pipeline of the project.

    Raises:
        Exception: Whatever importing the project's modules raises, and Kedro when it cannot add their pipelines.
    """
    with _selected(None):
        default: Pipeline = pipelines["__default__"]
    return default


@contextmanager
def loading_only(name: str) -> Iterator[None]:
    """Have Kedro load one pipeline for a while, as ``kedro run --pipelines`` does from 1.5 on.

    All are loaded where that is not enough: for a name that only the registry knows, or that is none.
    """
    if not hasattr(pipelines, "set_requested"):
        yield
        return
    requested = _requested()
    with _SELECTION_LOCK:
        pipelines.set_requested([name])
        try:
            is_enough = _is_loaded(name)
        except Exception:  # noqa: BLE001 - the project's own modules may raise anything; where it matters, it is told
            is_enough = False
        if not is_enough:
            pipelines.set_requested(None)
        try:
            yield
        finally:
            pipelines.set_requested(requested)


@contextmanager
def _selected(names: list[str] | None) -> Iterator[None]:
    requested = _requested()
    with _SELECTION_LOCK:
        if requested is None:
            yield
            return
        pipelines.set_requested(names)
        try:
            yield
        finally:
            pipelines.set_requested(requested)


def _requested() -> list[str] | None:
    # Kedro 1.5+ has a setter for its selection and no getter; before, everything was always loaded.
    return getattr(pipelines, "_requested_pipelines", None)


def _is_loaded(name: str) -> bool:
    return name in pipelines.keys()  # noqa: SIM118 - Kedro's registry has no __contains__ of its own


def _module_name(name: str) -> str:
    return f"{project.PACKAGE_NAME}.pipelines.{name}"


def _has_directory(name: str) -> bool:
    package = sys.modules.get(f"{project.PACKAGE_NAME}.pipelines")
    return package is not None and PathFinder.find_spec(_module_name(name), list(package.__path__)) is not None
