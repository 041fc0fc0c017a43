"""Describe a table as MLflow describes datasets: by its digest, its schema and its size."""

from __future__ import annotations

import json
import sys
import warnings
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import attrs

from kedro_autolog_pipeline.datasets.sample import SAMPLE_ROWS
from kedro_autolog_pipeline.loggers import quiet

if TYPE_CHECKING:
    import pandas as pd

# As many rows as MLflow's own digests are made of.
_DIGEST_ROWS = 10_000

# Characters. MLflow takes 36.
_DIGEST_LENGTH = 16


@attrs.frozen
class TableFacts:
    """What MLflow shows of a table.

    Attributes:
        digest: The same for the same first 10,000 rows, number of rows, and names of columns.
        schema: Its columns and their types, as JSON of MLflow's; None where MLflow has no types for them.
        profile: Its size, as JSON.
    """

    digest: str
    schema: str | None
    profile: str


def describe_table(data: Any) -> TableFacts | None:
    """Describe a table that is in memory; a few of its rows are looked at, however large it is.

    MLflow's own digest takes forty times as long, for it asks each cell for its type.

    Args:
        data: Anything.

    Returns:
        None when it is no table of pandas or Polars, or has cells of which no digest can be made.
    """
    shape = getattr(data, "shape", None)
    rows = _first_rows(data)
    if rows is None or shape is None:
        return None
    import pandas as pd

    digest = sha256(json.dumps([*shape, *map(str, rows.columns)]).encode())
    try:
        digest.update(pd.util.hash_pandas_object(rows).to_numpy().tobytes())
    except TypeError:
        # A cell is a list, or another object without a hash.
        return None
    profile = {"num_rows": shape[0], "num_elements": shape[0] * shape[1]}
    return TableFacts(digest.hexdigest()[:_DIGEST_LENGTH], _schema(rows.head(SAMPLE_ROWS)), json.dumps(profile))


def _first_rows(data: Any) -> pd.DataFrame | None:
    """Return the rows that count, as pandas holds them; None of what is no table."""
    # A table of a library exists only where the library is imported.
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return data.head(_DIGEST_ROWS)
    if pandas is not None and polars is not None and isinstance(data, polars.DataFrame):
        first = data.head(_DIGEST_ROWS)
        return pandas.DataFrame({name: first[name].to_list() for name in first.columns})
    return None


def _schema(rows: pd.DataFrame) -> str | None:
    from mlflow.models import infer_signature

    with quiet("mlflow"), warnings.catch_warnings():
        # MLflow advises to declare integer columns as floats.
        warnings.simplefilter("ignore")
        schema = infer_signature(rows).inputs
    # MLflow describes a table that it has no types for as one unnamed value of any type.
    return json.dumps({"mlflow_colspec": schema.to_dict()}) if schema.has_input_names() else None
