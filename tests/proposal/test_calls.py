"""Tests of what is read in a function's source."""

from __future__ import annotations

from functools import partial
from typing import Any

import sklearn.model_selection
from sklearn import metrics
from sklearn.preprocessing import StandardScaler

from kedro_autolog_pipeline.proposal.calls import Action, find_calls, read_source


def scale(table: Any, scaler: Any) -> Any:
    """Apply."""
    return scaler.transform(table)


def fit_and_scale(table: Any) -> Any:
    """Fit and apply."""
    return StandardScaler().fit_transform(table)


def divide(table: Any) -> Any:
    """Split, by a name with dots."""
    return sklearn.model_selection.train_test_split(table)


def evaluate(models: dict[str, Any], table: Any, prepared: Any) -> Any:
    """Apply by a helper, ask a part of an input, and score."""
    expected = scale(scaler=prepared, table=table)
    return metrics.r2_score(expected, models["best"].predict(table))


def score_inside(model: Any, table: Any) -> Any:
    """Score by what the function imports itself."""
    from sklearn.metrics import accuracy_score as score

    return score(table["y"], model.predict_proba(table))


def average(table: Any) -> Any:
    """Use methods that are called as those of a model are."""
    return table.groupby("x").transform("mean").evaluate()


def recurse(model: Any, depth: int) -> Any:
    """Call itself."""
    return recurse(model, depth - 1) if depth else model.predict(depth)


def found(function: Any) -> list[tuple[Action, str | None]]:
    """Give what is found in a function."""
    source = read_source(function)
    assert source is not None
    return [(call.action, call.receiver) for call in find_calls(source)]


def test_methods_of_inputs_are_found() -> None:
    """What is fitted elsewhere is an input of the function."""
    assert [(Action.TRANSFORM, "scaler")] == found(scale)


def test_a_method_of_what_is_made_inside_has_no_receiver() -> None:
    """It is no input that is asked."""
    assert [(Action.FIT, None)] == found(fit_and_scale)


def test_functions_are_known_by_their_module() -> None:
    """However they are imported."""
    assert [(Action.SPLIT, None)] == found(divide)
    assert [(Action.EVALUATE, None), (Action.PREDICT, "model")] == found(score_inside)


def test_a_helper_of_the_project_counts_as_what_it_does() -> None:
    """Its receiver is the input that it is given."""
    assert [(Action.TRANSFORM, "prepared"), (Action.EVALUATE, None), (Action.PREDICT, "models")] == found(evaluate)


def test_methods_of_tables_are_no_models() -> None:
    """``transform`` is one of a table's groups too."""
    assert [] == found(average)


def test_a_function_that_calls_itself_is_read_once() -> None:
    """And the search ends."""
    assert [(Action.PREDICT, "model")] == found(recurse)


def test_a_line_is_that_of_the_file() -> None:
    """So that a user finds it."""
    source = read_source(scale)
    assert source is not None
    (call,) = find_calls(source)

    assert (scale.__code__.co_firstlineno + 2, "scaler.transform(table)") == (call.line, call.text)


def test_a_partial_is_read_and_a_lambda_is_not() -> None:
    """A lambda has no name that its line could be cut by."""
    assert [(Action.TRANSFORM, "scaler")] == found(partial(scale, scaler=None))
    assert read_source(lambda model: model.predict()) is None
    assert read_source(len) is None
