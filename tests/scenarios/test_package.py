"""What is in the package of a real project, and what is said of it."""

from __future__ import annotations

import json
import logging
import pickle
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from html_page import read_page
from kedro_autolog_pipeline.errors import NotPackagedError, PreflightError
from kedro_autolog_pipeline.serving.integrity import find_faults
from kedro_autolog_pipeline.serving.manifest import read_manifest
from kedro_project import CATALOG, KEDRO_VERSION, MODEL, KedroProject

REQUEST = pd.DataFrame({"x": [1, 2]})


def packaged(client: MlflowClient, name: str = "prices") -> tuple[Path, dict[str, Any]]:
    """Give the newest package of a model, and its manifest."""
    experiments = [each.experiment_id for each in client.search_experiments()]
    models = client.search_logged_models(experiments, filter_string=f"name = '{name}'")
    newest = max(models, key=lambda model: model.creation_timestamp)
    assert newest.status == "READY"
    package = Path(newest.artifact_location.removeprefix("file://"))
    return package, json.loads((package / "manifest.json").read_text())


def predict(package: Path, **params: Any) -> list[float]:
    """Ask a package."""
    answer = mlflow.pyfunc.load_model(str(package)).predict(REQUEST, params=params or None)
    values: list[float] = answer["prediction"].tolist()
    return values


def test_the_manifest_tells_what_the_package_holds(project: KedroProject, client: MlflowClient) -> None:
    """Nodes, origins, parameters, artifacts, code, requirements and provenance are in it, and no pickle of ours."""
    project.run()

    package, manifest = packaged(client)
    assert [(node["inputs"], node["outputs"]) for node in manifest["nodes"]] == [
        (["instances", "scaler"], "scaled"),
        (["scaled", "model", "params:offset"], "predictions"),
    ]
    assert {entry["name"]: entry["origin"] for entry in manifest["inputs"]} == {
        "instances": "request",
        "model": "trained",
        "params:offset": "parameter",
        "scaler": "trained",
    }
    assert manifest["parameters"] == {"params:offset": 0.5}
    assert {entry["name"]: entry["path"] for entry in manifest["artifacts"]} == {
        "model": "artifacts/model/model.pkl",
        "scaler": "artifacts/scaler/scaler.pkl",
    }
    assert {entry["module"] for entry in manifest["code"]} == {project.package, "kedro_autolog_pipeline"}
    pinned = {entry["requirement"].partition("==")[0] for entry in manifest["requirements"]}
    assert {"kedro", "mlflow", "kedro-datasets", "attrs", "cattrs"} <= pinned
    assert manifest["provenance"]["training_pipeline"] == "training"
    assert sorted(path.relative_to(package).as_posix() for path in package.rglob("*.pkl")) == [
        "artifacts/model/model.pkl",
        "artifacts/scaler/scaler.pkl",
    ]
    assert str(project.path) not in (package / "MLmodel").read_text()
    assert not list(package.rglob("__pycache__"))


def test_the_card_is_sealed_with_the_package_whose_proof_it_tells(project: KedroProject, client: MlflowClient) -> None:
    """It is a file like any other, with the run's metrics, and a package whose card was changed is not as packaged."""
    project.run()

    package, manifest = packaged(client)
    card = package / "model_card.html"
    texts = " ".join(read_page(card.read_text(encoding="utf-8")).texts)
    assert "prices models:/m-" in texts
    assert "Proven. A clean process with just this package returned the same predictions" in texts
    assert "The same over HTTP yes" in texts
    assert "metric of the run value error " in texts
    assert f"{project.path}" not in texts
    assert card.stat().st_size == manifest["files"]["model_card.html"]["size"]
    assert not list(find_faults(package, read_manifest(package), reads=True))
    card.write_text("Proven.", encoding="utf-8")
    assert ["'model_card.html' has 7 bytes"] == [
        fault.partition(",")[0] for fault in find_faults(package, read_manifest(package), reads=True)
    ]


def test_a_parameter_can_be_changed_for_one_call(project: KedroProject, client: MlflowClient) -> None:
    """A new value counts for its call alone."""
    project.run()

    package, _ = packaged(client)
    model = mlflow.pyfunc.load_model(str(package))
    plain = model.predict(REQUEST)["prediction"]
    shifted = model.predict(REQUEST, params={"offset": 100.5})["prediction"]
    assert (shifted - plain).tolist() == [100.0, 100.0]
    pd.testing.assert_series_equal(plain, model.predict(REQUEST)["prediction"])


