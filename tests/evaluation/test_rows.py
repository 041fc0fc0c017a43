"""Tests of the rows that a model is evaluated on, and of where its answer to them is."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset

from kedro_autolog_pipeline.config.schema import EvaluateConfig, ModelType
from kedro_autolog_pipeline.errors import EvaluationError
from kedro_autolog_pipeline.evaluation.rows import Rows, find_predictions, load_rows

CONFIG = EvaluateConfig("rows", "label", ModelType.REGRESSOR)
TABLE = pd.DataFrame({"x": [1, 2], "label": [3, 4]}, index=[7, 9])
ROWS = Rows("rows", TABLE, "label")


def catalog(**data: Any) -> DataCatalog:
    """Give a catalog of data in memory."""
    return DataCatalog({name: MemoryDataset(value) for name, value in data.items()})


def test_a_target_may_be_a_column() -> None:
    """The request is the rest."""
    rows = load_rows("prices", CONFIG, catalog(rows=TABLE))

    assert ("label", ["x"]) == (rows.target, list(rows.request.columns))


@pytest.mark.parametrize(
    "targets", [[3, 4], np.array([3, 4]), pd.Series([3, 4]), pd.DataFrame({"any": [3, 4]})], ids=type
)
def test_a_target_may_be_a_dataset_of_the_same_length(targets: Any) -> None:
    """It is known by the position of its values, whatever its index."""
    rows = load_rows("prices", attrs.evolve(CONFIG, targets="truth"), catalog(rows=TABLE[["x"]], truth=targets))

    assert [3, 4] == list(rows.table["truth"])
    assert ["x"] == list(rows.request.columns)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"rows": [1, 2]}, "'rows' loads as 'list'. Name a dataset that loads as a DataFrame of pandas."),
        ({"rows": TABLE.rename(columns={"label": "lable"})}, "nor a dataset. Did you mean 'lable'?"),
        ({"rows": TABLE[["x"]], "label": [1]}, "'label' holds 1 values, and 'rows' 2 rows."),
        ({"rows": TABLE[["x"]], "label": TABLE}, "'label' holds 'DataFrame', which is no column, and 'rows' 2 rows."),
        ({}, "'rows', which evaluate.data names, cannot be loaded"),
    ],
    ids=["no table", "no target", "too short", "no column", "absent"],
)
def test_rows_that_do_not_fit_are_refused(data: dict[str, Any], message: str) -> None:
    """The error says what they are, and what to do."""
    with pytest.raises(EvaluationError) as raised:
        load_rows("prices", CONFIG, catalog(**data))

    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("output", "named"),
    [
        ([5, 6], None),
        (np.array([5, 6]), None),
        (pd.Series([5, 6]), None),
        (pd.DataFrame({"any": [5, 6]}), None),
        (pd.DataFrame({"label": [5, 6], "score": [0, 1]}), None),
        (pd.DataFrame({"x": [1, 2], "price": [5, 6]}), None),
        (pd.DataFrame({"low": [0, 1], "price": [5, 6]}), "price"),
        ({"bounds": pd.DataFrame({"low": [0, 1]}), "price": pd.Series([5, 6])}, "price"),
        ({"bounds": pd.DataFrame({"low": [0, 1]}), "prices": pd.DataFrame({"price": [5, 6]})}, "price"),
    ],
    ids=["list", "array", "series", "one column", "target", "one new", "named", "output", "column of output"],
)
def test_the_answer_is_found(output: Any, named: str | None) -> None:
    """It is the only column, that of the target, the only new one, or what is named."""
    assert [5, 6] == list(find_predictions("prices", output, ROWS, attrs.evolve(CONFIG, predictions=named)))


@pytest.mark.parametrize(
    ("output", "named", "message"),
    [
        (pd.DataFrame({"a": [5, 6], "b": [5, 6]}), None, "its answer has 2 columns. Name that of the prediction in "),
        (pd.DataFrame({"a": [5, 6], "prize": [5, 6]}), "price", "has no 'price', and has 2 columns."),
        ({"a": [5, 6], "b": [5, 6]}, None, "it has several outputs ('a', 'b'). Name that of the prediction"),
        ([5], None, "it answers 2 rows with 1 values. Have it give one value for each row."),
        (5, None, "it answers 2 rows with 'int'."),
    ],
    ids=["columns", "misspelt", "outputs", "too short", "scalar"],
)
def test_an_answer_that_is_not_found_is_told(output: Any, named: str | None, message: str) -> None:
    """The error names what there is, and the key."""
    with pytest.raises(EvaluationError) as raised:
        find_predictions("prices", output, ROWS, attrs.evolve(CONFIG, predictions=named))

    assert message in str(raised.value)
