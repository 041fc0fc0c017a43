"""A model that one project has trained scores the rows of another, through a real MLflow server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from kedro.io import DatasetError
from mlflow import MlflowClient

from kedro_autolog_pipeline import ReadyModelDataset
from kedro_project import MODEL, KedroProject, write_project
from mlflow_server import mlflow_server

SCORING = """
from kedro.pipeline import Pipeline, node

def score(model, rows):
    return model.predict(rows)

def create_pipeline(**kwargs):
    return Pipeline([node(score, ["price_model", "rows"], "scored")])
"""


@pytest.fixture
def server(tmp_path: Path, clean_mlflow: None) -> Iterator[str]:
    """Give the address of an MLflow server."""
    (tmp_path / "server").mkdir()
    with mlflow_server(tmp_path / "server") as address:
        yield address


def test_a_batch_is_scored_by_the_model_that_the_catalog_names(server: str, tmp_path: Path) -> None:
    """Loaded once, noted with the run, read-only; what is not READY, and what is not there, is refused."""
    shop = write_project(tmp_path / "shop")
    registered = {"prices": {**MODEL, "registered_model_name": "price", "alias": "champion"}}
    shop.write_config("mlflow", {"server": {"mlflow_tracking_uri": server}, "autolog_pipeline": {"models": registered}})
    shop.run()
    client = MlflowClient(server)
    version = client.get_model_version_by_alias("price", "champion")
    batch = scoring_project(tmp_path / "batch", server)

    mlflow.set_tracking_uri(server)
    with mlflow.start_run() as run:
        answers = [batch.run(pipelines=["scoring"])["scored"].load() for _ in range(2)]

    model_id = (version.source or "").removeprefix("models:/")
    assert {"kedro_autolog_pipeline.scored_with.prices": f"models:/{model_id}, version 1"}.items() <= (
        client.get_run(run.info.run_id).data.tags.items()
    )
    expected = mlflow.pyfunc.load_model("models:/price@champion").predict(pd.DataFrame({"x": [1]}))
    for answer in answers:
        pd.testing.assert_frame_equal(expected, answer)
    dataset = ReadyModelDataset(uri="models:/price/1", tracking_uri=server)
    assert dataset.exists()
    assert dataset.load() is ReadyModelDataset(uri=f"models:/{model_id}", tracking_uri=server).load()
    assert {"version": "1", "model_id": model_id, "run_id": version.run_id}.items() <= dataset._describe().items()  # noqa: SLF001 - Kedro's own way to ask
    with pytest.raises(DatasetError, match="Cannot save 'models:/price/1': a model is packaged by the run"):
        dataset.save("anything")  # type: ignore[arg-type]  # it takes nothing
    client.finalize_logged_model(model_id, "FAILED")
    with pytest.raises(DatasetError, match=r"Cannot load 'models:/price/1': it is not READY\. Name another version\."):
        dataset.load()
    with pytest.raises(DatasetError, match="models:/nothing/1"):
        ReadyModelDataset(uri="models:/nothing/1", tracking_uri=server).load()


def scoring_project(directory: Path, server: str) -> KedroProject:
    """Write a project that trains nothing, and takes its model from the server."""
    project = write_project(directory)
    project.write_pipeline("scoring", SCORING)
    project.write_config(
        "catalog",
        {
            "price_model": {
                "type": "kedro_autolog_pipeline.ReadyModelDataset",
                "uri": "models:/price@champion",
                "tracking_uri": server,
            },
            "rows": {"type": "pandas.CSVDataset", "filepath": "data/rows.csv"},
        },
    )
    project.write_config("mlflow", {"autolog_pipeline": {"enabled": False}})
    (project.path / "data").mkdir(exist_ok=True)
    (project.path / "data" / "rows.csv").write_text("x\n1\n", encoding="utf-8")
    return project
