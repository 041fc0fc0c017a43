"""The imports of a module are those that Python would execute."""

from __future__ import annotations

import ast
import gc
import textwrap

import pytest

from kedro_autolog_pipeline.dependencies.imports import Imports, read_imports


def _names(source: str, package: str = "penguins.pipelines") -> set[str]:
    return set(read_imports(textwrap.dedent(source).encode(), package).names)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import numpy", {"numpy"}),
        ("import numpy as np, scipy.stats", {"numpy", "scipy.stats"}),
        ("from sklearn import svm, tree as t", {"sklearn.svm", "sklearn.tree"}),
        ("from numpy import *", {"numpy.*"}),
        ("from . import nodes", {"penguins.pipelines.nodes"}),
        ("from .nodes import predict", {"penguins.pipelines.nodes.predict"}),
        ("from ..io import read", {"penguins.io.read"}),
        ("from ... import beyond", set()),
        ("x = 1", set()),
    ],
)
def test_import_statements(source: str, names: set[str]) -> None:
    """Each form of an import gives absolute names."""
    assert names == _names(source)


def test_relative_import_of_a_top_level_module() -> None:
    """A relative import where there is no package imports nothing."""
    assert set() == _names("from . import nodes", package="")


@pytest.mark.parametrize(
    "source",
    [
        "def predict():\n    import numpy",
        "async def predict():\n    import numpy",
        "class Model:\n    def predict(self):\n        import numpy",
        "try:\n    import numpy\nexcept ImportError:\n    pass",
        "try:\n    pass\nexcept ImportError:\n    import numpy",
        "try:\n    pass\nexcept ImportError:\n    pass\nelse:\n    import numpy",
        "try:\n    pass\nfinally:\n    import numpy",
        "if True:\n    pass\nelif False:\n    import numpy",
        "for _ in []:\n    pass\nelse:\n    import numpy",
        "while True:\n    import numpy",
        "with open('x'):\n    import numpy",
        "match 1:\n    case 1:\n        import numpy",
        "if __name__ == 'penguins':\n    import numpy",
        "if not __debug__:\n    import numpy",
    ],
)
def test_nested_statements(source: str) -> None:
    """An import counts wherever in the module it is."""
    assert {"numpy"} == _names(source)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("if TYPE_CHECKING:\n    import pandas\nelse:\n    import numpy", {"numpy"}),
        ("if typing.TYPE_CHECKING:\n    import pandas", set()),
        ("if not TYPE_CHECKING:\n    import numpy\nelse:\n    import pandas", {"numpy"}),
        ("if x:\n    pass\nelif TYPE_CHECKING:\n    import pandas\nelse:\n    import numpy", {"numpy"}),
        ("if __name__ == '__main__':\n    import typer", set()),
    ],
)
def test_what_is_never_executed(source: str, names: set[str]) -> None:
    """What only type checkers or the command line read does not count."""
    assert names == _names(source)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("importlib.import_module('numpy.linalg')", {"numpy.linalg"}),
        ("x = [import_module('numpy')]", {"numpy"}),
        ("__import__('numpy')", {"numpy"}),
        ("import_module('.nodes', __package__)", {"penguins.pipelines.nodes"}),
        ("import_module('.nodes', 'penguins')", {"penguins.nodes"}),
        ("import_module('..nodes', package='penguins.io')", {"penguins.nodes"}),
        ("import_module('...nodes')", set()),
        ("import_module(name)", set()),
        ("import_module()", set()),
        ("load('numpy', by=import_module)", set()),
    ],
)
def test_import_calls(source: str, names: set[str]) -> None:
    """A call that imports a module named in the source counts like a statement."""
    assert names == _names(source)


def test_lazy_attributes() -> None:
    """What a module's own ``__getattr__`` imports is kept apart; that of a class is not."""
    source = """
        import numpy

        def __getattr__(name):
            from penguins.training import train
            return importlib.import_module("lightgbm")

        class Lazy:
            def __getattr__(self, name):
                import pandas
    """
    imports = read_imports(textwrap.dedent(source).encode(), "penguins")
    assert {"numpy", "pandas"} == imports.names
    assert {"penguins.training.train", "lightgbm"} == imports.on_access


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import numpy\nfrom pandas import DataFrame", {"numpy", "pandas.DataFrame"}),
        ("class Scaler:\n    import numpy", {"numpy"}),
        ("with quiet():\n    import numpy", {"numpy"}),
        ("def fit():\n    import numpy", set()),
        ("try:\n    import numpy\nexcept ImportError:\n    import pandas", set()),
        ("if sys.platform == 'win32':\n    import numpy", set()),
        ("import_module('numpy')", set()),
    ],
)
def test_what_is_imported_whenever_the_module_is(source: str, names: set[str]) -> None:
    """An import that may not happen when the module is imported is no necessity."""
    assert names == read_imports(source.encode(), "penguins").at_import


@pytest.mark.parametrize(
    ("source", "exported"),
    [
        ("__all__ = ['nodes', 'pipeline']", {"nodes", "pipeline"}),
        ("__all__ = ('nodes', name)", {"nodes"}),
        ("__all__ = list(names)", set()),
        ("names = ['nodes']", set()),
    ],
)
def test_exported_names(source: str, exported: set[str]) -> None:
    """The names that a module lists for a star import are given."""
    assert exported == read_imports(source.encode(), "penguins").exported


@pytest.mark.parametrize("source", [b"print 'Python 2'", b"x = '\x00'", b"# coding: nonsense", b"\xff"])
def test_no_python(source: bytes) -> None:
    """What Python could not execute imports nothing."""
    assert Imports() == read_imports(source, "penguins")


def test_declared_encoding() -> None:
    """The encoding that a source declares is used."""
    source = "# coding: latin-1\nname = 'ä'\nimport numpy".encode("latin-1")
    assert {"numpy"} == read_imports(source, "").names


def test_invalid_escape() -> None:
    """Python's warnings about somebody's source do not surface."""
    assert {"numpy"} == _names(r"import numpy; pattern = '\d'")


@pytest.mark.parametrize("is_enabled", [True, False])
def test_nothing_collects_garbage_while_a_module_is_read(monkeypatch: pytest.MonkeyPatch, *, is_enabled: bool) -> None:
    """It goes on afterwards as it was, also after a source that is no Python."""
    enabled = []
    parse = ast.parse

    def note(source: bytes) -> ast.Module:
        enabled.append(gc.isenabled())
        return parse(source)

    before = gc.isenabled()
    (gc.enable if is_enabled else gc.disable)()
    try:
        # pytest parses the source of a test that fails.
        with monkeypatch.context() as patched:
            patched.setattr(ast, "parse", note)
            for source in (b"import numpy", b"import ("):
                read_imports.__wrapped__(source, "")
                enabled.append(gc.isenabled())
    finally:
        (gc.enable if before else gc.disable)()

    assert [False, is_enabled] * 2 == enabled
