"""Describe an inference pipeline with its functions, be it read from a manifest or from a pickled model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from kedro.pipeline import Pipeline, node
from kedro.pipeline.node import Node

from kedro_autolog_pipeline.errors import ModelLoadError
from kedro_autolog_pipeline.serving.copying import CopyMode
from kedro_autolog_pipeline.serving.executor import Step
from kedro_autolog_pipeline.serving.frames import Frame
from kedro_autolog_pipeline.serving.manifest import FORMAT_VERSION
from kedro_autolog_pipeline.serving.stored_dataset import StoredDataset

_NODE_NAME = re.compile(r"[\w.-]+")


@attrs.frozen(kw_only=True)
class InferencePipeline:
    """All that a model knows of its pipeline, its artifacts' values excepted.

    Attributes:
        steps: Its nodes, in an order in which they can run.
        request: Names of the datasets that each call gives.
        frames: Those of ``request`` that are tables.
        outputs: Names of the datasets that each call returns.
        parameters: Plain value by dataset name (``params:threshold``, ``parameters``).
        datasets: For each artifact, how it is loaded.
        copy_modes: As in ``Manifest.copy_modes``.
        runner: As in ``Manifest.runner``.
        validators: As in ``Manifest.validators``.
    """

    steps: Sequence[Step]
    request: Sequence[str]
    frames: Mapping[str, Frame]
    outputs: Sequence[str]
    parameters: Mapping[str, Any]
    datasets: Mapping[str, StoredDataset]
    copy_modes: Mapping[str, CopyMode | None]
    runner: str | None
    validators: Mapping[str, Any]

    def as_kedro(self) -> Pipeline:
        """Return the pipeline as Kedro's own, its nodes with the names they had."""
        return Pipeline([kedro_node(step) for step in self.steps])

    def to_state(self) -> dict[str, Any]:
        """Return the pipeline as plain data and its functions, for a pickle that outlives this version's classes."""
        return {
            **attrs.asdict(self, recurse=False),
            "format_version": FORMAT_VERSION,
            "frames": {name: frame.to_state() for name, frame in self.frames.items()},
            "steps": [attrs.astuple(step, recurse=False) for step in self.steps],
            "datasets": {name: dataset.to_state() for name, dataset in self.datasets.items()},
            "copy_modes": {name: mode and mode.value for name, mode in self.copy_modes.items()},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> InferencePipeline:
        """Take up what ``to_state`` gave, in this version or an older one.

        Raises:
            ModelLoadError: When a newer version of this package gave it.
        """
        content = dict(state)
        version = content.pop("format_version")
        if version > FORMAT_VERSION:
            raise ModelLoadError(
                "a pickled KedroPipelineModel",
                f"it has format version {version}, and this kedro-autolog-pipeline reads up to {FORMAT_VERSION}.",
                "Upgrade kedro-autolog-pipeline to the version named in its requirements.txt.",
            )
        # No model that older versions pickled knows of tables: they have a list, which is empty.
        content["frames"] = {name: Frame.from_state(content["frames"][name]) for name in content["frames"]}
        content["steps"] = [Step(*step) for step in content["steps"]]
        content["datasets"] = {name: StoredDataset.from_state(each) for name, each in content["datasets"].items()}
        content["copy_modes"] = {name: mode and CopyMode(mode) for name, mode in content["copy_modes"].items()}
        return cls(**content)


def resolved_step(node: Node) -> Step:
    """Return a node of Kedro's as the executor takes it, with the function that the project has."""
    # Node.inputs and Node.outputs are flat lists: only these attributes keep the form in which the author wrote them.
    return Step(node.name, node.func, inputs=node._inputs, outputs=node._outputs)  # noqa: SLF001 - see above


def kedro_node(step: Step) -> Node:
    """Return a step as Kedro's node, with the name it had."""
    namespace, _, name = step.name.rpartition(".")
    # A name that Kedro made up need not be one that it takes; left out, it makes up the same.
    is_given = _NODE_NAME.fullmatch(name) is not None
    return node(
        step.function,
        step.inputs,
        step.outputs,
        name=name if is_given else None,
        namespace=namespace or None,
    )
