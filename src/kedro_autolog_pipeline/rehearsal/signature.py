"""Infer the signature of a model from one call of its pipeline."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from kedro_autolog_pipeline.loggers import quiet
from kedro_autolog_pipeline.rehearsal.parameter_specs import declare_parameters
from kedro_autolog_pipeline.serving.parameters import NamedParameter

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, Schema


@attrs.frozen
class InferredSignature:
    """A signature, and what it could not say.

    Attributes:
        signature: What MLflow enforces at predict time; None when nothing could be inferred.
        notes: What a user should know of its inputs, one sentence each.
        fixed_parameters: Names of the parameters that MLflow cannot type, which therefore keep their packaged value.
        column_types: Pandas' type of each column that MLflow passes on with another one, by the column's name, for the
            model to restore.
        output_notes: What a user should know of its outputs, one sentence each.
    """

    signature: ModelSignature | None
    notes: tuple[str, ...]
    fixed_parameters: tuple[str, ...]
    column_types: Mapping[str, str] = attrs.field(factory=dict)
    output_notes: tuple[str, ...] = ()


def infer_signature(
    sample: Any,
    output: Any,
    parameters: Iterable[NamedParameter],
    *,
    is_asked_for_null: bool = False,
) -> InferredSignature:
    """Infer the signature of a model from one call of it.

    It has inputs only where the model gets the sample as it is. A column that MLflow passes on as another of pandas'
    types, such as a category, is restored by the model. One that a type would change or refuse otherwise, or to whose
    integers a null belongs, is left open with MLflow's type "any". The others keep theirs. An integer column is
    declared as what it is: MLflow refuses floats, and so missing values, in its place, but it would refuse these very
    integers in a column declared as floats.

    Args:
        sample: What was given to the model; None when there is none.
        output: What the model returned for it; None when there is none.
        parameters: All that a caller of ``predict`` may name.
        is_asked_for_null: Whether the model is to be asked in which columns null may stand. Until then, a column to
            which a null belongs has its type when the sample has none there.
    """
    from mlflow.models import ModelSignature

    with quiet("mlflow"), warnings.catch_warnings():
        # MLflow advises to declare integer columns as floats, which is for the author of the pipeline to decide.
        warnings.simplefilter("ignore", UserWarning)
        params, fixed = _parameter_schema(parameters)
        column_types: dict[str, str] = {}
        inputs = _passing(_schema(sample), sample)
        nullable = nullable_columns(sample)
        if inputs is None or nullable:
            opened = [name for name in nullable if not is_asked_for_null or sample[name].hasnans]
            inputs, column_types = _schema_by_column(sample, opened)
        outputs, output_notes = _output_schema(output)
        notes = (
            [f"The signature has no inputs: {_why_no_inputs(sample)}"]
            if inputs is None
            else _open_columns(inputs, sample)
        )
    if inputs is not None and inputs.has_input_names() and not inputs.is_tensor_spec():
        inputs = _requiring_all_but((), inputs)
    if inputs is None and outputs is None and params is None:
        return InferredSignature(None, tuple(notes), fixed, output_notes=output_notes)
    # MLflow's own annotation of params leaves out None, its default.
    signature = ModelSignature(inputs=inputs, outputs=outputs, params=params)  # type: ignore[arg-type]  # see above
    return InferredSignature(signature, tuple(notes), fixed, column_types, output_notes)


def requiring_all_but(
    optional: Collection[str], signature: ModelSignature, nullable: Collection[str] = ()
) -> ModelSignature:
    """Return a signature of one table with these columns optional, and every other one required.

    Args:
        optional: Names of columns.
        signature: The signature.
        nullable: Names of columns that may hold no value: those of a type that would refuse null are left open.
    """
    from mlflow.models import ModelSignature

    return ModelSignature(
        inputs=_requiring_all_but(optional, signature.inputs, nullable),
        outputs=signature.outputs,
        params=signature.params,
    )


def opened_columns(signature: ModelSignature, sample: pd.DataFrame, nullable: Collection[str]) -> dict[str, str]:
    """Return pandas' type of each column of integers that is left open for null, by its name, for the model to restore.

    Args:
        signature: The signature before that.
        sample: What it was inferred from.
        nullable: Names of columns that may hold no value.
    """
    from mlflow.types import DataType

    # MLflow's type for anything has no hash.
    integers = (DataType.integer, DataType.long)
    kinds = {column.name: column.type for column in signature.inputs}
    return {name: str(sample[name].dtype) for name in sample.columns if name in nullable and kinds[name] in integers}


def can_be_example(data: Any, signature: ModelSignature | None) -> bool:
    """Tell whether MLflow can store ``data`` as an input example of a model with this signature."""
    from mlflow.models import convert_input_example_to_serving_input

    with quiet("mlflow"), warnings.catch_warnings():
        # What it deprecates is what MLflow calls.
        warnings.simplefilter("ignore")
        try:
            convert_input_example_to_serving_input(data)
            if signature is not None:
                _passed_on(signature, data)
        except Exception:  # noqa: BLE001 - MLflow, pandas and the data's own type raise whatever they meet
            return False
    return True


def _differ(value: Any, other: Any) -> str | None:
    # It imports pandas, which a run without data of a table does not need.
    from kedro_autolog_pipeline.rehearsal.comparison import first_difference

    return first_difference(value, other)


class _Echo:
    """Stands for a model: it returns what MLflow passes on to it."""

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any] | None]:
        return data, params


def _passed_on(signature: ModelSignature, data: Any, params: dict[str, Any] | None = None) -> Any:
    """Return what reaches a model that was stored with this signature: the data, and the parameters."""
    from mlflow.models import Model, ModelSignature
    from mlflow.pyfunc import FLAVOR_NAME, PyFuncModel

    model = Model(signature=ModelSignature.from_dict(signature.to_dict()))
    model.add_flavor(FLAVOR_NAME, loader_module=__name__)
    return PyFuncModel(model, _Echo()).predict(data, params)


def _schema_by_column(sample: Any, opened: Collection[str] = ()) -> tuple[Schema | None, dict[str, str]]:
    """Infer the schema of a table whose columns MLflow cannot carry all as they are.

    Args:
        sample: The table.
        opened: Names of columns that are left open.

    Returns:
        The schema, and pandas' type of each column that the model restores; None for what is no table of named columns,
        and where one of them is changed whatever its type is.
    """
    import pandas as pd
    from mlflow.types import Schema as TableSchema

    if not isinstance(sample, pd.DataFrame) or sample.columns.empty or not _has_plain_names(sample):
        return None, {}
    columns: list[Any] = []
    column_types: dict[str, str] = {}
    for name in sample.columns:
        column, kind = _column_schema(sample[[name]], is_opened=name in opened)
        columns.append(column)
        if kind is not None:
            column_types[name] = kind
    schema = TableSchema(columns)
    # Of a type of pandas' that has no name, such as Arrow's decimals, the values arrive anyway.
    values = _open_names(schema) - column_types.keys()
    passing = _passing(schema, sample, column_types, values)
    return passing, {} if passing is None else column_types


def _column_schema(column: pd.DataFrame, *, is_opened: bool) -> tuple[Any, str | None]:
    """Infer the schema of one column, and pandas' type of it where the model is to restore that."""
    from mlflow.types import ColSpec
    from mlflow.types import Schema as TableSchema

    (name,) = column.columns
    kind = str(column[name].dtype)
    opened = TableSchema([ColSpec(_any_type(), name)])
    typed = _schema(column)
    if typed is not None and not is_opened:
        # JSON has plain integers and booleans in the place of those to which a null belongs.
        for column_types in ({name: kind},) if nullable_columns(column) else ({}, {name: kind}):
            if _passing(typed, column, column_types) is not None:
                return typed.inputs[0], column_types.get(name)
    # JSON has texts and numbers in the place of what an open column holds.
    is_restored = kind != "object" and _passing(opened, column, {name: kind}) is not None
    return opened.inputs[0], kind if is_restored else None


