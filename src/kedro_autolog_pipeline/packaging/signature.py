"""A sample, the parameters and the output come in, the model's signature goes out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from mlflow.models import ModelSignature
    from mlflow.types import Schema

SAMPLE_ROWS = 100
"""Rows of the request data that packaging looks at: enough for every category of a usual table to appear, few enough
to cost nothing."""


@attrs.frozen
class InferredSignature:
    """A signature, and what it could not say.

    Attributes:
        signature: What MLflow enforces at predict time; None when nothing could be inferred.
        notes: What a user should know of it, one sentence each.
        fixed_parameters: Names of the parameters that MLflow cannot type, which therefore keep their packaged value.
    """

    signature: ModelSignature | None
    notes: tuple[str, ...]
    fixed_parameters: tuple[str, ...]


def take_sample(data: Any, rows: int = SAMPLE_ROWS) -> Any:
    """Give the first rows of request data; data that has no rows is given whole."""
    if hasattr(data, "head") and callable(data.head):
        return data.head(rows)
    if isinstance(data, (list, tuple)) or (hasattr(data, "shape") and getattr(data, "ndim", 0) > 0):
        return data[:rows]
    return data


def infer_signature(sample: Any, output: Any, parameters: Mapping[str, Any]) -> InferredSignature:
    """Infer the signature of a model from one call of it.

    Args:
        sample: What was given to the model; None when there is none.
        output: What the model returned for it; None when there is none.
        parameters: Default value by parameter name, as a caller of ``predict`` names it.
    """
    from mlflow.models import ModelSignature

    schema, fixed = _parameter_schema(parameters)
    inputs, reason = _input_schema(sample)
    outputs = _schema(output)
    notes = [] if reason is None else [f"The signature has no inputs: {reason}"]
    if inputs is None and outputs is None and schema is None:
        return InferredSignature(None, tuple(notes), fixed)
    return InferredSignature(ModelSignature(inputs=inputs, outputs=outputs, params=schema), tuple(notes), fixed)


def _input_schema(sample: Any) -> tuple[Schema | None, str | None]:
    from mlflow.exceptions import MlflowException
    from mlflow.models import validate_schema

    if sample is None:
        return None, "the run held no data for its input."
    schema = _schema(sample)
    if schema is None:
        return None, f"MLflow has no schema for {type(sample).__name__}."
    try:
        validate_schema(sample, schema)
    except MlflowException as error:
        return None, f"MLflow would refuse the data it was inferred from ({error.message})."
    return schema, None


def _schema(data: Any) -> Schema | None:
    """Infer a schema; None when MLflow has none for this kind of data."""
    from mlflow.exceptions import MlflowException
    from mlflow.models import infer_signature as infer
    from mlflow.types.schema import AnyType

    if data is None:
        return None
    with warnings.catch_warnings():
        # MLflow advises to declare integer columns as floats, which is for the author of the pipeline to decide.
        warnings.simplefilter("ignore", UserWarning)
        try:
            schema: Schema | None = infer(model_input=data).inputs
        except MlflowException:
            return None
    if schema is None or any(isinstance(kind, AnyType) for kind in schema.input_types()):
        # With a column of any type, MLflow passes on the first column alone.
        return None
    return schema


def _parameter_schema(parameters: Mapping[str, Any]) -> tuple[Any, tuple[str, ...]]:
    from mlflow.exceptions import MlflowException
    from mlflow.models import infer_signature as infer
    from mlflow.types.schema import ParamSchema

    specs, fixed = [], []
    for name, value in sorted(parameters.items()):
        try:
            # An empty list would be typed as dates.
            inferred = None if value == [] else infer(params={name: value}).params
        except MlflowException:
            inferred = None
        if inferred is None:
            fixed.append(name)
        else:
            specs += inferred.params
    return (ParamSchema(specs) if specs else None), tuple(fixed)
