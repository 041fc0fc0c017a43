"""Tests of package.functions."""

from __future__ import annotations

import json
import pickle
from functools import partial, wraps
from pathlib import Path
from typing import Any

from kedro.pipeline import node

from kedro_autolog_pipeline.package.functions import import_path, stage_node


def double(value: int) -> int:
    """Stand for a node's function."""
    return 2 * value


def nothing() -> int:
    """Stand for a function that reads nothing."""
    return 0


def decorator(function: Any) -> Any:
    """Stand for a decorator that keeps its function's name."""

    @wraps(function)
    def wrapper(*values: Any) -> Any:
        return function(*values)

    return wrapper


@decorator
def decorated(value: int) -> int:
    """Stand for a decorated function."""
    return value


class Scaler:
    """Stand for a class whose methods are nodes."""

    def scale(self, value: int) -> int:
        """Scale."""
        return value

    @classmethod
    def make(cls, value: int) -> int:
        """Make."""
        return value

    @staticmethod
    def plain(value: int) -> int:
        """Do it plainly."""
        return value

    def __call__(self, value: int) -> int:
        """Scale as well."""
        return value


def test_what_importing_gives_back_is_named_by_its_import_path() -> None:
    """Functions, decorated ones, class and static methods, and classes themselves have an import path."""
    assert import_path(json.dumps) == "json:dumps"
    assert import_path(double) == f"{__name__}:double"
    assert import_path(decorated) == f"{__name__}:decorated"
    assert import_path(Scaler.make) == f"{__name__}:Scaler.make"
    assert import_path(Scaler.plain) == f"{__name__}:Scaler.plain"
    assert import_path(len) == "builtins:len"


def test_what_importing_cannot_give_back_has_no_import_path() -> None:
    """A lambda, a closure, a partial, an instance's method, a callable object, a notebook's function have none."""

    def closure(value: int) -> int:
        return value

    notebooks = partial(double)
    notebooks.__module__ = "__main__"
    assert import_path(lambda value: value) is None
    assert import_path(closure) is None
    assert import_path(partial(double)) is None
    assert import_path(Scaler().scale) is None
    assert import_path(Scaler()) is None
    assert import_path(notebooks) is None


def test_a_node_keeps_the_form_of_its_inputs_and_outputs(tmp_path: Path) -> None:
    """None, one name, several by position and several by argument are described as the author wrote them."""
    forms: list[tuple[Any, Any]] = [
        ("a", "b"),
        (["a"], ["b"]),
        ({"value": "a"}, {"key": "b"}),
        ("a", None),
        (None, "b"),
    ]

    for inputs, outputs in forms:
        function = double if inputs else nothing
        entry = stage_node(node(function, inputs, outputs, name="n"), 0, tmp_path)

        assert (inputs, outputs) == (entry.inputs, entry.outputs)
        assert not entry.is_pickled
    assert list(tmp_path.iterdir()) == []


def test_a_function_without_import_path_is_kept_as_a_pickle_of_its_own(tmp_path: Path) -> None:
    """The package keeps a lambda itself, and nothing else of its module."""
    entry = stage_node(node(lambda value: value + 1, "a", "b", name="n"), 3, tmp_path)

    assert entry.is_pickled
    assert entry.function == "functions/3.pkl"
    assert pickle.loads((tmp_path / entry.function).read_bytes())(1) == 2


def test_a_pickled_function_does_not_tell_where_its_source_was(tmp_path: Path) -> None:
    """Neither its own code nor that of a function inside names a directory of this machine."""
    offset = 2

    def outer(value: int) -> int:
        return max([value, 0], key=lambda inner: inner + offset) + offset

    entry = stage_node(node(outer, "a", "b", name="n"), 0, tmp_path)

    content = (tmp_path / entry.function).read_bytes()
    assert str(Path(__file__).parent).encode() not in content
    assert pickle.loads(content)(1) == 3
