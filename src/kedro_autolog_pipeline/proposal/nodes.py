"""Know of each node of a pipeline what its function does with which dataset."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

import attrs
from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from kedro_autolog_pipeline.proposal.calls import Action, Call, FunctionSource, find_calls, read_source
from kedro_autolog_pipeline.serving.executor import Step
from kedro_autolog_pipeline.serving.inference_pipeline import resolved_step


@attrs.frozen(slots=False)
class ReadNode:
    """A node and what is read in its function.

    Attributes:
        node: Kedro's node.
        source: Its function's source; None when it cannot be read.
        calls: What the function does; empty without a source.
    """

    node: Node
    source: FunctionSource | None
    calls: tuple[Call, ...]

    @cached_property
    def dataset_of(self) -> Mapping[str, str]:
        """Dataset by the function's parameter; without those that the source leaves open."""
        inputs = self.step.inputs
        if isinstance(inputs, Mapping):
            return dict(inputs)
        names = [inputs] if isinstance(inputs, str) else list(inputs or ())
        return dict(zip(self.source.parameters if self.source else (), names, strict=False))

    @cached_property
    def step(self) -> Step:
        """The node as its author wrote it."""
        return resolved_step(self.node)

    @property
    def data(self) -> tuple[str, ...]:
        """The datasets that it reads, parameters left out."""
        return tuple(dict.fromkeys(name for name in self.node.inputs if not is_parameter(name)))

    def does(self, *actions: Action) -> bool:
        """Tell whether its function does one of these."""
        return any(call.action in actions for call in self.calls)

    def asked(self) -> set[str]:
        """Return the datasets that it asks for a transformation or a prediction: they are fitted."""
        receivers = {call.receiver for call in self.calls if call.action in (Action.TRANSFORM, Action.PREDICT)}
        return {name for parameter, name in self.dataset_of.items() if parameter in receivers}

    def lines(self, *actions: Action) -> str:
        """Return where its function does these, for a user to read: ``nodes.py:12 'scaler.fit(table)'``."""
        found = [call for call in self.calls if call.action in actions]
        path = self.source.path if self.source else ""
        return ", ".join(dict.fromkeys(f"{path}:{call.line} `{_short(call.text)}`" for call in found))


def read_nodes(pipeline: Pipeline) -> list[ReadNode]:
    """Read the functions of a pipeline's nodes, in the order in which they run."""
    read = []
    for node in pipeline.nodes:
        source = read_source(node.func)
        read.append(ReadNode(node, source, tuple(find_calls(source)) if source else ()))
    return read


def fitted_datasets(nodes: Iterable[ReadNode]) -> set[str]:
    """Return the datasets that nodes ask for predictions, or that nodes write that do nothing but fit."""
    fitted: set[str] = set()
    for each in nodes:
        fitted |= each.asked()
        if each.does(Action.FIT) and not _transforms_its_own(each):
            fitted |= set(each.node.outputs)
    return fitted


def splits(each: ReadNode, learned_from: Collection[str], tested_on: Collection[str]) -> bool:
    """Tell whether a node divides rows: it calls what does, or some outputs are learned from and others tested on."""
    if each.does(Action.SPLIT):
        return True
    learned = {name for name in each.node.outputs if name in learned_from}
    tested = {name for name in each.node.outputs if name in tested_on} - learned
    return bool(learned and tested) and not each.does(Action.FIT, Action.PREDICT, Action.TRANSFORM)


def _transforms_its_own(each: ReadNode) -> bool:
    """Tell whether what a node fits is applied in it too, so that an output of it may be data."""
    return len(each.node.outputs) > 1 or any("fit_" in call.text for call in each.calls if call.action is Action.FIT)


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
