"""Plan what a fresh process tries to import beside the training, before there is a package."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
from kedro.pipeline.node import Node

from kedro_autolog_pipeline.dependencies.closure import find_closure
from kedro_autolog_pipeline.dependencies.requirements import list_requirements
from kedro_autolog_pipeline.dependencies.search import ShippedCode
from kedro_autolog_pipeline.dependencies.shipping import copy_code
from kedro_autolog_pipeline.importing.package_code import CODE_DIRECTORY
from kedro_autolog_pipeline.package.functions import stage_node
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.preflight.forecast import ExpectedInput, expect_environment
from kedro_autolog_pipeline.run.kedro_run import KedroRun

_MODEL = "kedro_autolog_pipeline.serving.model"


@attrs.frozen
class ImportCheck:
    """What must be importable where the model is deployed.

    Attributes:
        nodes: The inference pipeline's nodes, whose functions are to be imported.
        code: The code that will travel with the model, as far as it is known before the training.
        requirements: Lines of requirements.txt; None while the training may add to them, or Conda's are in their
            place: whatever is installed then counts as required.
    """

    nodes: tuple[Node, ...]
    code: tuple[ShippedCode, ...]
    requirements: tuple[str, ...] | None

    def stage(self, directory: Path, installed: Iterable[str]) -> dict[str, Any]:
        """Put all that a process without the project needs into a directory.

        Args:
            directory: An empty one.
            installed: Directories of installed distributions.

        Returns:
            What the process takes, as JSON has it: ``code``, the directory of the code; ``shipped``, the names of its
            modules; ``declared``, the names of distributions that may be imported from; ``functions``, of each what it
            is, its ``module:qualname`` or the path of its pickle, and whether it is a pickle.

        Raises:
            OSError: When code cannot be copied.
        """
        code = directory / CODE_DIRECTORY
        copy_code(self.code, code)
        declared = None if self.requirements is None else find_closure(self.requirements, installed)
        return {
            "code": str(code),
            "shipped": [entry.module for entry in self.code],
            "declared": None if declared is None else sorted(declared),
            "functions": [("the model itself", _MODEL, False), *self._functions(directory)],
        }

    def _functions(self, directory: Path) -> Iterator[tuple[str, str, bool]]:
        for index, node in enumerate(self.nodes):
            # What cannot be pickled is for packaging to tell, which pickles it again.
            with contextlib.suppress(Exception):
                entry = stage_node(node, index, directory)
                function = str(directory / entry.function) if entry.is_pickled else entry.function
                yield f"the function of node '{entry.name}', {entry.function}", function, entry.is_pickled


def plan_import_check(pair: Pair, artifacts: Collection[ExpectedInput], run: KedroRun) -> ImportCheck:
    """Find what the functions of a pair's inference pipeline will have where the model is deployed.

    What the trained artifacts need is found after the training, and a library may import it for a node: only a list
    of requirements that the user gives is held against the imports before.

    Args:
        pair: The pair.
        artifacts: Its trained and reference inputs.
        run: The run, before its first node.
    """
    found = expect_environment(pair, artifacts, run.catalog)
    environment = found.with_code_paths(pair.config.code_paths, run.project_path)
    fixed = pair.config.pip_requirements is not None and pair.config.conda_env is None
    lines = [entry.requirement for entry in list_requirements(pair.config, environment, run.project_path)]
    return ImportCheck(
        nodes=tuple(pair.inference.nodes),
        code=environment.code,
        requirements=tuple(lines) if fixed else None,
    )
