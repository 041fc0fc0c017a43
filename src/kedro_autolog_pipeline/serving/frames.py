"""Turn tables of other libraries into pandas', as MLflow carries them, and back."""

from __future__ import annotations

import base64
import importlib
import sys
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import attrs

from kedro_autolog_pipeline.errors import PredictionError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class FrameKind(Enum):
    """A type of table that a pipeline takes, by its importable name."""

    PANDAS = "pandas.DataFrame"
    POLARS = "polars.DataFrame"
    POLARS_LAZY = "polars.LazyFrame"
    ARROW = "pyarrow.Table"

    @property
    def module(self) -> str:
        """The library."""
        return self.value.partition(".")[0]

    @classmethod
    def of(cls, data: Any) -> FrameKind | None:
        """Return what kind of table data is; None when it is none of them."""
        of_class = type(data)
        try:
            return _KINDS[of_class]
        except KeyError:
            kind = next((each for each in cls if _is_a(of_class, each.value)), None)
            _KINDS[of_class] = kind
            return kind


# Each call of a model looks up the kinds of what it gets and gives: a look-up is a tenth of finding out. A class of a
# model's code is forgotten with the model.
_KINDS: WeakKeyDictionary[type, FrameKind | None] = WeakKeyDictionary()

# Of what is no table, whether pandas can hold it and does not yet.
_IS_COLUMN: WeakKeyDictionary[type, bool] = WeakKeyDictionary()

_COLUMN = "polars.Series"


def _is_column(of_class: type) -> bool:
    try:
        return _IS_COLUMN[of_class]
    except KeyError:
        _IS_COLUMN[of_class] = _is_a(of_class, _COLUMN)
        return _IS_COLUMN[of_class]


def _is_a(of_class: type, name: str) -> bool:
    # A class of a library, or one derived from it, exists only where the library is imported.
    module, _, class_name = name.partition(".")
    library = sys.modules.get(module)
    return library is not None and issubclass(of_class, getattr(library, class_name, ()))


@attrs.frozen
class Frame:
    """A table among the inputs of a pipeline.

    Attributes:
        kind: What the pipeline takes.
        column_types: Pandas' type of each column that MLflow or JSON gives another one, by the column's name.
        schema: Arrow's schema of it, serialised, in Base64; None for a table of pandas'.
    """

    kind: FrameKind = FrameKind.PANDAS
    column_types: Mapping[str, str] = attrs.field(factory=dict)
    schema: str | None = None

    @classmethod
    def of(cls, data: Any, column_types: Mapping[str, str]) -> Frame | None:
        """Describe a table; None for data that is none, or that pandas cannot hold.

        Args:
            data: The data.
            column_types: As of the attribute.
        """
        kind = FrameKind.of(data)
        if kind is None or FrameKind.of(as_pandas(data)) is not FrameKind.PANDAS:
            return None
        schema = None if kind is FrameKind.PANDAS else _as_text(_arrow(data, kind).schema)
        return cls(kind, column_types, schema)

    def to_state(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"kind": self.kind.value, "column_types": dict(self.column_types), "schema": self.schema}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Frame:
        """Take up what ``to_state`` gave."""
        return cls(FrameKind(state["kind"]), state["column_types"], state["schema"])

    def from_pandas(self, table: pd.DataFrame) -> Any:
        """Turn a table of pandas' into what the pipeline takes.

        Columns get the types that they had when the model was packaged. A column that is new gets the type that Arrow
        infers.

        Raises:
            PredictionError: When a column's values have no form in its type.
        """
        if self.schema is None:
            return table
        pa = _library(FrameKind.ARROW)
        known = _from_text(self.schema)
        columns, fields = [], []
        for name in table.columns:
            field = known.field(name) if name in known.names else None
            kind = None if field is None else field.type
            try:
                columns.append(pa.array(table[name], type=kind, from_pandas=True))
            except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
                raise PredictionError(
                    f"column '{name}' does not hold values of type {kind}.", f"Send values that Arrow reads as {kind}."
                ) from error
            # A field says more than its type: Polars' enumerations have their values there.
            fields.append(pa.field(str(name), columns[-1].type) if field is None else field)
        arrow = pa.table(columns, schema=pa.schema(fields))
        if self.kind is FrameKind.ARROW:
            return arrow
        frame = _library(self.kind).from_arrow(arrow)
        return frame.lazy() if self.kind is FrameKind.POLARS_LAZY else frame


def as_pandas(data: Any) -> Any:
    """Turn a table, or a column of Polars', into pandas'; anything else, or what pandas cannot hold, stays as it is."""
    kind = FrameKind.of(data)
    if kind is FrameKind.PANDAS or (kind is None and not _is_column(type(data))):
        return data
    try:
        if kind is FrameKind.ARROW:
            # As the others do: MLflow has no type for a date.
            return data.to_pandas(date_as_object=False)
        return (data.collect() if kind is FrameKind.POLARS_LAZY else data).to_pandas()
    except Exception:  # noqa: BLE001 - each library raises whatever it meets in the data
        return data


def _library(kind: FrameKind) -> Any:
    """Import a library without a statement, which the search for requirements would find and pin for every model."""
    return importlib.import_module(kind.module)


def _arrow(data: Any, kind: FrameKind) -> pa.Table:
    if kind is FrameKind.ARROW:
        return data
    return (data.collect() if kind is FrameKind.POLARS_LAZY else data).to_arrow()


def _as_text(schema: pa.Schema) -> str:
    # What pandas left there is about a table that is not stored.
    return base64.b64encode(schema.remove_metadata().serialize()).decode("ascii")


def _from_text(text: str) -> pa.Schema:
    pa = _library(FrameKind.ARROW)
    return pa.ipc.read_schema(pa.BufferReader(base64.b64decode(text)))
