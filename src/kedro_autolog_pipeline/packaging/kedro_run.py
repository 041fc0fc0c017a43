"""What Kedro tells its hooks of a run comes in, one value that is the same for every Kedro 1.x goes out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from kedro.io import DataCatalog
from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline


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
    """

    run_id: str
    pipeline_names: tuple[str, ...]
    project_path: Path
    only_missing_outputs: bool
    pipeline: Pipeline
    catalog: DataCatalog

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
        )

    @property
    def written(self) -> frozenset[str]:
        """Names of the datasets that its nodes write."""
        return frozenset(self.pipeline.all_outputs())

    def parameters(self) -> dict[str, Any]:
        """Give the value of each parameter that its nodes read, by its path in the parameters files."""
        names = sorted(name for name in self.pipeline.inputs() if is_parameter(name))
        values: dict[str, Any] = {}
        for name in names:
            value = self.catalog.load(name)
            values.update(value if name == "parameters" else {name.removeprefix("params:"): value})
        return values

    def leaves_out(self, training: Pipeline) -> bool:
        """Tell whether Kedro will skip nodes of ``training`` because their outputs exist; asked before they run."""
        kept = [name for name in training.all_outputs() if name in self.catalog]
        return self.only_missing_outputs and any(self.catalog.exists(name) for name in kept)
