"""A pipeline of kedro-mlflow, logged by hand with this package."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline import KedroPipelineModel

# kedro-mlflow and what it imports warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


def test_of_a_pipeline_ml_the_inference_part_is_the_model() -> None:
    """Its training pipeline does not run at predict time."""
    from kedro_mlflow.pipeline import pipeline_ml_factory

    def train(data: Any) -> Any:
        return pytest.fail(f"trained on {data}")

    pipeline = pipeline_ml_factory(
        training=Pipeline([node(train, "data", "model")]),
        inference=Pipeline([node(lambda data, factor: data * factor, ["data", "params:factor"], "predictions")]),
        input_name="data",
    )
    catalog = DataCatalog({"params:factor": MemoryDataset(2)})

    model = KedroPipelineModel(pipeline=pipeline, catalog=catalog, input_name="data")

    context: Any = type("Context", (), {"artifacts": model.extract_pipeline_artifacts()})
    model.load_context(context)
    pd.testing.assert_frame_equal(pd.DataFrame({"x": [2, 4]}), model.predict(context, pd.DataFrame({"x": [1, 2]})))
