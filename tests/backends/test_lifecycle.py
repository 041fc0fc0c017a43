"""A model's way from `kedro run` to a promoted version, and what becomes of it when others clean up."""

from __future__ import annotations

import json
from typing import Any

import mlflow.pyfunc
import pandas as pd
import pytest
import s3fs
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from backends.conftest import Shop
from kedro_project import INFERENCE
from postgresql_server import PASSWORD
from s3_server import SECRET

pytestmark = pytest.mark.backends

BROKEN = INFERENCE.replace("    return (scaled", "    raise RuntimeError('no answer')\n    return (scaled")
NODES_BEGIN = "table.csv"


def answers(uri: str) -> list[float]:
    """Ask a model as somebody who has only its URI."""
    rows = pd.DataFrame({"x": [9.5, 10.5]})
    return list(mlflow.pyfunc.load_model(uri).predict(rows)["prediction"])


def listed(shop: Shop, *options: str) -> list[dict[str, Any]]:
    """Give the READY models that `kedro autolog list` tells of, the newest first."""
    done = shop.autolog("list", "--json", *options)
    assert 0 == done.returncode, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])["models"]
    return [model for model in found if model["status"] == "READY"]


def test_a_run_is_packaged_again_listed_verified_and_promoted(shop: Shop) -> None:
    """A failed packaging is retried; its model loads by its alias, lies in S3 and can be replaced by a later one."""
    shop.project.write_pipeline("inference", BROKEN)
    failed = shop.project.run_command()
    assert 1 == failed.returncode, failed.stdout
    assert "no answer" in failed.stderr
    shop.project.write_pipeline("inference", INFERENCE)
    (run_id,) = shop.run_ids()

    packaged = shop.autolog("package", "--run-id", run_id)

    assert 0 == packaged.returncode, packaged.stderr
    assert [0.5, 3.5] == answers(f"models:/{shop.model}@champion")
    shop.train()
    second, first = listed(shop)
    assert run_id == first["run_id"] != second["run_id"]
    version = f"models:/{shop.model}/1"
    promoted = shop.autolog("promote", version, "--alias", "champion", "--force")
    assert 0 == promoted.returncode, promoted.stderr
    assert "1" == str(shop.backend.client.get_model_version_by_alias(shop.model, "champion").version)
    verified = shop.autolog("verify", version)
    assert 0 == verified.returncode, verified.stdout + verified.stderr
    for done in (failed, packaged, promoted, verified):
        assert PASSWORD not in done.stdout + done.stderr
        assert SECRET not in done.stdout + done.stderr


def test_a_changed_object_in_s3_is_told_by_verify(shop: Shop) -> None:
    """The file is named; nothing of a secret is in the package."""
    shop.train()
    version = f"models:/{shop.model}/1"
    assert 0 == shop.autolog("verify", version).returncode
    files = s3fs.S3FileSystem(**shop.backend.s3)
    model_id = listed(shop)[0]["uri"].removeprefix("models:/")
    stored = [path for path in files.find(shop.backend.artifacts.removeprefix("s3://")) if model_id in path]
    assert stored
    content = b"".join(files.cat_file(path) for path in stored)
    assert PASSWORD.encode() not in content
    assert SECRET.encode() not in content
    (scaler,) = [path for path in stored if path.endswith("scaler.pkl")]
    files.pipe_file(scaler, b"other bytes")

    changed = shop.autolog("verify", version)

    assert 1 == changed.returncode
    assert "scaler.pkl" in changed.stdout + changed.stderr


def test_a_deleted_run_is_gone_and_the_next_one_is_packaged(shop: Shop) -> None:
    """`mlflow gc` takes the run and leaves its model, which is listed and answers; the next training is packaged."""
    gone = shop.train()
    kept = shop.train()
    shop.backend.client.delete_run(gone)

    shop.backend.collect_garbage()

    with pytest.raises(MlflowException, match=gone):
        shop.backend.client.get_run(gone)
    assert [kept, gone] == [model["run_id"] for model in listed(shop)]
    assert [0.5, 3.5] == answers(f"models:/{shop.model}/1")
    assert [0.5, 3.5] == answers(f"models:/{shop.model}@champion")
    retried = shop.autolog("package", "--run-id", gone)
    assert 1 == retried.returncode
    assert gone in retried.stderr
    assert "Traceback" not in retried.stderr
    shop.train()
    assert "3" == str(shop.backend.client.get_model_version_by_alias(shop.model, "champion").version)


def test_a_deleted_experiment_is_told_before_the_first_node(shop: Shop) -> None:
    """The message says what to do, and then the training is packaged."""
    client = shop.backend.client
    known = client.get_experiment_by_name(shop.experiment)
    experiment = client.create_experiment(shop.experiment) if known is None else known.experiment_id
    client.delete_experiment(experiment)

    refused = shop.project.run_command()

    assert 1 == refused.returncode
    assert "was deleted. Restore it" in refused.stderr
    assert not (shop.project.path / "data" / NODES_BEGIN).exists()
    client.restore_experiment(experiment)
    shop.train()
    assert [0.5, 3.5] == answers(f"models:/{shop.model}@champion")


def test_a_renamed_experiment_keeps_its_runs(shop: Shop) -> None:
    """Its run is packaged again where it is, and the next training makes an experiment of the configured name."""
    shop.project.write_pipeline("inference", BROKEN)
    assert 1 == shop.project.run_command().returncode
    shop.project.write_pipeline("inference", INFERENCE)
    (run_id,) = shop.run_ids()
    client = shop.backend.client
    renamed = f"{shop.experiment}-of-2026"
    experiment = client.get_experiment_by_name(shop.experiment)
    assert experiment is not None
    client.rename_experiment(experiment.experiment_id, renamed)
    if shop.backend.name == "database":
        client.create_experiment(shop.experiment, artifact_location=f"{shop.backend.artifacts}/{shop.model}-again")

    packaged = shop.autolog("package", "--run-id", run_id)

    assert 0 == packaged.returncode, packaged.stderr
    assert [run_id] == [model["run_id"] for model in listed(shop, "--experiment", renamed)]
    assert [shop.train()] == [model["run_id"] for model in listed(shop)]
    assert "2" == str(client.get_model_version_by_alias(shop.model, "champion").version)


def test_a_registry_elsewhere_has_the_versions(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are logged to the backend and registered in another database, where they are found, verified and moved."""
    shop.configure(mlflow_registry_uri=shop.backend.registry_uri)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", shop.backend.registry_uri)
    registry = MlflowClient(shop.backend.tracking_uri, shop.backend.registry_uri)

    trained = [shop.train(), shop.train()]

    assert [0.5, 3.5] == answers(f"models:/{shop.model}@champion")
    assert trained == [model["run_id"] for model in reversed(listed(shop))]
    first = f"models:/{shop.model}/1"
    assert 0 == shop.autolog("verify", first).returncode
    promoted = shop.autolog("promote", first, "--alias", "champion", "--force")
    assert 0 == promoted.returncode, promoted.stderr
    assert "1" == str(registry.get_model_version_by_alias(shop.model, "champion").version)
    with pytest.raises(MlflowException, match="not found"):
        MlflowClient(shop.backend.tracking_uri, shop.backend.tracking_uri).get_registered_model(shop.model)
