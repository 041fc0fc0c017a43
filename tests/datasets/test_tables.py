"""Tests of datasets.tables."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from mlflow.data.pandas_dataset import from_pandas

from kedro_autolog_pipeline.datasets.tables import describe_table

TABLE = pd.DataFrame({"x": [1, 2], "label": ["a", None]})


@pytest.mark.filterwarnings("ignore")
def test_a_table_has_the_schema_and_size_that_mlflow_gives_it() -> None:
    """MLflow's pages show them as those of any other dataset."""
    facts = describe_table(TABLE)

    assert facts is not None
    dataset = from_pandas(TABLE, source="data.csv").to_dict()
    assert (dataset["schema"], dataset["profile"]) == (facts.schema, facts.profile)


@pytest.mark.parametrize(
    "other",
    [
        TABLE.assign(x=[1, 3]),
        TABLE.rename(columns={"x": "y"}),
        pd.concat([TABLE, TABLE]),
        pd.DataFrame({"x": range(20_000)}).head(19_999),
    ],
    ids=["a value", "a name", "more rows", "rows beyond those that are looked at"],
)
def test_another_table_has_another_digest(other: pd.DataFrame) -> None:
    """The same one has the same."""
    base = pd.DataFrame({"x": range(20_000)}) if len(other) > len(TABLE) * 2 else TABLE
    digests = [facts.digest for facts in map(describe_table, (base, base.copy(), other)) if facts is not None]

    assert 3 == len(digests)
    assert digests[0] == digests[1] != digests[2]


def test_a_table_of_polars_is_described_as_one_of_pandas() -> None:
    """With the same digest, for it holds the same."""
    assert describe_table(pd.DataFrame({"x": [1, 2]})) == describe_table(pl.DataFrame({"x": [1, 2]}))


@pytest.mark.parametrize("data", [{"x": 1}, [1, 2], np.zeros((2, 2)), pd.Series([1]), pd.DataFrame({"x": [[1], [2]]})])
def test_what_is_no_plain_table_is_not_described(data: Any) -> None:
    """Nor is one whose cells have no hash."""
    assert describe_table(data) is None


def test_a_table_that_mlflow_has_no_types_for_has_no_schema() -> None:
    """It has its digest and its size."""
    facts = describe_table(pd.DataFrame({"x": pd.period_range("2026-01", periods=3, freq="M")}))

    assert facts is not None
    assert facts.schema is None
    assert {"num_rows": 3, "num_elements": 3} == json.loads(facts.profile)
