"""The project's pipelines; where kedro-mlflow is installed, in the pair that it wants."""

from __future__ import annotations

from importlib.util import find_spec

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline


def register_pipelines() -> dict[str, Pipeline]:
    """Give the pipelines by name."""
    pipelines = find_pipelines()
    if find_spec("kedro_mlflow") is not None:
        from kedro_mlflow.pipeline import pipeline_ml_factory

        from measured.pipelines import inference, training

        pipelines["training"] = pipeline_ml_factory(
            training.create_pipeline(),
            inference.create_pipeline(),
            input_name="instances",
            log_model_kwargs={"name": "measured", "signature": "auto"},
        )
    return pipelines
