"""Tests of what prevents an evaluation: libraries, inputs and data, each told by the key that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro_datasets.json import JSONDataset

from kedro_autolog_pipeline.config.schema import EvaluateConfig, ModelConfig, ModelType
from kedro_autolog_pipeline.pairing.pair import Pair, resolve_pair
from kedro_autolog_pipeline.preflight import evaluation
from kedro_autolog_pipeline.preflight.evaluation import find_evaluation_faults

TRAINING = Pipeline([node(lambda table: table, "table", "model", name="fit")])


def pair(*requests: str, **options: Any) -> Pair:
    """Give a pair that asks for an evaluation of 'rows'."""
    evaluate = EvaluateConfig(**{"data": "rows", "targets": "y", "model_type": ModelType.REGRESSOR, **options})
    inference = Pipeline([node(lambda *given: given[0], [*requests, "model"], "answers", name="ask")])
    config = ModelConfig("prices", "training", "inference", input_name=requests, evaluate=evaluate)
    resolved, faults_of_pair = resolve_pair(config, TRAINING, inference, in_catalog=lambda _: True)
    assert [] == faults_of_pair
    return resolved


def faults(asked: Pair, rows: Any, **others: Any) -> list[str]:
    """Find the faults of a pair whose catalog has these rows."""
    catalog = DataCatalog({"rows": rows, **others})
    return list(find_evaluation_faults(asked, catalog, produced=()))


TABLE = pd.DataFrame({"x": [1.0], "y": [2.0]})


def test_nothing_is_wrong_with_a_table_that_has_the_target() -> None:
    """Nor with a target of its own."""
    assert [] == faults(pair("x"), MemoryDataset(TABLE))
    assert [] == faults(pair("x", targets="truth"), MemoryDataset(TABLE), truth=MemoryDataset([2.0]))


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow would say so after the training."""
    monkeypatch.setattr(evaluation, "_NEEDED", {"no_such_module": "no-such-distribution"})

    assert [
        "evaluate: MLflow's default evaluator needs 'no-such-distribution', which is not installed. Install it, or "
        "leave out 'evaluate'."
    ] == faults(pair("x"), MemoryDataset(TABLE))


def test_a_pipeline_of_two_tables_is_not_evaluated() -> None:
    """MLflow evaluates rows of one."""
    assert [
        "evaluate: the pipeline is given several datasets ('x', 'z'), and MLflow evaluates rows of one table."
    ] == faults(pair("x", "z"), MemoryDataset(TABLE))


def test_rows_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    """They are in memory and nobody's, broken, or no table."""
    (tmp_path / "rows.json").write_text("{")

    (in_memory,) = faults(pair("x"), MemoryDataset())
    (broken,) = faults(pair("x"), JSONDataset(filepath=str(tmp_path / "rows.json")))
    (no_table,) = faults(pair("x"), MemoryDataset([1, 2]))

    assert "evaluate.data: 'rows' is in memory, and no node of this run writes it. Put its data there." == in_memory
    assert broken.startswith("evaluate.data: 'rows' cannot be loaded (rows: Failed while loading data from dataset")
    assert "evaluate.data: 'rows' loads as 'list'. Name one that loads as a DataFrame of pandas." == no_table
