"""Describe what Kedro is about to run, in one form for every Kedro 1.x."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
from kedro.io import DataCatalog
from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.runner import SequentialRunner

from kedro_autolog_pipeline.loggers import quiet
from kedro_autolog_pipeline.pairing.pair import dataset_of
from kedro_autolog_pipeline.run.command import run_options


@attrs.frozen
class KedroRun:
    """One run of a project.

    Attributes:
        run_id: Kedro's id of it, which is also its save version.
        pipeline_names: What was asked for; ``__default__`` when nothing was.
        project_path: The project's directory.
        only_missing_outputs: Whether Kedro skips the nodes whose outputs exist.
        pipeline: The nodes that Kedro runs, before it skips any.
        catalog: The project's whole catalog.
        env: Kedro's environment; None means the project's default.
        runtime_params: Parameters of the command line.
        options: Those options of ``kedro run`` that say what it runs, as they are typed.
    """

    run_id: str
    pipeline_names: tuple[str, ...]
    project_path: Path
    only_missing_outputs: bool
    pipeline: Pipeline
    catalog: DataCatalog
    env: str | None = None
    runtime_params: Mapping[str, Any] = attrs.field(factory=dict)
    options: tuple[str, ...] = ()

    @classmethod
    def from_hook(cls, run_params: Mapping[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> KedroRun:
        """Read the arguments of ``before_pipeline_run``.

        Kedro 1.0-1.1 name one pipeline in ``pipeline_name``, 1.0-1.2 call the run's id ``session_id``.
        """
        name = run_params.get("pipeline_name")
        return cls(
            run_id=str(run_params.get("run_id") or run_params.get("session_id")),
            pipeline_names=tuple(run_params.get("pipeline_names") or ([name] if name else ["__default__"])),
            project_path=Path(run_params["project_path"]),
            only_missing_outputs=bool(run_params.get("only_missing_outputs")),
            pipeline=pipeline,
            catalog=catalog,
            env=run_params.get("env") or None,
            runtime_params=run_params.get("runtime_params") or {},
            options=run_options(run_params),
        )

    @property
    def written(self) -> frozenset[str]:
        """Names of the datasets that its nodes write."""
        return frozenset(self.pipeline.all_outputs())

    def parameters(self) -> dict[str, Any]:
        """Load the value of each parameter that its nodes read, by its path in the parameters files."""
        names = sorted(name for name in self.pipeline.inputs() if is_parameter(name))
        values: dict[str, Any] = {}
        for name in names:
            # Kedro tells of what it loads, which would read as a part of the user's run.
            with quiet("kedro", logging.WARNING):
                value = self.catalog.load(name)
            values.update(value if name == "parameters" else {name.removeprefix("params:"): value})
        return values

    def written_as(self, names: Iterable[str]) -> list[str]:
        """List the names under which its nodes write these datasets, transcoding suffix included, sorted."""
        datasets = {dataset_of(name) for name in names}
        return sorted(name for name in self.written if dataset_of(name) in datasets)

    def nodes_to_run(self) -> frozenset[Node]:
        """Return its nodes without those that Kedro will skip because their outputs exist; ask before they run."""
        if not self.only_missing_outputs:
            return frozenset(self.pipeline.nodes)
        # Only a runner knows, and it has no public way to ask; all runners know the same.
        with quiet("kedro", logging.WARNING):
            filtered = SequentialRunner()._filter_pipeline_for_missing_outputs(self.pipeline, self.catalog)  # noqa: SLF001 - see above
        return frozenset(filtered.nodes)
