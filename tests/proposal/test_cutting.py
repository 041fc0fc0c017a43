"""Tests of cutting the prediction out of an evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, r2_score

from kedro_autolog_pipeline.proposal.calls import Action, find_calls, read_source
from kedro_autolog_pipeline.proposal.cutting import Cut, cut_prediction

TARGET = "y"


def straight(model: Any, test: pd.DataFrame, threshold: float) -> Any:
    """Predict in three steps."""
    rows = test.drop(columns=TARGET)
    rows.columns = [name.lower() for name in rows.columns]
    expected = test[TARGET]
    predicted = (model.predict_proba(rows)[:, 1] > threshold).astype(int)
    return accuracy_score(expected, predicted)


def inline(model: Any, test: pd.DataFrame, y_test: Any) -> float:
    """Predict where it is scored."""
    return float(r2_score(y_test, np.exp(model.predict(test))))


def residuals(model: Any, test: pd.DataFrame, y_test: Any) -> float:
    """Use the label beside the prediction."""
    errors = y_test - model.predict(test)
    return float(np.abs(errors).mean())


def looped(model: Any, test: pd.DataFrame, columns: list[str]) -> float:
    """Prepare the rows in a loop."""
    rows = test.copy()
    for column in columns:
        rows[column] = rows[column].fillna(0)
    return float(accuracy_score(test[TARGET], model.predict(rows)))


def conditional(model: Any, test: pd.DataFrame) -> Any:
    """Predict in a branch."""
    if len(test):
        return accuracy_score(test[TARGET], model.predict(test))
    return None


def cut(function: Any, *data: str) -> Cut | None:
    """Cut the prediction out of a function."""
    source = read_source(function)
    assert source is not None
    call = next(call for call in find_calls(source) if call.action is Action.PREDICT)
    return cut_prediction(source, call, data)


def test_what_the_prediction_needs_comes_along() -> None:
    """The label does not."""
    found = cut(straight, "test")

    assert found is not None
    assert ("model: Any", "test: pd.DataFrame", "threshold: float") == found.parameters
    assert (
        "rows = test.drop(columns=TARGET)",
        "rows.columns = [name.lower() for name in rows.columns]",
        "return (model.predict_proba(rows)[:, 1] > threshold).astype(int)",
    ) == found.body
    assert (
        f"from {__name__} import TARGET",
        "from typing import Any",
        "import pandas as pd",
    ) == found.imports


def test_what_is_made_of_the_prediction_comes_along() -> None:
    """As far as it does not evaluate."""
    found = cut(inline, "test", "y_test")

    assert found is not None
    assert (("model", "test"), ("return np.exp(model.predict(test))",)) == (found.names, found.body)


def test_other_rows_stay_behind() -> None:
    """A difference from the label is no prediction."""
    found = cut(residuals, "test", "y_test")

    assert found is not None
    assert ("return model.predict(test)",) == found.body


def test_a_loop_or_a_branch_is_left_to_the_user() -> None:
    """Which of its statements are needed cannot be told by reading them."""
    assert cut(looped, "test") is None
    assert cut(conditional, "test") is None
