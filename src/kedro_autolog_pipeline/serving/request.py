"""Find the value of each request dataset in what a caller of ``predict`` gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kedro_autolog_pipeline.errors import PredictionError
from kedro_autolog_pipeline.serving.frames import Frame, FrameKind, as_pandas
from kedro_autolog_pipeline.serving.suggestions import suggest

_INTEGERS = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
"""NumPy's types that hold no missing value."""


def request_values(model_input: Any, names: Sequence[str], frames: Mapping[str, Frame]) -> dict[str, Any]:
    """Return the value of each request dataset, by its name, as the pipeline takes it.

    Args:
        model_input: The value where there is one dataset, else a dictionary by dataset name.
        names: Names of the request datasets.
        frames: Those that are tables. MLflow's server has no way to send several: it sends what JSON has, a dictionary
            of columns or a list of rows, and as NumPy objects. These become tables.

    Raises:
        PredictionError: When a dataset is not given, or something else is.
    """
    values = {names[0]: model_input} if len(names) == 1 else _by_name(model_input, names)
    for name, frame in frames.items():
        # A caller may give what the pipeline takes, where no signature stands before the model.
        table = values[name] if FrameKind.of(values[name]) is not None else _as_frame(name, values[name])
        if isinstance(table, pd.DataFrame):
            table = frame.from_pandas(restored(table, frame.column_types))
        values[name] = table
    return values


def answer(outputs: Mapping[str, Any], model_input: Any) -> dict[str, Any]:
    """Return what a pipeline has made of a request, with tables of pandas' where the caller did not send others.

    MLflow and its server carry those of pandas alone.

    Args:
        outputs: By dataset name.
        model_input: What the caller has sent.
    """
    kind = FrameKind.of(model_input)
    kinds = map(FrameKind.of, model_input.values()) if isinstance(model_input, dict) else [kind]
    if any(each is not None and each is not FrameKind.PANDAS for each in kinds):
        return dict(outputs)
    return {name: as_pandas(output) for name, output in outputs.items()}


def restored(table: Any, column_types: Mapping[str, str]) -> Any:
    """Give columns the types that they have in the project: MLflow and JSON know neither categories nor small integers.

    A column of integers becomes one of floats where a value is missing in it or is none, as pandas has it.

    Args:
        table: A DataFrame; anything else stays as it is.
        column_types: Pandas' type by the column's name; a column that the table does not have is left out.

    Raises:
        PredictionError: When a column's values have no form in its type.
    """
    if not isinstance(table, pd.DataFrame) or not column_types:
        return table
    present = {name: str(kind) for name, kind in table.dtypes.items()}
    others = {name: kind for name, kind in column_types.items() if present.get(name, kind) != kind}
    try:
        kinds = {name: _kind_for(table[name], kind) for name, kind in others.items()}
        # All at once: of a wide table, each column by itself would take a copy of the table.
        return table.astype(kinds) if others else table
    except (TypeError, ValueError, OverflowError) as error:
        name, kind = next(each for each in others.items() if not _fits(table[each[0]], each[1]))
        raise PredictionError(
            f"column '{name}' does not hold values of type {kind}.", f"Send values that pandas reads as {kind}."
        ) from error


def _kind_for(column: pd.Series[Any], kind: str) -> str:
    """Return the type that a column gets: another one than its own where NumPy's integers cannot hold its values."""
    if kind not in _INTEGERS:
        return kind
    numbers = column.astype("float64")
    return kind if numbers.mod(1).eq(0).all() else str(numbers.dtype)


def _fits(column: pd.Series[Any], kind: str) -> bool:
    try:
        column.astype(_kind_for(column, kind))
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _by_name(model_input: Any, names: Sequence[str]) -> dict[str, Any]:
    if not isinstance(model_input, Mapping):
        raise PredictionError(
            f"the model has {len(names)} inputs, and got one '{type(model_input).__name__}'.",
            f"Give a dictionary with the keys {_quoted(names)}.",
        )
    unknown = [name for name in model_input if name not in names]
    if unknown:
        raise PredictionError(f"the model has no input '{unknown[0]}'.", suggest(unknown[0], names))
    missing = [name for name in names if name not in model_input]
    if missing:
        raise PredictionError(
            f"the request does not give {_quoted(missing)}.", f"Give a dictionary with the keys {_quoted(names)}."
        )
    return dict(model_input)


def _as_frame(name: str, value: Any) -> Any:
    data = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(data, dict | list):
        return value
    if isinstance(data, dict):
        # A column arrives as an array, which may be one of objects.
        data = {column: np.asarray(cells).tolist() for column, cells in data.items()}
    try:
        return pd.DataFrame(data)
    except ValueError as error:
        raise PredictionError(
            f"'{name}' is a DataFrame, and its columns do not make one ({error}).",
            "Give a dictionary of columns of one length, or a list of rows.",
        ) from error


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
