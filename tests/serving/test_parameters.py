"""Tests of serving.parameters: what a caller's params make of the packaged parameters."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.errors import PredictionError
from kedro_autolog_pipeline.serving.parameters import Parameters, typed_parameters
from kedro_project import KEDRO_VERSION

VALUES: dict[str, Any] = {
    "parameters": {"model": {"depth": 3, "rate": 0.1}, "threshold": 0.5, "weights": {}, "unset": None},
    "params:model": {"depth": 3, "rate": 0.1},
    "params:model.depth": 3,
    "params:threshold": 0.5,
}


def reading(*names: str) -> Parameters:
    """Give the parameters of a pipeline that reads these."""
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