def nullable_columns(sample: Any) -> list[str]:
    """Name the columns of a table of pandas' own integers and booleans, to which a missing value belongs."""
    import pandas as pd

    if not isinstance(sample, pd.DataFrame) or not _has_plain_names(sample):
        return []
    return [
        name
        for name, kind in sample.dtypes.items()
        if isinstance(kind, pd.api.extensions.ExtensionDtype)
        and kind.kind in "iub"
        and hasattr(kind, "na_value")
        and not isinstance(kind, pd.CategoricalDtype | pd.PeriodDtype | pd.IntervalDtype | pd.SparseDtype)
    ]


def _open_columns(schema: Schema, sample: Any) -> list[str]:
    """Say of which columns MLflow checks nothing."""
    if not schema.has_input_names() or schema.is_tensor_spec():
        return []
    names = _open_names(schema)
    opened = [f"'{name}' ({sample[name].dtype})" for name in sample.columns if name in names]
    return [f"The signature takes any value for {', '.join(opened)}: send what the pipeline reads."] if opened else []


def _open_names(schema: Schema) -> set[str]:
    """Return the names of the columns of MLflow's type "any"."""
    from mlflow.types.schema import AnyType

    return {str(column.name) for column in schema.inputs if isinstance(column.type, AnyType)}


def _passing(
    schema: Schema | None,
    sample: Any,
    column_types: Mapping[str, str] | None = None,
    values: Collection[str] = (),
) -> Schema | None:
    """Return a schema with which the model gets the sample as it is; None for every other.

    Args:
        schema: The schema; None passes nothing.
        sample: The sample.
        column_types: Pandas' type of each column that the model restores; None for none.
        values: Names of columns whose values count, and not their types.
    """
    from mlflow.models import ModelSignature

    if schema is None:
        return None
    # It imports pandas, which a run without data of a table does not need.
    from kedro_autolog_pipeline.serving.request import restored

    try:
        reached, _ = _passed_on(ModelSignature(inputs=schema), sample)
        reached = restored(reached, column_types or {})
        if values:
            reached, sample = (table.astype(dict.fromkeys(values, object)) for table in (reached, sample))
        return schema if _differ(sample, reached) is None else None
    except Exception:  # noqa: BLE001 - MLflow and pandas raise whatever they meet
        return None


