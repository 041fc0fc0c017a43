"""Call the hooks of a project around the nodes and datasets of its inference pipeline, as ``kedro run`` does."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from importlib.metadata import entry_points
from typing import Any

from kedro.framework.hooks.markers import HOOK_NAMESPACE
from kedro.framework.hooks.specs import DatasetSpecs, NodeSpecs
from kedro.framework.project import settings
from pluggy import PluginManager

from kedro_autolog_pipeline.serving.node_hooks import TRAVELLING_HOOKS

_HOOKS = (
    "before_dataset_loaded",
    "after_dataset_loaded",
    "before_node_run",
    "after_node_run",
    "before_dataset_saved",
    "after_dataset_saved",
)
"""What runs around a node that does not fail."""


def project_hooks() -> PluginManager:
    """Register the hooks of the project's settings, as far as they are about nodes and datasets.

    Hooks of an installed plugin are left out, wherever they are registered: they track and watch a run, and this
    call is none of the user's.
    """
    manager = PluginManager(HOOK_NAMESPACE)
    manager.add_hookspecs(NodeSpecs)
    manager.add_hookspecs(DatasetSpecs)
    plugins = {_top_level(entry.module) for entry in entry_points(group="kedro.hooks")}
    for hooks in settings.HOOKS:
        if _top_level(type(hooks).__module__) not in plugins and not manager.is_registered(hooks):
            manager.register(hooks)
    return manager


def describe_hooks(manager: PluginManager, travelling: Collection[str]) -> list[str]:
    """Name each hook that a model does not call: "`before_node_run` of `shop.hooks.Masking`".

    Args:
        manager: The hooks of a run.
        travelling: Dotted paths of the classes whose hooks travel with the model.
    """
    return [
        f"`{name}` of `{_name(hooks)}`"
        for hooks in manager.get_plugins()
        for name in _implemented(manager, hooks)
        if not (_name(hooks) in travelling and name in TRAVELLING_HOOKS)
    ]


def _implemented(manager: PluginManager, hooks: Any) -> Iterable[str]:
    callers = {caller.name for caller in manager.get_hookcallers(hooks) or ()}
    return [name for name in _HOOKS if name in callers]


def _name(hooks: Any) -> str:
    return f"{type(hooks).__module__}.{type(hooks).__qualname__}"


def _top_level(module: str) -> str:
    return module.partition(".")[0]
