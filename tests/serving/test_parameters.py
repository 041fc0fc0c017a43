"""Tests of serving.parameters: what a caller's params make of the packaged parameters."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as tried
from hypothesis import strategies as st
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.errors import PredictionError
from kedro_autolog_pipeline.serving.parameters import Parameters, is_same, typed_parameters, without_types
from kedro_project import KEDRO_VERSION

VALUES: dict[str, Any] = {
    "parameters": {"model": {"depth": 3, "rate": 0.1}, "threshold": 0.5, "weights": {}, "unset": None},
    "params:model": {"depth": 3, "rate": 0.1},
    "params:model.depth": 3,
    "params:threshold": 0.5,
}


def reading(*names: str) -> Parameters:
    """Return the parameters of a pipeline that reads these."""
    pipeline = Pipeline([node(lambda *values: values, ["x", *names], "y")])
    return Parameters({name: VALUES[name] for name in names}, pipeline)


@pytest.mark.parametrize(
    "params",
    [{"model.depth": 4}, {"model": {"depth": 4}}, {"parameters": {"model": {"depth": 4}}}],
    ids=["path", "dictionary", "all"],
)
def test_an_override_is_seen_by_whatever_reads_it(params: dict[str, Any]) -> None:
    """However a caller names a value, every dataset that holds it has it, and its neighbours are kept."""
    given = copy.deepcopy(params)

    overrides = reading(*VALUES).overrides(params)

    assert overrides == {
        "params:model.depth": 4,
        "params:model": {"depth": 4, "rate": 0.1},
        "parameters": {**VALUES["parameters"], "model": {"depth": 4, "rate": 0.1}},
    }
    assert given == params
    assert 3 == VALUES["parameters"]["model"]["depth"]


def test_a_dictionary_reaches_a_node_that_reads_a_part_of_it() -> None:
    """Where no node reads the whole, its parts are found, and a part that nobody reads is told."""
    parameters = reading("params:model.depth")

    assert {"params:model.depth": 4} == parameters.overrides({"model": {"depth": 4}})
    with pytest.raises(PredictionError) as raised:
        parameters.overrides({"model": {"dept": 4}})
    assert str(raised.value) == (
        "Cannot predict: no node of the pipeline reads a parameter 'model.dept'. Did you mean 'model.depth'?"
    )


def test_what_mlflow_fills_in_changes_nothing() -> None:
    """MLflow gives every parameter of the signature: those that have their packaged value do not undo the others."""
    filled = {
        "parameters": VALUES["parameters"],
        "model": {"depth": 5, "rate": 0.1},
        "model.depth": 3,
        "threshold": 0.5,
    }

    overrides = reading(*VALUES).overrides(filled)

    assert {"depth": 5, "rate": 0.1} == overrides["params:model"]
    assert 5 == overrides["params:model.depth"]
    assert "params:threshold" not in overrides
    assert {} == reading(*VALUES).overrides({"model.depth": 3, "threshold": 0.5})


def test_the_longer_path_counts() -> None:
    """Of two that contradict each other, the one that names the value itself wins."""
    for params in ({"model": {"depth": 4}, "model.depth": 5}, {"model.depth": 5, "model": {"depth": 4}}):
        assert 5 == reading(*VALUES).overrides(params)["params:model"]["depth"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"treshold": 0.7}, "no node of the pipeline reads a parameter 'treshold'. Did you mean 'threshold'?"),
        ({"model": {"dpth": 1}}, "no node of the pipeline reads a parameter 'model.dpth'. Did you mean 'model.depth'?"),
        ({"threshold": "0.7"}, "the parameter 'threshold' is a number, and got 'str'. Give a number."),
        ({"threshold": True}, "the parameter 'threshold' is a number, and got 'bool'. Give a number."),
        ({"threshold": None}, "the parameter 'threshold' is a number, and got 'NoneType'. Give a number."),
        ({"model.depth": 4.5}, "the parameter 'model.depth' is an integer, and got 'float'. Give an integer."),
        ({"model": 4}, "the parameter 'model' is a dictionary, and got 'int'. Give a dictionary."),
        ({"parameters": 4}, "the parameter 'parameters' is a dictionary, and got 'int'. Give a dictionary."),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_told(params: dict[str, Any], message: str) -> None:
    """A name that no node reads and a value of another type are errors, with the nearest name or the right type."""
    names = [name for name in VALUES if name != "parameters"] if "treshold" in params else list(VALUES)

    with pytest.raises(PredictionError) as raised:
        reading(*names).overrides(params)
    assert str(raised.value) == f"Cannot predict: {message}"


def test_a_part_of_what_is_no_dictionary_is_told() -> None:
    """A scalar for a dictionary of which only parts are read names the dictionary."""
    with pytest.raises(PredictionError, match="the parameter 'model' is a dictionary, and got 'int'"):
        reading("params:model.depth").overrides({"model": 4})


@pytest.mark.parametrize(
    "params",
    [
        {"threshold": 1},
        {"threshold": np.float64(0.7)},
        {"model.depth": np.int64(4)},
        {"weights": {"new": 1.0}},
        {"unset": "anything"},
        {"unset": np.array([1, 2])},
    ],
    ids=repr,
)
def test_what_fits_is_taken(params: dict[str, Any]) -> None:
    """An integer is a float, NumPy's numbers are numbers, and null and an empty dictionary say nothing of theirs."""
    assert {"parameters"} <= reading(*VALUES).overrides(params).keys()


