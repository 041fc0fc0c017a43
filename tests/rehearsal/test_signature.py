"""Tests of ``rehearsal/signature.py``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kedro.pipeline import Pipeline, node
from mlflow.types import DataType

from kedro_autolog_pipeline.rehearsal.signature import (
    InferredSignature,
    can_be_example,
    infer_signature,
    requiring_all_but,
    type_name,
)
from kedro_autolog_pipeline.serving.parameters import Parameters, is_same

FRAME = pd.DataFrame({"x": [1, 2], "name": ["a", None]})
ANSWER = pd.DataFrame({"y": [0.5, 1.5]})


def inferred_from(sample: Any, output: Any = ANSWER, parameters: Mapping[str, Any] | None = None) -> InferredSignature:
    """Infer a signature, by default of a model without parameters."""
    values = {f"params:{name}": value for name, value in (parameters or {}).items()}
    pipeline = Pipeline([node(lambda *read: read, list(values), "y")] if values else [])
    return infer_signature(sample, output, Parameters(values, pipeline).named)


def required_columns(inferred: InferredSignature) -> dict[str, bool]:
    """Give whether each column is required."""
    assert inferred.signature is not None
    return {name: column.required for name, column in inferred.signature.inputs.input_dict().items()}


def test_inputs_outputs_and_parameters_are_inferred() -> None:
    """A signature has all three; a column is not optional because a value is missing in it."""
    inferred = inferred_from(FRAME, parameters={"threshold": 0.5, "model": {"depth": 3}})

    assert inferred.signature is not None
    columns = inferred.signature.inputs.input_dict()
    assert {name: (str(column.type), column.required) for name, column in columns.items()} == {
        "x": ("DataType.long", True),
        "name": ("DataType.string", True),
    }
    assert inferred.signature.outputs.input_names() == ["y"]
    assert {param.name: param.default for param in inferred.signature.params} == {
        "threshold": 0.5,
        "model": {"depth": 3},
        "model.depth": 3,
    }
    assert inferred.notes == ()
    assert inferred.fixed_parameters == ()


def test_a_column_that_the_pipeline_does_without_is_optional_and_stays_in_the_schema() -> None:
    """What was found when the model was asked changes nothing but that."""
    signature = inferred_from(FRAME, parameters={"threshold": 0.5}).signature
    assert signature is not None

    changed = requiring_all_but(["name"], signature)

    assert {"x": True, "name": False} == {column.name: column.required for column in changed.inputs}
    assert (signature.outputs, signature.params) == (changed.outputs, changed.params)


def test_a_list_that_may_be_missing_stays_optional() -> None:
    """MLflow refuses a missing list in a required column, unlike a missing text or number."""
    inferred = inferred_from(FRAME.assign(tags=[["a"], None]))

    assert required_columns(inferred) == {"x": True, "name": True, "tags": False}


@pytest.mark.parametrize("value", [None, {}, [], [[1]], [{"a": 1}], [1, "a"], 2**70], ids=repr)
def test_a_parameter_that_mlflow_cannot_type_stays_fixed(value: Any) -> None:
    """One odd value costs neither the signature nor the other parameters."""
    inferred = inferred_from(FRAME, parameters={"odd": value, "threshold": 0.5})

    assert inferred.signature is not None
    assert [param.name for param in inferred.signature.params] == ["threshold"]
    assert inferred.fixed_parameters == ("odd",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=JSON)
def test_no_parameter_fails_the_signature(value: Any) -> None:
    """A parameter of any value has a type whose stored default is that value, or is fixed."""
    inferred = inferred_from(None, None, {"p": value})

    if inferred.fixed_parameters == ():
        assert inferred.signature is not None
        stored = type(inferred.signature).from_dict(inferred.signature.to_dict())
        (default,) = (param.default for param in stored.params if param.name == "p")
        assert is_same(value, default)


@pytest.mark.parametrize(
    "odd",
    [
        pd.Series([0, 1], dtype="datetime64[ns, UTC]"),
        pd.Series([1, 2], dtype="timedelta64[ns]"),
        [Decimal("1.5"), Decimal(2)],
        [{"a": 1}, [2]],
    ],
    ids=lambda odd: f"{getattr(odd, 'dtype', odd)}",
)
def test_a_column_that_mlflow_cannot_carry_costs_only_itself(odd: Any) -> None:
    """It takes any value, the others keep their types, and one note says so."""
    sample = FRAME.assign(odd=odd)
    inferred = inferred_from(sample)

    assert inferred.signature is not None
    columns = inferred.signature.inputs.input_dict()
    assert {"x": "long", "name": "string", "odd": "Any"} == {
        name: getattr(column.type, "name", "Any") for name, column in columns.items()
    }
    assert all(column.required for column in columns.values())
    (note,) = inferred.notes
    assert f"The signature takes any value for 'odd' ({sample['odd'].dtype}): send what the pipeline reads." == note


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_are_times_whatever_their_unit(unit: str) -> None:
    """MLflow passes them on in nanoseconds, which say the same."""
    sample = FRAME.assign(when=pd.Series(["2024-01-01", "2025-01-01"], dtype=f"datetime64[{unit}]"))
    inferred = inferred_from(sample)

    assert inferred.signature is not None
    assert DataType.datetime is inferred.signature.inputs.input_dict()["when"].type
    assert () == inferred.notes


@pytest.mark.parametrize(
    ("values", "kind", "restored"),
    [
        (FRAME["x"].astype("int16"), "integer", "int16"),
        (FRAME["x"].astype("uint32"), "long", "uint32"),
        (FRAME["x"].astype("float16"), "float", "float16"),
        (FRAME["x"].astype("uint64"), None, "uint64"),
        # A null belongs to these, whether there is one among the rows or not.
        (pd.array([1, None], dtype="Int64"), None, "Int64"),
        (pd.array([1, 2], dtype="Int8"), None, "Int8"),
        (pd.array([True, None], dtype="boolean"), None, "boolean"),
        (pd.array([1, None], dtype="int64[pyarrow]"), None, "int64[pyarrow]"),
        (pd.array([1.5, None], dtype="Float64"), "double", "Float64"),
        (pd.Categorical(["a", "b"]), None, "category"),
        (pd.Categorical([1, 2]), None, "category"),
        (pd.date_range("2024-01-01", periods=2, tz="Europe/Berlin", unit="us"), None, "datetime64[us, Europe/Berlin]"),
        (pd.period_range("2024-01", periods=2, freq="M"), None, "period[M]"),
        (pd.to_timedelta([1, 2], unit="s").as_unit("ns"), None, "timedelta64[ns]"),
        # What has no name that pandas knows arrives by its values.
        (pd.array([Decimal("1.5"), None], dtype=pd.ArrowDtype(pa.decimal128(5, 2))), None, None),
        ([Decimal("1.5"), Decimal(2)], None, None),
        ([[1], ["a"]], None, None),
    ],
    ids=lambda value: str(getattr(value, "dtype", value)),
)
def test_a_column_of_any_kind_costs_only_itself(values: Any, kind: str | None, restored: str | None) -> None:
    """It has a type, or is open, and the model makes of it what the run held; its neighbours keep their types."""
    inferred = inferred_from(FRAME.assign(odd=values))

    assert inferred.signature is not None
    columns = inferred.signature.inputs.input_dict()
    assert {"x": DataType.long, "name": DataType.string} == {name: columns[name].type for name in ("x", "name")}
    assert kind == getattr(columns["odd"].type, "name", None)
    assert ({} if restored is None else {"odd": restored}) == inferred.column_types
    assert (kind is None) == bool(inferred.notes)


@pytest.mark.parametrize(
    ("sample", "cause"),
    [
        (None, "the run held no data for its input."),
        (FRAME[[]], "MLflow would refuse or change a table without columns."),
        (FRAME[["x", "x"]], "the names of its columns are not texts, each used once."),
        (
            FRAME.set_axis(pd.MultiIndex.from_tuples([("a", "x"), ("a", "name")]), axis="columns"),
            "the names of its columns are not texts, each used once.",
        ),
        (FRAME["x"], "MLflow would refuse or change the data it was to describe (Series)."),
        ({"a": FRAME, "b": FRAME}, "MLflow would refuse or change the data it was to describe (dict)."),
        ([{"x": 1}, {"x": 2}], "MLflow would refuse or change the data it was to describe (list)."),
        ("a text", "MLflow would refuse or change the data it was to describe (str)."),
    ],
    ids=lambda value: None if not isinstance(value, str) else value[-25:],
)
def test_without_an_input_schema_the_rest_is_kept(sample: Any, cause: str, caplog: pytest.LogCaptureFixture) -> None:
    """Where MLflow would not pass the sample on as it is, there are outputs and parameters, and a reason."""
    logging.getLogger("mlflow").addHandler(caplog.handler)
    inferred = inferred_from(sample, parameters={"threshold": 0.5})
    logging.getLogger("mlflow").removeHandler(caplog.handler)

    assert inferred.signature is not None
    assert inferred.signature.inputs is None
    assert inferred.signature.outputs is not None
    assert inferred.signature.params is not None
    assert inferred.notes == (f"The signature has no inputs: {cause}",)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        (
            ANSWER.assign(wait=pd.to_timedelta([1, 2], unit="s").as_unit("ns")),
            "MLflow cannot describe 'wait' (timedelta64[ns]).",
        ),
        (
            ANSWER.assign(month=pd.period_range("2024-01", periods=2, freq="M")),
            "MLflow cannot describe 'month' (period[M]).",
        ),
        (pd.DataFrame(np.eye(2)), "the names of its columns are not texts, each used once."),
        (
            pd.DataFrame(np.eye(2), columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])),
            "the names of its columns are not texts, each used once.",
        ),
        (ANSWER[[]], "MLflow cannot describe a table without columns."),
        (ANSWER["y"].rename(0), "the names in it are not texts."),
        ([{0: 1.5}, {0: 2.5}], "the names in it are not texts."),
        ({0: [1.5], 1: [2.5]}, "the keys of its dictionary are not texts."),
        ({"scores": ANSWER, "count": 2}, "MLflow cannot describe 'scores' (pandas.DataFrame)."),
        ([Fraction(1, 2), Fraction(1, 3)], "MLflow cannot describe data of this type (list of fractions.Fraction)."),
        (Fraction(1, 2), "MLflow cannot describe data of this type (fractions.Fraction)."),
        (pl.DataFrame({"y": [0.5]}), "MLflow cannot describe data of this type (polars.DataFrame)."),
    ],
    ids=lambda value: value[-30:] if isinstance(value, str) else type(value).__name__,
)
def test_an_output_that_mlflow_cannot_describe_is_named(output: Any, cause: str) -> None:
    """There is no schema with made-up names, and a note says what MLflow has no type for."""
    inferred = inferred_from(FRAME, output)

    assert inferred.signature is not None
    assert inferred.signature.outputs is None
    assert (f"The signature has no outputs: {cause}",) == inferred.output_notes
    assert () == inferred.notes


@pytest.mark.parametrize(
    "output", [ANSWER, ANSWER["y"], ANSWER["y"].rename(None), np.eye(2), [1.5, 2.5], {"y": [1.5]}, "a text"], ids=repr
)
def test_an_output_that_mlflow_describes_needs_no_note(output: Any) -> None:
    """Tables, series, arrays, lists and dictionaries have a schema."""
    inferred = inferred_from(FRAME, output)

    assert inferred.signature is not None
    assert inferred.signature.outputs is not None
    assert () == inferred.output_notes


def test_nothing_to_say_is_no_signature() -> None:
    """Without input, output and parameters there is no signature."""
    assert inferred_from(None, None).signature is None


def test_what_mlflow_can_store_and_the_signature_accepts_can_be_an_example() -> None:
    """An example has to be data that can be written as JSON, and that the model takes."""
    signature = inferred_from(FRAME).signature

    assert can_be_example(FRAME, signature)
    assert can_be_example(np.eye(2), None)
    assert not can_be_example(FRAME[["name"]], signature)
    assert not can_be_example(object(), None)


def test_a_column_to_which_a_null_belongs_has_its_type_until_the_model_is_asked() -> None:
    """Where the sample has a null there, or nobody asks, MLflow must not refuse one."""
    table = pd.DataFrame({"a": pd.array([1, 2], dtype="Int64"), "b": pd.array([True, None], dtype="boolean")})

    asked = infer_signature(table, None, [], is_asked_for_null=True)
    unasked = infer_signature(table, None, [])

    assert {"a": "Int64", "b": "boolean"} == asked.column_types == unasked.column_types
    assert asked.signature is not None
    assert unasked.signature is not None
    assert ["long", "Any"] == [type_name(column) for column in asked.signature.inputs]
    assert ["Any", "Any"] == [type_name(column) for column in unasked.signature.inputs]
