"""Tests of what importing this package costs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import kedro_autolog_pipeline

pytestmark = pytest.mark.process

HEAVY = ["mlflow", "pandas", "sklearn", "numpy", "cattrs", "cloudpickle"]

IMPORT = """
import importlib, json, sys
from importlib.metadata import entry_points

{statement}
print(json.dumps([name for name in json.loads(sys.argv[1]) if name in sys.modules]))
"""


@pytest.mark.parametrize(
    "statement",
    [
        "import kedro_autolog_pipeline",
        "[point.load() for point in entry_points(group='kedro.hooks', name='kedro-autolog-pipeline')][0]",
        "[point.load() for point in entry_points(group='kedro.project_commands', name='kedro-autolog-pipeline')][0]",
    ],
    ids=["package", "hook", "command line"],
)
def test_importing_us_imports_nothing_heavy(statement: str) -> None:
    """The package and its entry points leave mlflow, pandas and the like out of the process."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT.format(statement=statement), json.dumps(HEAVY)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_every_library_that_is_imported_is_declared() -> None:
    """What another library happens to bring along today need not come with its next version."""
    tomllib = pytest.importorskip("tomllib", reason="Python has it since 3.11.")
    provided = packages_distributions()
    imported = {
        name.partition(".")[0]
        for file in Path(kedro_autolog_pipeline.__file__).parent.rglob("*.py")
        for name in _imported(ast.parse(file.read_text(encoding="utf-8")))
    }
    libraries = imported - set(sys.stdlib_module_names) - {"kedro_autolog_pipeline"}
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}

    undeclared = {name for name in libraries if declared.isdisjoint(map(canonicalize_name, provided[name]))}

    assert {"git", "yaml", "pandas"} <= libraries
    assert set() == undeclared


def _imported(tree: ast.AST) -> Iterator[str]:
    """Name what a syntax tree imports, but for what only type checkers do."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.module
        yield from _imported(node)


def test_a_model_leaves_the_logging_of_its_process_alone() -> None:
    """Kedro's framework sets up logging when it is imported: a process that serves a model does not import it."""
    statement = "import kedro_autolog_pipeline.serving.model"
    done = subprocess.run(
        [sys.executable, "-c", IMPORT.format(statement=statement), json.dumps(["kedro.framework.project"])],
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == []


def test_public_names_are_imported_when_they_are_asked_for() -> None:
    """The hook and the model class are at the top of the package; anything else is an AttributeError."""
    assert kedro_autolog_pipeline.AutologPipelineHook.__module__ == "kedro_autolog_pipeline.hooks"
    assert kedro_autolog_pipeline.KedroPipelineModel.__module__ == "kedro_autolog_pipeline.by_hand"
    assert kedro_autolog_pipeline.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = kedro_autolog_pipeline.nothing
