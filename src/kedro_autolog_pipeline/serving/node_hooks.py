"""Call the hooks that travel with a model around its nodes, as Kedro's runner calls those of a project."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from functools import wraps
from inspect import isgeneratorfunction
from typing import TYPE_CHECKING, Any

import attrs
from kedro.io import DataCatalog
from kedro.pipeline.node import Node
from kedro.utils import load_obj

from kedro_autolog_pipeline.errors import ModelDefinitionError
from kedro_autolog_pipeline.serving.executor import Step

if TYPE_CHECKING:
    from pluggy import PluginManager

TRAVELLING_HOOKS = ("after_dataset_loaded", "before_node_run", "after_node_run", "before_dataset_saved")
"""The hooks that a model calls, in the order in which it does."""


def hook_manager(classes: Iterable[str]) -> PluginManager:
    """Make the hooks that classes define.

    Args:
        classes: Their dotted paths; each is made without arguments.

    Raises:
        ModelDefinitionError: When one is no such class, or defines no hook that a model calls.
    """
    from kedro.framework.hooks.markers import HOOK_NAMESPACE
    from kedro.framework.hooks.specs import DatasetSpecs, NodeSpecs

    # Kedro has imported it above; imported by name, it would become a requirement of every model.
    manager: PluginManager = sys.modules["pluggy"].PluginManager(HOOK_NAMESPACE)
    manager.add_hookspecs(NodeSpecs)
    manager.add_hookspecs(DatasetSpecs)
    for name in classes:
        try:
            hooks = load_obj(name)()
            manager.register(hooks)
        except Exception as error:
            raise ModelDefinitionError(
                f"'{name}' cannot be made ({error!r}).", "Name a class of hooks that takes no arguments."
            ) from error
        if not {caller.name for caller in manager.get_hookcallers(hooks) or ()}.intersection(TRAVELLING_HOOKS):
            calls = ", ".join(TRAVELLING_HOOKS)
            raise ModelDefinitionError(f"'{name}' has no hook that a model calls.", f"These are called: {calls}.")
    return manager


def with_hooks(step: Step, node: Node, manager: PluginManager) -> Step:
    """Return a node whose function calls hooks before and after it.

    Args:
        step: The node.
        node: The same as Kedro's, for the hooks.
        manager: The hooks.
    """
    hooked = _HookedStep(step, node, manager.hook)

    @wraps(step.function)
    def call(*given: Any, **named: Any) -> Any:
        return hooked.call(given, named)

    @wraps(step.function)
    def chunks(*given: Any, **named: Any) -> Generator[Any, None, None]:
        yield from hooked.chunks(given, named)

    return attrs.evolve(step, function=chunks if isgeneratorfunction(step.function) else call)


@attrs.frozen
class _HookedStep:
    """A node with its hooks.

    Attributes:
        step: The node.
        node: The same as Kedro's.
        hook: What calls a hook by its name.
    """

    step: Step
    node: Node
    hook: Any

    def call(self, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Run it once."""
        inputs = self._loaded(given, named)
        result = self.step.called_with(inputs)
        outputs = self.step.outputs_by_name(result)
        if outputs.keys() != set(self.node.outputs):
            # The executor says what is wrong with it.
            return result
        self._after(inputs, outputs)
        self._saved(outputs)
        return self.step.result_of(outputs)

    def chunks(self, given: Sequence[Any], named: Mapping[str, Any]) -> Generator[Any, None, None]:
        """Run it once, a generator: Kedro's runner tells of it when it begins, and of each chunk that is saved."""
        inputs = self._loaded(given, named)
        produced = self.step.called_with(inputs)
        self._after(inputs, dict.fromkeys(self.node.outputs, produced))
        for chunk in produced:
            self._saved(self.step.outputs_by_name(chunk))
            yield chunk

    def _loaded(self, given: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the node is to be called with, by dataset name."""
        inputs = self.step.inputs_by_name(given, named)
        for name, data in inputs.items():
            self.hook.after_dataset_loaded(dataset_name=name, data=data, node=self.node)
        # A hook that changes the dictionary changes nothing else; what it returns counts.
        for changed in self.hook.before_node_run(
            node=self.node, catalog=DataCatalog(), inputs=inputs.copy(), is_async=False, run_id=None
        ):
            inputs.update(changed)
        return inputs

    def _after(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        self.hook.after_node_run(
            node=self.node, catalog=DataCatalog(), inputs=inputs, outputs=outputs, is_async=False, run_id=None
        )

    def _saved(self, outputs: Mapping[str, Any]) -> None:
        for name, data in outputs.items():
            self.hook.before_dataset_saved(dataset_name=name, data=data, node=self.node)
