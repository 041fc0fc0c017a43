"""What docs/migrate-from-kedro-mlflow.md says, done."""

from __future__ import annotations

import re
from pathlib import Path

import mlflow
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient

from kedro_project import CATALOG, KedroProject
from mlflow_store import models

# kedro-mlflow and what it imports warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

DOCUMENT = Path(__file__).parents[3] / "docs" / "migrate-from-kedro-mlflow.md"
REQUEST = pd.DataFrame({"x": [1, 2]})


def block(heading: str, language: str) -> str:
    """Give an example of the document."""
    section = DOCUMENT.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def before(project: KedroProject) -> KedroProject:
    """Give the project as kedro-mlflow's users have it."""
    project.write("pipeline_registry.py", block("Before", "python").replace("shop.", f"{project.package}."))
    project.write_config("mlflow", of_theirs(project))
    table = pd.read_csv(project.path / "data" / "raw.csv").dropna()
    table.to_csv(project.path / "data" / "table.csv", index=False)
    table[["x"]].to_csv(project.path / "data" / "instances.csv", index=False)
    return project


def of_theirs(project: KedroProject) -> dict[str, object]:
    """Give the part of mlflow.yml that is kedro-mlflow's."""
    return {"server": {"mlflow_tracking_uri": f"sqlite:///{project.path / 'mlflow.db'}"}}


def move_over(project: KedroProject) -> None:
    """Do what the document says."""
    project.write("pipeline_registry.py", block("After", "python"))
    project.write_config("mlflow", {**of_theirs(project), **yaml.safe_load(block("After", "yaml"))})


def train(project: KedroProject) -> None:
    """Train in a process of its own: the project's modules change between two trainings."""
    done = project.command("run", "--pipelines", "training")
    assert 0 == done.returncode, done.stderr


def test_the_example_moves_over(before: KedroProject, client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before and after, the run has one model of the same name with the same predictions, registered alike."""
    train(before)
    move_over(before)
    train(before)

    theirs, ours = models(client)
    # Their model needs the project.
    monkeypatch.syspath_prepend(before.path / "src")
    mlflow.set_tracking_uri(f"sqlite:///{before.path / 'mlflow.db'}")
    old, new = (mlflow.pyfunc.load_model(f"models:/{model.model_id}") for model in (theirs, ours))
    assert [("prices", "READY")] * 2 == [(model.name, model.status) for model in (theirs, ours)]
    assert "reproduced" == ours.tags["kedro_autolog_pipeline.verification"]
    pd.testing.assert_frame_equal(old.predict(REQUEST), new.predict(REQUEST))
    assert {"1", "2"} == {str(each.version) for each in client.search_model_versions("name='shop-prices'")}
    assert ["kedro run --pipeline=training"] * 2 == [
        client.get_run(str(model.source_run_id)).data.tags["kedro_command"] for model in (theirs, ours)
    ]
    # What the table says of signatures.
    assert (None, True) == (old.metadata.signature.outputs, new.metadata.signature.outputs is not None)
    assert ["offset", "runner"] == sorted(parameter.name for parameter in old.metadata.signature.params)
    assert ["offset"] == [parameter.name for parameter in new.metadata.signature.params]


def test_their_artifacts_can_be_packaged(before: KedroProject, client: MlflowClient) -> None:
    """A trained artifact that kedro-mlflow also logs to the run is packaged as the dataset that it wraps."""
    move_over(before)
    wrapped = {"type": "kedro_mlflow.io.artifacts.MlflowArtifactDataset", "dataset": dict(CATALOG["scaler"])}
    before.write_config("catalog", {**CATALOG, "scaler": wrapped})

    train(before)

    (model,) = models(client)
    assert "READY" == model.status
    files = {file.path for file in client.list_artifacts(str(model.source_run_id))}
    assert {"kedro_autolog_pipeline", "scaler.pkl"} == files


def test_a_run_of_several_pipelines_is_packaged(before: KedroProject, client: MlflowClient) -> None:
    """Where pipeline_ml_factory's pipeline turns into a plain one, there is no model; a pair has one."""
    both = ("run", "--pipelines", "data_processing,training")
    done = before.command(*both)
    assert 0 == done.returncode, done.stderr
    assert [] == models(client)

    move_over(before)
    done = before.command(*both)

    assert 0 == done.returncode, done.stderr
    assert ["READY"] == [model.status for model in models(client)]


def test_an_inference_pipeline_may_be_derived_in_the_registry_and_training_may_not(
    before: KedroProject, client: MlflowClient
) -> None:
    """Kedro runs by name what has a directory; the inference pipeline of a pair is not run."""
    move_over(before)
    before.write(
        "pipeline_registry.py",
        """
        from kedro.framework.project import find_pipelines

        def register_pipelines():
            pipelines = find_pipelines()
            for name in ("training", "inference"):
                if name in pipelines:
                    pipelines[f"derived_{name}"] = pipelines[name].filter(to_outputs=pipelines[name].outputs())
            return pipelines
        """,
    )
    ours = yaml.safe_load(block("After", "yaml"))
    ours["autolog_pipeline"]["models"]["prices"]["inference"] = "derived_inference"
    before.write_config("mlflow", {**of_theirs(before), **ours})

    assert 0 != before.command("run", "--pipelines", "derived_training").returncode
    train(before)

    assert ["READY"] == [model.status for model in models(client)]
