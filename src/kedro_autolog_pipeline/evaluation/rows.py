"""Load the rows that a model is evaluated on, and find its answer to them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from kedro_autolog_pipeline.config.schema import EvaluateConfig
from kedro_autolog_pipeline.errors import EvaluationError
from kedro_autolog_pipeline.loggers import quiet
from kedro_autolog_pipeline.serving.suggestions import suggest

if TYPE_CHECKING:
    import pandas as pd
    from kedro.io import DataCatalog


@attrs.frozen(eq=False)
class Rows:
    """Rows with what a model should answer to them.

    Attributes:
        name: The dataset that they are from.
        table: The columns of a request, and the target.
        target: The column of ``table`` that holds what the model should answer.
    """

    name: str
    table: pd.DataFrame
    target: str

    @property
    def request(self) -> pd.DataFrame:
        """The rows as a request has them."""
        return self.table.drop(columns=self.target)


def load_rows(model: str, config: EvaluateConfig, catalog: DataCatalog) -> Rows:
    """Load the rows and their targets.

    Args:
        model: The logged model's name, for errors.
        config: What the user asks for.
        catalog: The catalog of the run.

    Raises:
        EvaluationError: When they cannot be loaded, are no table, or do not fit each other.
    """
    import pandas as pd

    data = _load(model, "evaluate.data", config.data, catalog)
    if not isinstance(data, pd.DataFrame):
        cause = f"'{config.data}' loads as '{type(data).__name__}'. Name a dataset that loads as a DataFrame of pandas."
        raise EvaluationError(model, cause)
    if config.targets in data.columns:
        return Rows(config.data, data, config.targets)
    if config.targets not in catalog:
        names = [str(column) for column in data.columns]
        cause = (
            f"'{config.targets}', which evaluate.targets names, is neither a column of '{config.data}' nor a dataset. "
            f"{suggest(config.targets, names, 'Its columns')}"
        )
        raise EvaluationError(model, cause)
    targets = _load(model, "evaluate.targets", config.targets, catalog)
    if isinstance(targets, pd.DataFrame) and targets.shape[1] == 1:
        targets = targets.iloc[:, 0]
    values = targets.to_numpy() if isinstance(targets, (pd.Series, pd.Index)) else targets
    size = len(values) if hasattr(values, "__len__") and getattr(values, "ndim", 1) == 1 else None
    if size != len(data):
        has = f"'{type(targets).__name__}', which is no column" if size is None else f"{size} values"
        cause = f"'{config.targets}' holds {has}, and '{config.data}' {len(data)} rows. Have both of the same length."
        raise EvaluationError(model, cause)
    return Rows(config.data, data.assign(**{config.targets: values}), config.targets)


def find_predictions(model: str, output: Any, rows: Rows, config: EvaluateConfig) -> Any:
    """Find the one answer to each row in what a model has answered.

    Args:
        model: The logged model's name, for errors.
        output: What the loaded model has answered.
        rows: What it was asked.
        config: What the user asks for.

    Returns:
        As many values as there are rows.

    Raises:
        EvaluationError: When there is none, or several.
    """
    import pandas as pd

    if isinstance(output, Mapping):
        output = _of_several(model, output, config)
    if isinstance(output, pd.DataFrame):
        output = output[_column(model, output, rows, config)]
    size = len(output) if hasattr(output, "__len__") else None
    if size != len(rows.table) or getattr(output, "ndim", 1) != 1:
        answer = f"'{type(output).__name__}'" if size is None else f"{size} values"
        cause = f"it answers {len(rows.table)} rows with {answer}. Have it give one value for each row."
        raise EvaluationError(model, cause)
    # Its index is the pipeline's own: a row is known by its position.
    return output.to_numpy() if isinstance(output, (pd.Series, pd.Index)) else output


def _load(model: str, key: str, name: str, catalog: DataCatalog) -> Any:
    try:
        with quiet("kedro", logging.WARNING):
            return catalog.load(name)
    except Exception as error:
        cause = f"'{name}', which {key} names, cannot be loaded ({' '.join(str(error).split())}). Put its data there."
        raise EvaluationError(model, cause) from error


def _of_several(model: str, outputs: Mapping[str, Any], config: EvaluateConfig) -> Any:
    """Find the output that holds the answer."""
    if config.predictions is not None and config.predictions in outputs:
        return outputs[config.predictions]
    tables = [name for name, value in outputs.items() if config.predictions in getattr(value, "columns", ())]
    if len(tables) == 1:
        return outputs[tables[0]]
    names = ", ".join(f"'{name}'" for name in outputs)
    cause = f"it has several outputs ({names}). Name that of the prediction, or its column, in evaluate.predictions."
    raise EvaluationError(model, cause)


def _column(model: str, output: pd.DataFrame, rows: Rows, config: EvaluateConfig) -> Any:
    """Find the column that holds the answer: as named, the only one, that of the target, or the only new one."""
    columns = list(output.columns)
    if config.predictions in columns:
        return config.predictions
    # What is named may be the output that this table is.
    new = [name for name in columns if name not in rows.table.columns]
    for candidates in (columns, [name for name in columns if name == rows.target], new):
        if len(candidates) == 1:
            return candidates[0]
    names = [str(name) for name in columns]
    meant = "" if config.predictions is None else f" has no '{config.predictions}', and"
    hint = suggest(config.predictions, names, "They are") if config.predictions else f"They are: {', '.join(names)}."
    cause = f"its answer{meant} has {len(columns)} columns. Name that of the prediction in evaluate.predictions. {hint}"
    raise EvaluationError(model, cause)