@pytest.mark.parametrize(
    ("packaged", "given"),
    [([1, 2], (3,)), ([1, 2], np.array([3])), ([1, 2], np.array([3, 4])), (False, True), ("a", "b")],
)
def test_every_kind_of_plain_value_can_be_replaced(packaged: Any, given: Any) -> None:
    """Lists, booleans and strings are replaced by their like."""
    parameters = Parameters({"params:p": packaged}, Pipeline([node(lambda x, p: (x, p), ["x", "params:p"], "y")]))

    overrides = parameters.overrides({"p": given})

    assert given is overrides["params:p"]


@dataclass
class Options:
    """Typed parameters.

    Attributes:
        depth: One that the project sets.
        rate: One that it leaves alone.
    """

    depth: int
    rate: float = 0.1


def _typed(x: int, options: Options) -> Any:
    return x, options


@pytest.mark.skipif(KEDRO_VERSION < (1, 3), reason="This Kedro has no typed parameters.")
def test_a_typed_parameter_is_made_anew() -> None:
    """A dataclass is made of the packaged values and the caller's, and judges keys and types itself."""
    pipeline = Pipeline([node(_typed, ["x", "params:options"], "y")])
    parameters = Parameters({"params:options": {"depth": 3}}, pipeline)

    assert {"params:options": Options(3)} == parameters.packaged
    assert parameters.packaged == typed_parameters({"params:options": {"depth": 3}}, pipeline)
    assert {"params:options": Options(4)} == parameters.overrides({"options.depth": 4})
    assert {"params:options": Options(3, 0.2)} == parameters.overrides({"options": {"rate": 0.2}})
    with pytest.raises(PredictionError, match=r"(?s)a parameter does not fit its type\..*unexpected keyword"):
        parameters.overrides({"options": {"speed": 1}})


def of_one(value: Any, name: str = "params:p") -> Parameters:
    """Return the parameters of a pipeline that reads one."""
    return Parameters({name: value}, Pipeline([node(lambda x, p: (x, p), ["x", name], "y")]))


SCALARS = st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=3)
VALUE = SCALARS | st.lists(SCALARS, max_size=3)
# A key with dots, one that is a number, an empty one.
KEYS = st.sampled_from(["a", "b", "a.b", "", 1, 2.5, "c"])
NESTED = st.recursive(VALUE, lambda inner: st.dictionaries(KEYS, inner, min_size=1, max_size=4), max_leaves=10)


def like(value: Any) -> Any:
    """Return a strategy for another value of the same kind."""
    if isinstance(value, list):
        return st.lists(SCALARS, max_size=3)
    kinds: dict[type, Any] = {bool: st.booleans(), int: st.integers(-9, 9), str: st.text(max_size=3)}
    return kinds.get(type(value), st.floats(allow_nan=False))