def _why_no_inputs(sample: Any) -> str:
    """Say why, without a value of the sample, which may be personal: MLflow's own messages show it."""
    import pandas as pd

    if sample is None:
        return "the run held no data for its input."
    if not isinstance(sample, pd.DataFrame):
        return f"MLflow would refuse or change the data it was to describe ({type(sample).__name__})."
    if not _has_plain_names(sample):
        return "the names of its columns are not texts, each used once."
    refused = [
        f"'{name}' ({sample[name].dtype})" for name in sample.columns if _schema_by_column(sample[[name]])[0] is None
    ]
    return f"MLflow would refuse or change {', '.join(refused) or 'a table without columns'}."


def _output_schema(output: Any) -> tuple[Schema | None, tuple[str, ...]]:
    """Infer the schema of what the model returned, and say why there is none.

    MLflow writes a column's name that is no text, such as 0 or a tuple, into the schema as it is, and no answer in JSON
    has a column of that name.
    """
    schema = _schema(output)
    if schema is not None and all(isinstance(name, str) for name in schema.input_names() if schema.has_input_names()):
        return schema, ()
    return None, () if output is None else (f"The signature has no outputs: {_why_no_outputs(output)}",)


def _why_no_outputs(output: Any) -> str:
    """Say why, without a value of the output."""
    import pandas as pd

    odd: list[str] = []
    if isinstance(output, pd.DataFrame):
        if not _has_plain_names(output):
            return "the names of its columns are not texts, each used once."
        if output.columns.empty:
            return "MLflow cannot describe a table without columns."
        odd = [f"'{name}' ({output[name].dtype})" for name in output.columns if _schema(output[[name]]) is None]
    elif isinstance(output, Mapping):
        if not all(isinstance(key, str) for key in output):
            return "the keys of its dictionary are not texts."
        odd = [f"'{name}' ({_kind(part)})" for name, part in output.items() if _schema({name: part}) is None]
    elif _schema(output) is not None:
        return "the names in it are not texts."
    return f"MLflow cannot describe {', '.join(odd) or f'data of this type ({_kind(output)})'}."


def _kind(value: Any) -> str:
    """Name the type of a value with its library, and of a list that of its first item."""
    if isinstance(value, list) and value:
        return f"list of {_kind(value[0])}"
    library = type(value).__module__.partition(".")[0]
    name = type(value).__qualname__
    return name if library == "builtins" else f"{library}.{name}"


def _has_plain_names(table: pd.DataFrame) -> bool:
    return bool(table.columns.is_unique) and all(isinstance(name, str) for name in table.columns)


def _any_type() -> Any:
    """Make MLflow's type for any value, whose constructor has no annotations."""
    from mlflow.types.schema import AnyType

    make: Any = AnyType
    return make()


def _schema(data: Any) -> Schema | None:
    """Infer a schema; None when MLflow has none for this kind of data."""
    from mlflow.models import infer_signature as infer
    from mlflow.types.schema import AnyType

    if data is None:
        return None
    try:
        schema: Schema | None = infer(model_input=data).inputs
    except Exception:  # noqa: BLE001 - MLflow looks into the data, and raises whatever it meets there
        return None
    if schema is None or any(isinstance(kind, AnyType) for kind in schema.input_types()):
        # With a column of any type, MLflow passes on the first column alone.
        return None
    return schema


def _requiring_all_but(optional: Collection[str], schema: Schema, nullable: Collection[str] = ()) -> Schema:
    from mlflow.types import ColSpec, DataType
    from mlflow.types import Schema as TableSchema
    from mlflow.types.schema import AnyType

    # MLflow infers that a column is optional where a value is missing in it. Of a list or an object this is about
    # values indeed, of anything else about the column: a required one may hold missing values.
    return TableSchema(
        [
            ColSpec(
                _any_type() if column.name in nullable and _refuses_null(column.type) else column.type,  # type: ignore[arg-type]  # a tensor's type, which no table has
                column.name,
                required=column.name not in optional
                and (column.required or isinstance(column.type, DataType | AnyType)),
            )
            for column in schema.inputs
        ]
    )


def _refuses_null(kind: Any) -> bool:
    from mlflow.types import DataType

    # MLflow's type for anything has no hash.
    return kind in (DataType.boolean, DataType.integer, DataType.long)


def _parameter_schema(parameters: Iterable[NamedParameter]) -> tuple[ParamSchema | None, tuple[str, ...]]:
    """Infer the schema of the parameters, and name those that have none."""
    from mlflow.types import ParamSchema

    declared = declare_parameters(parameters)
    return (ParamSchema(list(declared.specs)) if declared.specs else None), declared.fixed


def type_name(spec: Any) -> str:
    """Return a type as MLflow shows it in a signature, without the name before it."""
    kind = getattr(spec, "type", None)
    if kind is None:
        kind = getattr(spec, "dtype", spec)
    return str(getattr(kind, "name", kind))