@pytest.mark.filterwarnings("ignore:Save version")
def test_the_version_that_the_run_saved_is_packaged(project: KedroProject, client: MlflowClient) -> None:
    """Older versions and a newer one of somebody else's stay out."""
    for version in ("2020-01-01T00.00.00.000Z", "2099-01-01T00.00.00.000Z"):
        (project.path / "data/model.pkl" / version).mkdir(parents=True)
        (project.path / "data/model.pkl" / version / "model.pkl").write_bytes(pickle.dumps({"slope": 1e9}))

    project.run(pipelines=["data_processing"])
    project.run(pipelines=["training"])

    package, _ = packaged(client)
    assert [path.name for path in (package / "artifacts/model").iterdir()] == ["model.pkl"]
    assert max(predict(package)) < 1e6


@pytest.mark.skipif(KEDRO_VERSION < (1, 3), reason="Kedro types parameters since 1.3.")
@pytest.mark.parametrize("pipelines", [None, ["training"]], ids=["default", "training"])
def test_a_typed_parameter_is_typed_in_the_model(
    project: KedroProject, client: MlflowClient, pipelines: list[str] | None
) -> None:
    """A node that asks for a dataclass gets one, whichever pipelines the run had loaded."""
    project.write(
        "pipelines/inference/__init__.py",
        """
        from dataclasses import dataclass
        from kedro.pipeline import Pipeline, node

        @dataclass
        class Offset:
            value: float

        def predict(instances, scaler, model, offset: Offset):
            return ((instances["x"] - scaler["mean"]) * model["slope"] + offset.value).to_frame("prediction")

        def create_pipeline(**kwargs):
            return Pipeline([node(predict, ["instances", "scaler", "model", "params:offset"], "predictions")])
        """,
    )
    project.write_config("parameters", {"training": {"factor": 1.0}, "offset": {"value": 0.5}})
    project.run(pipelines=["data_processing"])

    project.run(pipelines=pipelines)

    package, manifest = packaged(client)
    assert manifest["parameters"] == {"params:offset": {"value": 0.5}}
    assert predict(package, offset={"value": 1.5})[0] - predict(package)[0] == 1.0


def test_functions_without_an_import_path_are_kept_and_named(
    project: KedroProject, client: MlflowClient, records: list[logging.LogRecord]
) -> None:
    """A lambda is the one thing that is pickled, with a WARNING that names its node."""
    project.write(
        "pipelines/inference/__init__.py",
        """
        from kedro.pipeline import Pipeline, node

        def create_pipeline(**kwargs):
            predict = lambda instances, model, offset: (instances["x"] * model["slope"] + offset).to_frame("prediction")
            return Pipeline([node(predict, ["instances", "model", "params:offset"], "predictions", name="predict")])
        """,
    )

    project.run(pipelines=["data_processing"])
    project.run(pipelines=["training"])

    package, _ = packaged(client)
    assert [path.name for path in (package / "functions").iterdir()] == ["0.pkl"]
    assert len(predict(package)) == 2
    warning, info = (record.getMessage() for record in records)
    assert warning == (
        "'prices' is packaged, with remarks: The functions of predict have no import path and are pickled: a site that "
        "forbids pickles cannot load them. Define them in a module."
    )
    assert info.startswith("Packaged 'prices' as models:/m-")


def test_what_mlflow_cannot_type_stays_fixed_and_is_named(
    project: KedroProject, client: MlflowClient, records: list[logging.LogRecord]
) -> None:
    """A parameter that MLflow has no type for costs nothing but the possibility to change it."""
    project.write(
        "pipelines/inference/__init__.py",
        """
        from kedro.pipeline import Pipeline, node

        def predict(instances, model, steps):
            return (instances["x"] * model["slope"] + steps[0]["by"]).to_frame("prediction")

        def create_pipeline(**kwargs):
            return Pipeline([node(predict, ["instances", "model", "params:steps"], "predictions")])
        """,
    )
    project.write_config("parameters", {"training": {"factor": 1.0}, "steps": [{"by": 1.0}]})

    project.run(pipelines=["data_processing"])
    project.run(pipelines=["training"])

    package, _ = packaged(client)
    assert len(predict(package)) == 2
    message = records[0].getMessage()
    assert "MLflow has no type for the parameters steps: they keep the value of this run, unless" in message


def test_without_data_the_model_is_proven_to_load(
    project: KedroProject, client: MlflowClient, records: list[logging.LogRecord]
) -> None:
    """A run that holds no request data leaves a model that is READY, and says on what it was not tried."""
    project.run(pipelines=["data_processing"])
    (project.path / "data" / "instances.csv").unlink()

    project.run(pipelines=["training"])

    package, _ = packaged(client)
    assert len(predict(package)) == 2
    assert "It is only proven to load: the run held no rows for its input." in records[0].getMessage()