def put(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a nested dictionary with another value at a path."""
    return {**tree, path[0]: put(tree[path[0]], path[1:], value)} if path else value


def only(path: tuple[Any, ...], value: Any) -> Any:
    """Return a nested dictionary with nothing but a value at a path."""
    return {path[0]: only(path[1:], value)} if path else value


@tried(value=st.dictionaries(KEYS, NESTED, min_size=1, max_size=4), data=st.data(), is_filled=st.booleans())
def test_any_part_is_changed_by_its_path_or_with_a_dictionary(
    *, value: Any, data: st.DataObject, is_filled: bool
) -> None:
    """Whatever parts are given, by path or below one, nodes read the packaged values merged with them."""
    parameters = of_one(value)
    leaves = [each for each in parameters.named if not isinstance(each.value, dict)]
    chosen = data.draw(st.lists(st.sampled_from(leaves), unique_by=lambda each: each.name, max_size=4))
    expected, params = value, {}
    for leaf in chosen:
        new = data.draw(like(leaf.value))
        expected = put(expected, leaf.path[1:], new)
        above = [
            each for each in parameters.named if each.path == leaf.path[: len(each.path)] and each.name not in params
        ]
        given = data.draw(st.sampled_from(above))
        params[given.name] = only(leaf.path[len(given.path) :], new)
    filled = {each.name: each.value for each in parameters.named} if is_filled else {}

    overrides = parameters.overrides({**filled, **params})

    assert is_same(expected, overrides.get("params:p", value))


def test_a_name_is_looked_up_before_its_dots_are_a_path() -> None:
    """Of a key with dots and a nested one that would have its name, the key as it stands has it."""
    parameters = of_one({"a.b": 1, "a": {"b": 2, "c": 3}})

    assert {"params:p": {"a.b": 7, "a": {"b": 2, "c": 3}}} == parameters.overrides({"p.a.b": 7})
    assert {"params:p": {"a.b": 1, "a": {"b": 7, "c": 3}}} == parameters.overrides({"p": {"a": {"b": 7}}})
    assert ["p", "p.a.b", "p.a", "p.a.c"] == [each.name for each in parameters.named]


def test_a_key_with_dots_is_one_for_all_that_read_it() -> None:
    """A node that reads a value by its own name and one that reads the dictionary see the same change."""
    pipeline = Pipeline([node(lambda *values: values, ["x", "params:p", "params:p.a.b"], "y")])
    parameters = Parameters({"params:p": {"a.b": 1}, "params:p.a.b": 1}, pipeline)

    assert {"params:p": {"a.b": 7}, "params:p.a.b": 7} == parameters.overrides({"p.a.b": 7})


def test_a_key_that_is_no_text_is_known_by_its_text() -> None:
    """JSON has no other keys."""
    for given in ({"p.1": "z"}, {"p": {"1": "z"}}, {"p": {1: "z"}}):
        assert {"params:p": {1: "z", 2: "b"}} == of_one({1: "a", 2: "b"}).overrides(given)


def test_a_namespace_is_a_part_of_the_path() -> None:
    """Parameters of a namespaced pipeline are named with it."""
    parameters = of_one({"scale": 1.0}, "params:north.opts")

    assert {"params:north.opts": {"scale": 2.0}} == parameters.overrides({"north.opts.scale": 2.0})
    assert {"params:north.opts": {"scale": 2.0}} == parameters.overrides({"north": {"opts": {"scale": 2.0}}})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (math.nan, math.nan, True),
        ([1, math.nan], np.array([1.0, math.nan]), True),
        ({"a": [math.nan]}, {"a": [math.nan]}, True),
        ((1, 2), [1, 2], True),
        (1, True, False),
        (1, 1.0, True),
        ([1], [1, 2], False),
        ({"a": 1}, {"b": 1}, False),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}), False),
    ],
    ids=repr,
)
def test_values_are_compared_as_they_come_back_from_mlflow(one: Any, other: Any, *, same: bool) -> None:
    """Lists may come back as arrays or of floats, and not-a-number is itself."""
    assert same is is_same(one, other)


@dataclass
class Model:
    """Typed parameters within others."""

    options: Options
    name: str = "m"


@pytest.mark.skipif(KEDRO_VERSION < (1, 3), reason="This Kedro has no typed parameters.")
def test_what_a_type_has_defaults_for_may_be_named() -> None:
    """The default of a field that the project leaves alone is a parameter, and equals itself."""
    pipeline = Pipeline([node(_typed, ["x", "params:options"], "y")])
    parameters = Parameters({"params:options": {"depth": 3}}, pipeline)

    assert {"options": {"depth": 3, "rate": 0.1}, "options.depth": 3, "options.rate": 0.1} == {
        each.name: each.value for each in parameters.named
    }
    assert {} == parameters.overrides({"options": {"depth": 3, "rate": 0.1}, "options.rate": 0.1})
    assert {"params:options": Options(3, 0.2)} == parameters.overrides({"options.rate": 0.2, "options.depth": 3})


@pytest.mark.skipif(KEDRO_VERSION < (1, 3), reason="This Kedro has no typed parameters.")
def test_a_pydantic_parameter_is_named_by_the_keys_that_make_it() -> None:
    """An alias is the key of a parameters file, and what a model computes is none."""
    pydantic = pytest.importorskip("pydantic")
    settings = pydantic.create_model(
        "Settings", rate=(float, pydantic.Field(0.1, alias="learning-rate")), depth=(int, ...)
    )

    def fit(x: int, settings: Any) -> Any:
        return x, settings

    fit.__annotations__["settings"] = settings
    parameters = Parameters({"params:s": {"depth": 3}}, Pipeline([node(fit, ["x", "params:s"], "y")]))

    assert {"learning-rate": 0.1, "depth": 3} == without_types(parameters.packaged["params:s"])
    changed = parameters.overrides({"s.learning-rate": 0.5})["params:s"]
    assert (0.5, 3) == (changed.rate, changed.depth)


def test_types_are_left_out_at_any_depth() -> None:
    """Only what makes a value anew is kept of it, and a class is no value."""
    assert {"options": {"depth": 3, "rate": 0.1}, "name": "m"} == without_types(Model(Options(3)))
    assert {"a": [{"depth": 3, "rate": 0.1}], "b": Options} == without_types({"a": [Options(3)], "b": Options})
