"""What MLflow runs to load this model: it is built from the manifest beside this file."""

from pathlib import Path

from mlflow.models import set_model

from kedro_autolog_pipeline.serving.model import KedroPipelineModel

set_model(KedroPipelineModel.from_package(Path(__file__).parent))
