"""A packaged pipeline is evaluated on rows that the user names, on a real project."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Run
from mlflow.models import evaluate

from kedro_autolog_pipeline.errors import NotPackagedError, PreflightError
from kedro_project import CATALOG, DATA_PROCESSING, INFERENCE, MODEL, KedroProject, write_project
from mlflow_store import inputs, models, runs

EVALUATE: dict[str, Any] = {"data": "test_rows", "targets": "label", "model_type": "regressor"}

# The rows are in memory, where Kedro releases them as soon as no node reads them any more.
WITH_ROWS = DATA_PROCESSING.replace(
    "def create_pipeline",
    """\
def split(table):
    return table.iloc[::3]

def count(test_rows):
    return len(test_rows)

def create_pipeline""",
).replace(
    'node(request, "table", "instances")',
    'node(request, "table", "instances"), node(split, "table", "test_rows"), node(count, "test_rows", "number")',
)


@attrs.frozen
class Evaluated:
    """A run whose model was evaluated.

    Attributes:
        project: Its project.
        run: The MLflow run.
        model: The logged model.
        other: One of the same run that was not evaluated.
        by_hand: What ``mlflow.models.evaluate`` gives for the logged model.
        digest: What MLflow calls the rows that it was called with by hand.
    """

    project: KedroProject
    run: Run
    model: LoggedModel
    other: LoggedModel
    by_hand: dict[str, float]
    digest: str


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[Evaluated]:
    """Give a run that was evaluated on rows in memory, and then by hand in another MLflow run."""
    with pytest.MonkeyPatch.context() as patch:
        project = write_project(tmp_path_factory.mktemp("evaluated") / "shop")
        shutil.copy(migrated_database, project.path / "mlflow.db")
        patch.chdir(project.path)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        project.write_pipeline("data_processing", WITH_ROWS)
        project.write_models({"prices": {**MODEL, "evaluate": EVALUATE}, "unlike": {**MODEL, "verify": False}})
        project.run()
        store = f"sqlite:///{project.path / 'mlflow.db'}"
        (run,) = runs(MlflowClient(store))
        named = {model.name: model for model in models(MlflowClient(store))}
        model = named["prices"]
        mlflow.set_tracking_uri(store)
        rows = pd.read_csv(project.path / "data" / "table.csv").iloc[::3]
        with warnings.catch_warnings(), mlflow.start_run(experiment_id=run.info.experiment_id) as other:
            # It warns of columns of integers.
            warnings.simplefilter("ignore")
            result = evaluate(  # type: ignore[no-untyped-call]  # MLflow's
                f"models:/{model.model_id}", rows, targets="label", model_type="regressor"
            )
        (given,) = inputs(MlflowClient(store).get_run(other.info.run_id))
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # None unsets it
        yield Evaluated(project, run, model, named["unlike"], result.metrics, given.dataset.digest)


def test_the_metrics_are_those_that_mlflow_gives_by_hand(evaluated: Evaluated) -> None:
    """They are metrics of the run, beside those of training, and of the same rows."""
    logged = {name: value for name, value in evaluated.run.data.metrics.items() if name != "error"}

    assert evaluated.by_hand == logged
    assert "root_mean_squared_error" in logged
    given = {each.dataset.digest: each for each in inputs(evaluated.run)}[evaluated.digest]
    assert "test_rows" == given.dataset.name
    assert "evaluation" in [tag.value for tag in given.tags if tag.key == "mlflow.data.context"]


def test_the_metrics_are_linked_to_the_model_with_the_rows(evaluated: Evaluated) -> None:
    """Each metric of the logged model names the dataset and its digest."""
    linked = {metric.key: metric for metric in evaluated.model.metrics or () if metric.dataset_name is not None}

    assert evaluated.by_hand == {name: metric.value for name, metric in linked.items()}
    assert {("test_rows", evaluated.digest)} == {(m.dataset_name, m.dataset_digest) for m in linked.values()}
    assert ["error"] == [metric.key for metric in evaluated.other.metrics or ()]


def test_the_time_of_the_evaluation_is_told_apart(evaluated: Evaluated) -> None:
    """Packaging's own does not contain it."""
    tags = evaluated.model.tags

    assert "READY" == evaluated.model.status
    assert 0 < float(tags["kedro_autolog_pipeline.evaluation.seconds"])
    assert f"test_rows ({evaluated.digest})" == tags["kedro_autolog_pipeline.evaluation.dataset"]
    seconds = (evaluated.run.info.end_time - evaluated.run.info.start_time) / 1000
    parts = ("evaluation.seconds", "packaging_seconds")
    assert sum(float(tags[f"kedro_autolog_pipeline.{part}"]) for part in parts) < seconds


def test_what_is_wrong_with_an_evaluation_stops_the_run_before_its_first_node(
    project: KedroProject, client: MlflowClient
) -> None:
    """Each fault names its key, and what was meant."""
    rows = {"type": "pandas.CSVDataset", "filepath": "data/rows.csv"}
    project.write_config("catalog", {**CATALOG, "rows": rows, "absent": {**rows, "filepath": "data/absent.csv"}})
    (project.path / "data" / "rows.csv").write_text("x,label\n1,4\n", encoding="utf-8")
    wrong: dict[str, dict[str, Any]] = {
        "target": {"data": "rows", "targets": "labl"},
        "data": {"data": "row", "targets": "label"},
        "gone": {"data": "absent", "targets": "label"},
        "options": {"data": "rows", "targets": "label", "evaluator_config": {"log_model_explainability": True}},
        "metric": {"data": "rows", "targets": "label", "extra_metrics": ["mlflow.metrics.nothing", "json.dumps"]},
    }
    project.write_models(
        {name: {**MODEL, "evaluate": {"model_type": "regressor", **given}} for name, given in wrong.items()}
    )

    with pytest.raises(PreflightError) as raised:
        project.run()

    said = "\n".join(raised.value.faults)
    path = "autolog_pipeline.models"
    assert f"{path}.target.evaluate.targets: 'labl' is neither a column of 'rows' nor a dataset. Did you mean" in said
    assert f"{path}.data.evaluate.data: neither the catalog nor a node of this run provides 'row'. Did you" in said
    assert f"{path}.gone.evaluate.data: 'absent' has no data, and no node of this run writes it." in said
    assert f"{path}.options.evaluate.evaluator_config.log_model_explainability: asks the model about rows" in said
    assert f"{path}.metric.evaluate.extra_metrics[0]: 'mlflow.metrics.nothing' cannot be imported" in said
    assert f"{path}.metric.evaluate.extra_metrics[1]: 'json.dumps' is a 'function', and no EvaluationMetric." in said
    assert 6 == len(raised.value.faults)
    assert [] == runs(client)


def test_rows_that_the_package_cannot_answer_fail_its_model(project: KedroProject, client: MlflowClient) -> None:
    """The message says what the pipeline raises; training is saved, and another dataset needs no training."""
    failing = "    assert instances.shape[0] != 7\n    return instances"
    project.write_pipeline("inference", INFERENCE.replace("    return instances", failing))
    project.write_pipeline("data_processing", WITH_ROWS)
    project.write_models({"prices": {**MODEL, "evaluate": EVALUATE}})

    with pytest.raises(NotPackagedError, match="Cannot evaluate 'prices': the fresh process could not answer the rows"):
        project.run()

    (model,) = models(client)
    assert "FAILED" == model.status
    (run,) = runs(client)
    assert run.data.tags["kedro_autolog_pipeline.failure.prices"].startswith("EVALUATE: ")
