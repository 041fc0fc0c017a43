"""Tests of packaging.signature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from kedro_autolog_pipeline.packaging.signature import infer_signature, take_sample

FRAME = pd.DataFrame({"x": [1, 2], "name": ["a", None]})
ANSWER = pd.DataFrame({"y": [0.5, 1.5]})


def test_inputs_outputs_and_parameters_are_inferred() -> None:
    """A signature has all three, and a column with missing values is optional."""
    inferred = infer_signature(FRAME, ANSWER, {"threshold": 0.5, "model": {"depth": 3}})

    assert inferred.signature is not None
    columns = inferred.signature.inputs.input_dict()
    assert {name: (str(column.type), column.required) for name, column in columns.items()} == {
        "x": ("DataType.long", True),
        "name": ("DataType.string", False),
    }
    assert inferred.signature.outputs.input_names() == ["y"]
    assert {param.name: param.default for param in inferred.signature.params} == {
        "threshold": 0.5,
        "model": {"depth": 3},
    }
    assert inferred.notes == ()
    assert inferred.fixed_parameters == ()


@pytest.mark.parametrize("value", [None, {}, [], [[1]], [{"a": 1}], [1, "a"]], ids=repr)
def test_a_parameter_that_mlflow_cannot_type_stays_fixed(value: Any) -> None:
    """One odd value costs neither the signature nor the other parameters."""
    inferred = infer_signature(FRAME, ANSWER, {"odd": value, "threshold": 0.5})

    assert inferred.signature is not None
    assert [param.name for param in inferred.signature.params] == ["threshold"]
    assert inferred.fixed_parameters == ("odd",)


@pytest.mark.parametrize(
    ("sample", "note"),
    [
        (None, "The signature has no inputs: the run held no data for its input."),
        ({"a": FRAME, "b": FRAME}, "The signature has no inputs: MLflow has no schema for dict."),
        (
            FRAME.assign(x=FRAME["x"].astype("uint64")),
            "The signature has no inputs: MLflow has no schema for DataFrame.",
        ),
    ],
    ids=["no sample", "several frames", "a type that MLflow does not know"],
)
def test_without_an_input_schema_the_rest_is_kept(sample: Any, note: str) -> None:
    """Where MLflow has no schema for the input, outputs and parameters are still declared, and the reason is told."""
    inferred = infer_signature(sample, ANSWER, {"threshold": 0.5})

    assert inferred.signature is not None
    assert inferred.signature.inputs is None
    assert inferred.signature.outputs is not None
    assert inferred.signature.params is not None
    assert inferred.notes == (note,)


def test_a_schema_that_refuses_its_own_sample_is_dropped() -> None:
    """MLflow types a categorical column as text and then refuses it."""
    inferred = infer_signature(FRAME.assign(name=pd.Categorical(["a", "b"])), ANSWER, {})

    assert inferred.signature is not None
    assert inferred.signature.inputs is None
    assert inferred.notes[0].startswith(
        "The signature has no inputs: MLflow would refuse the data it was inferred from"
    )


def test_nothing_to_say_is_no_signature() -> None:
    """Without input, output and parameters there is no signature."""
    assert infer_signature(None, None, {}).signature is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (list(range(9)), [0, 1, 2]),
        ((1, 2, 3, 4), (1, 2, 3)),
        ("a sentence", "a sentence"),
        ({"a": 1, "b": 2, "c": 3, "d": 4}, {"a": 1, "b": 2, "c": 3, "d": 4}),
        (7, 7),
    ],
    ids=["list", "tuple", "text", "dictionary", "number"],
)
def test_a_sample_is_the_first_rows_where_there_are_rows(data: Any, expected: Any) -> None:
    """Sequences are cut; what has no rows is taken whole."""
    assert expected == take_sample(data, 3)


def test_a_sample_of_a_table_or_an_array_is_its_first_rows() -> None:
    """Frames and arrays are cut at their first axis; an array without axes is taken whole."""
    frame = pd.DataFrame({"x": range(9)}, index=range(9, 18))
    pd.testing.assert_frame_equal(frame.iloc[:3], take_sample(frame, 3))
    np.testing.assert_array_equal(np.arange(6).reshape(3, 2), take_sample(np.arange(18).reshape(9, 2), 3))
    assert take_sample(np.float64(1.5), 3) == np.float64(1.5)