def test_verification_can_be_switched_off(project: KedroProject, client: MlflowClient) -> None:
    """`verify: false` says so on the model."""
    project.write_models({"prices": {**MODEL, "verify": False, "signature": "none"}})

    project.run()

    (model,) = client.search_logged_models([each.experiment_id for each in client.search_experiments()])
    assert model.status == "READY"
    assert model.tags["kedro_autolog_pipeline.verification"] == "skipped"


def test_code_paths_take_the_place_of_the_code_that_was_found(project: KedroProject, client: MlflowClient) -> None:
    """What the user names is shipped, relative to the project."""
    project.write_models({"prices": {**MODEL, "code_paths": [f"src/{project.package}"]}})

    project.run()

    _, manifest = packaged(client)
    reasons = {entry["module"]: entry["reasons"] for entry in manifest["code"]}
    assert reasons[project.package] == ["named in code_paths"]
    assert set(reasons) == {project.package, "kedro_autolog_pipeline"}


def test_a_code_path_that_is_not_there_stops_the_run(project: KedroProject, client: MlflowClient) -> None:
    """A path of nothing is named before any node runs."""
    project.write_models({"prices": {**MODEL, "code_paths": ["src/nothing"]}})

    with pytest.raises(PreflightError) as caught:
        project.run()

    assert caught.value.faults == (
        "autolog_pipeline.models.prices.code_paths: 'src/nothing' is neither a file nor a directory of the project.",
    )
    assert not (project.path / "data" / "table.csv").exists()


def test_one_pairs_failure_does_not_stop_the_others(project: KedroProject, client: MlflowClient) -> None:
    """A run that completes several pairs packages each that can be, and names each that cannot."""
    broken = """
        from kedro.pipeline import Pipeline, node

        def predict(instances, model):
            raise RuntimeError("no answer from {name}")

        def create_pipeline(**kwargs):
            return Pipeline([node(predict, ["instances", "model"], "predictions_{name}")])
        """
    project.write_pipeline("first", broken.format(name="first"))
    project.write_pipeline("second", broken.format(name="second"))
    project.write_models(
        {"one": {**MODEL, "inference": "first"}, "prices": MODEL, "two": {**MODEL, "inference": "second"}}
    )
    project.run(pipelines=["data_processing"])

    with pytest.raises(NotPackagedError) as caught:
        project.run(pipelines=["training"])

    assert {"one", "two"} == set(caught.value.failures)
    assert {"prices"} == set(caught.value.packaged)
    lines = str(caught.value).splitlines()
    assert lines[0] == "Cannot package 2 of 3 models:"
    assert lines[1].startswith("  - 'one': Cannot package 'one': its inference pipeline fails on the first rows")
    assert lines[3] == f"  - 'prices': packaged as {caught.value.packaged['prices']}"
    models = client.search_logged_models([each.experiment_id for each in client.search_experiments()])
    assert {model.name: model.status for model in models} == {"one": "FAILED", "prices": "READY", "two": "FAILED"}
    assert [run.info.status for run in client.search_runs([models[0].experiment_id])] == ["FINISHED"]


def test_an_inference_pipeline_that_cannot_be_imported_stops_the_run(project: KedroProject) -> None:
    """What importing the pipeline raises is told before any node runs."""
    project.write("pipelines/inference/__init__.py", "raise RuntimeError('broken module')\n")

    with pytest.raises(PreflightError, match="inference"):
        project.run(pipelines=["training"])

    assert not (project.path / "data" / "scaler.pkl").exists()


def test_what_cannot_be_packaged_is_told_before_training(project: KedroProject) -> None:
    """An artifact that no node writes and that nothing keeps stops the run before its first node."""
    project.write(
        "pipelines/inference/__init__.py",
        """
        from kedro.pipeline import Pipeline, node

        def predict(instances, model, words):
            return instances

        def create_pipeline(**kwargs):
            return Pipeline([node(predict, ["instances", "model", "words"], "predictions")])
        """,
    )
    project.write_config("catalog", {**CATALOG, "words": {"type": "MemoryDataset"}})

    with pytest.raises(PreflightError) as caught:
        project.run()

    assert caught.value.faults == (
        "autolog_pipeline.models.prices.inference: 'words' is in memory, and no node of this run writes it. "
        "Give it a dataset that keeps its data.",
    )
    assert not (project.path / "data" / "table.csv").exists()
