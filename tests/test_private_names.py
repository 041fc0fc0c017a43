"""Each private name of others that the source uses is on its page, with a test that guards it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "kedro_autolog_pipeline"
PAGE = ROOT / "docs" / "reference" / "private-names.md"

DOCUMENTED = {"os._exit", "sys._getframe"}
"""Of Python, which documents them. A named tuple's ``_replace`` is documented, too."""

UNDOCUMENTED = (
    "kedro.framework.cli.utils",
    "kedro.framework.hooks.markers",
    "kedro.framework.hooks.specs",
    "kedro.validation",
    "mlflow.models.evaluation",
    "mlflow.models.model",
    "mlflow.protos",
    "mlflow.pyfunc.scoring_server",
    "mlflow.server",
    "mlflow.store",
    "mlflow.tracking.fluent",
    "mlflow.utils",
)
"""Modules that the documentation of Kedro and MLflow leaves out, with all that is in them."""


def is_private(name: str) -> bool:
    """Tell whether a name is private; the module of MLflow's last model has one that looks like Python's own."""
    return name == "__mlflow_model__" or (name.startswith("_") and not name.startswith("__") and name.strip("_") != "")


def run_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs: neither what only a type checker reads, nor the pieces of a formatted text."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        is_for_types = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if not is_for_types and not isinstance(child, ast.JoinedStr):
            yield from run_nodes(child)


def private_names(source: str) -> set[str]:
    """Find the private names of others in a module: as attributes, as texts that are only a name, and in imports."""
    nodes = list(run_nodes(ast.parse(source)))
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    own |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    # An attribute that the module's own classes declare or set.
    own |= {
        node.attr for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"self", "cls"}
    }
    found: set[str] = set()
    for node in nodes:
        match node:
            case ast.Attribute(value, attr) if ast.unparse(node) not in DOCUMENTED | {f"{ast.unparse(value)}._replace"}:
                found.add(attr)
            case ast.Constant(str(text)) if re.fullmatch(r"[\w.]+", text):
                found.update(text.split("."))
            case ast.Import(names):
                found.update(part for alias in names for part in alias.name.split("."))
            case ast.ImportFrom(module, names):
                found.update([*(module or "").split("."), *(alias.name for alias in names)])
    return {name for name in found - own if is_private(name)}


def undocumented_modules(source: str) -> set[str]:
    """Find the modules that are imported in a module, of those that the documentation leaves out."""
    found: set[str] = set()
    for node in run_nodes(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    known = [name for name in found if any(f"{name}.".startswith(f"{each}.") for each in UNDOCUMENTED)]
    # Of what is imported from a module, only modules are modules.
    return {name for name in known if name.rpartition(".")[0] not in known}


@attrs.frozen
class Row:
    """A line of the page.

    Attributes:
        name: What is private.
        files: Which files of the source use it.
        test: As pytest names it.
    """

    name: str
    files: set[str]
    test: str


def rows(heading: str, column: int) -> list[Row]:
    """Read a table of the page.

    Args:
        heading: The heading above it.
        column: Which of its columns has the files.
    """
    (part,) = (each for each in PAGE.read_text(encoding="utf-8").split("\n## ") if each.startswith(heading))
    cells = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| `")]
    return [Row(each[0].strip("`"), set(re.findall(r"`(.+?)`", each[column])), each[-1].strip("`")) for each in cells]


NAMES = rows("Names with an underscore", 2)
MODULES = rows("Modules that the documentation leaves out", 1)


@pytest.mark.parametrize(
    ("listed", "find"), [(NAMES, private_names), (MODULES, undocumented_modules)], ids=["names", "modules"]
)
def test_the_page_lists_each_private_name_where_it_is_used(listed: list[Row], find: Callable[[str], set[str]]) -> None:
    """A name that is new, that is used in another file, or that is gone makes a difference."""
    found: dict[str, set[str]] = {}
    for file in SOURCE.rglob("*.py"):
        for name in find(file.read_text(encoding="utf-8")):
            found.setdefault(name, set()).add(file.relative_to(SOURCE).as_posix())

    assert found == {row.name: row.files for row in listed}


@pytest.mark.parametrize("row", [*NAMES, *MODULES], ids=lambda row: row.name)
def test_each_private_name_has_its_test(row: Row) -> None:
    """The test that the page names is there."""
    path, _, test = row.test.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))

    assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("dataset._filepath", {"_filepath"}),
        ("getattr(dataset, '_fs', None)", {"_fs"}),
        ("dataset.__dict__", set()),
        ("class Own:\n    def read(self):\n        return self._own or other._own", set()),
        ("from mlflow._private import thing", {"_private"}),
        ("from mlflow import _thing", {"_thing"}),
        ("import mlflow._private", {"_private"}),
        ("if TYPE_CHECKING:\n    from hashlib import _Hash", set()),
        ("f'{name}_of_{other}'", set()),
        ("os._exit(1)", set()),
        ("parts._replace(query='')", set()),
    ],
)
def test_private_names_are_found(source: str, expected: set[str]) -> None:
    """However they are used; a module's own, a type checker's and those that Python documents are none."""
    assert expected == private_names(source)
