"""`kedro autolog package`: a run's models are packaged again, without training."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Run
from mlflow.exceptions import MlflowException

from kedro_autolog_pipeline.errors import NotPackagedError, RunRecordError, TrackingError
from kedro_autolog_pipeline.lifecycle.repackaging import Request, repackage
from kedro_autolog_pipeline.tracking import logged_model
from kedro_project import CATALOG, INFERENCE, KEDRO_VERSION, MODEL, TRAINING, KedroProject
from mlflow_store import models

NAMED_TRAINING = re.sub(r"node\((\w+), (.*)\),", r'node(\1, \2, name="\1"),', TRAINING)

BROKEN = INFERENCE.replace("    return (scaled", "    raise RuntimeError('no answer')\n    return (scaled")


def runs(client: MlflowClient) -> list[Run]:
    """Give every run of the store."""
    return list(client.search_runs([experiment.experiment_id for experiment in client.search_experiments()]))


def by_status(client: MlflowClient) -> dict[str, LoggedModel]:
    """Return the logged models of the store by their status."""
    return {str(model.status): model for model in models(client)}


def load(client: MlflowClient, uri: str) -> Any:
    """Load a model of the store, which is not the process's own."""
    return mlflow.pyfunc.load_model(str(client.get_logged_model(uri.removeprefix("models:/")).artifact_location))


def train_without_a_model(project: KedroProject, client: MlflowClient) -> Run:
    """Train with an inference pipeline that fails, and mend it; gives the run."""
    project.write_pipeline("inference", BROKEN)
    project.run(pipelines=["data_processing"])
    with pytest.raises(NotPackagedError):
        project.run(pipelines=["training"])
    project.write_pipeline("inference", INFERENCE)
    (run,) = runs(client)
    return run


def train_until(project: KedroProject, ending: signal.Signals, pipeline: str, source: str, line: str) -> int:
    """Train in a process that sends itself a signal before a line of a pipeline; gives its exit code."""
    project.run(pipelines=["data_processing"])
    sending = f"    import os; os.kill(os.getpid(), {ending:d})\n"
    project.write_pipeline(pipeline, source.replace(line, f"{sending}{line}"))
    return project.run_command("training").returncode


def test_what_was_uploaded_for_a_model_that_did_not_become_ready_is_packaged_again(
    project: KedroProject, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store has the staged files by then, and the retry finds them, whatever has become of the project's own."""

    def refuse(*_: object) -> None:
        raise MlflowException("no")

    with monkeypatch.context() as patched:
        patched.setattr(logged_model, "_link_metrics", refuse)
        with pytest.raises(NotPackagedError):
            project.run()
    failed = by_status(client)["FAILED"]
    for file in (project.path / "data").rglob("*.pkl"):
        if file.is_file():
            file.write_bytes(b"rewritten")

    done = project.command("autolog", "package", "--run-id", str(failed.source_run_id))

    assert done.returncode == 0, done.stderr
    assert list(Path(str(failed.artifact_location).removeprefix("file://")).rglob("scaler.pkl"))
    loaded = load(client, by_status(client)["READY"].model_id)
    assert len(loaded.predict(pd.DataFrame({"x": [1]}))) == 1


def test_the_command_that_the_message_names_gives_a_model_in_the_same_run(
    project: KedroProject, client: MlflowClient
) -> None:
    """What was staged is packaged, although it is gone from the catalog; the run tells of no failure any more."""
    run = train_without_a_model(project, client)
    (project.path / "data" / "scaler.pkl").unlink()

    done = project.command("autolog", "package", "--run-id", run.info.run_id)

    assert done.returncode == 0, done.stderr
    ready = by_status(client)["READY"]
    assert f"'prices' is READY as models:/{ready.model_id}." in done.stdout
    assert ready.source_run_id == run.info.run_id
    (after,) = runs(client)
    assert after.info.status == "FINISHED"
    assert "kedro_autolog_pipeline.failure.prices" not in after.data.tags
    loaded = load(client, ready.model_id)
    assert loaded.predict(pd.DataFrame({"x": [9]}))["prediction"].tolist() == [-1.0]
    assert {path.name for path in (project.path / ".autolog_pipeline").iterdir()} == {".gitignore", "written"}


def test_a_run_keeps_what_another_checkout_needs_to_package_it(project: KedroProject, client: MlflowClient) -> None:
    """Without the staging directory, the run's own record tells what it saved, and the catalog holds it."""
    run = train_without_a_model(project, client)
    for file in (project.path / ".autolog_pipeline").rglob("*"):
        if file.is_file():
            file.unlink()

    done = project.command("autolog", "package", "--run-id", run.info.run_id)

    assert done.returncode == 0, done.stderr
    assert by_status(client)["READY"].source_run_id == run.info.run_id


def test_what_is_not_the_runs_is_refused(project: KedroProject, client: MlflowClient) -> None:
    """An artifact that was written since the run saved it is named; what is there is no model of this run."""
    project.run(pipelines=["data_processing"])
    project.run(pipelines=["training"])
    (run,) = runs(client)
    (project.path / "data" / "scaler.pkl").write_bytes(b"another one, of another size and time")

    failure = repackage(Request(run.info.run_id, project.path)).failure

    assert isinstance(failure, NotPackagedError)
    assert "'scaler'" in str(failure)
    assert len(client.search_logged_models([run.info.experiment_id], filter_string="name = 'prices'")) == 2
    assert "FAILED" in by_status(client)


def test_what_the_run_gave_before_is_told_by_its_digest(project: KedroProject, client: MlflowClient) -> None:
    """Where no time or inode tells, the SHA-256 of what was packaged does."""
    project.run(pipelines=["data_processing"])
    project.run(pipelines=["training"])
    (run,) = runs(client)
    file = project.path / "data" / "scaler.pkl"
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[-10] ^= 1
    with file.open("r+b") as stream:
        stream.write(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    failure = repackage(Request(run.info.run_id, project.path)).failure

    assert f"is not what run '{run.info.run_id}' was packaged with before: its SHA-256 was" in str(failure)


def test_the_version_and_the_parameters_are_those_of_the_run(project: KedroProject, client: MlflowClient) -> None:
    """A later run with other parameters has saved a newer version; the earlier run still gets its own."""
    project.run(pipelines=["data_processing"])
    project.write_config("catalog", {**CATALOG, "scaler": {**CATALOG["scaler"], "versioned": True}})
    project.run(pipelines=["training"], runtime_params={"training.factor": 2.0, "offset": 10.0})
    (first,) = runs(client)
    time.sleep(0.01)
    project.run(pipelines=["training"])

    packaging = repackage(Request(first.info.run_id, project.path, models=("prices",)))

    (model,) = packaging.ready
    again = load(client, model.uri).predict(pd.DataFrame({"x": [9, 10]}))["prediction"].tolist()
    assert again == pytest.approx([7.0, 13.0])
    assert client.get_logged_model(model.uri.removeprefix("models:/")).source_run_id == first.info.run_id


def test_a_training_that_failed_after_it_had_saved_its_model_can_be_packaged(
    project: KedroProject, client: MlflowClient
) -> None:
    """A node behind the model fails: the run is FAILED, and holds a READY model when its user asks for it."""
    project.write_pipeline(
        "training", TRAINING.replace("    if mlflow", "    raise RuntimeError('no plot')\n    if mlflow")
    )
    project.run(pipelines=["data_processing"])
    with pytest.raises(RuntimeError, match="no plot"):
        project.run(pipelines=["training"])
    (run,) = runs(client)

    packaging = repackage(Request(run.info.run_id, project.path))

    assert packaging.failure is None
    assert by_status(client)["READY"].source_run_id == run.info.run_id
    assert [run.info.status for run in runs(client)] == ["FAILED"]


def test_a_run_that_saved_nothing_has_nothing_to_package(project: KedroProject, client: MlflowClient) -> None:
    """A run of which no record tells is refused by the names of the artifacts, and taken when its user insists."""
    project.run(pipelines=["data_processing"])
    project.write_models({"prices": MODEL}, enabled=False)
    project.run(pipelines=["training"])
    project.write_models({"prices": MODEL})
    foreign = client.create_run(client.create_experiment("elsewhere")).info.run_id

    with pytest.raises(RunRecordError) as caught:
        repackage(Request(foreign, project.path))
    packaging = repackage(Request(foreign, project.path, unrecorded=True))

    assert str(caught.value) == (
        f"Cannot package run '{foreign}' again: no record shows that it saved 'model'.\n"
        "  no record shows that it saved 'scaler'.\n"
        "  Add '--unrecorded' to package what the catalog holds anyway, or train again."
    )
    assert packaging.failure is None
    store = Path(by_status(client)["READY"].artifact_location.removeprefix("file://"))
    manifest = json.loads((store / "manifest.json").read_text(encoding="utf-8"))
    assert [artifact["from_this_run"] for artifact in manifest["artifacts"]] == [False, False]


def test_mistakes_of_the_command_are_told(project: KedroProject, client: MlflowClient) -> None:
    """A run that is not there, a model that is not configured, and a project without our part."""
    run = train_without_a_model(project, client)

    with pytest.raises(TrackingError, match="Cannot find run 'nowhere' at 'sqlite:"):
        repackage(Request("nowhere", project.path))
    with pytest.raises(RunRecordError, match=r"--model: there is no 'costs'\. There are: 'prices'\."):
        repackage(Request(run.info.run_id, project.path, models=("costs",)))
    project.write_models({"prices": MODEL}, enabled=False)
    done = project.command("autolog", "package", "--run-id", run.info.run_id)

    assert done.returncode == 1
    assert "autolog_pipeline: there is none, or it is not enabled" in done.stderr


def test_the_environment_and_the_command_line_of_the_run_are_taken(project: KedroProject, client: MlflowClient) -> None:
    """What led to the run's files leads to them again, from the record on this machine and from the one in the run."""
    catalog = {**CATALOG, "scaler": {**CATALOG["scaler"], "filepath": "data/${runtime_params:shop,none}.pkl"}}
    project.write_config("catalog", catalog)
    project.write_config("parameters", {"offset": 7.0}, env="night")
    project.run(pipelines=["data_processing"])
    project.write_pipeline("inference", BROKEN)
    with pytest.raises(NotPackagedError) as caught:
        project.run(pipelines=["training"], env="night", runtime_params={"shop": "berlin"})
    project.write_pipeline("inference", INFERENCE)
    (run,) = runs(client)

    for _ in ("from this machine", "from the run"):
        refused = project.command("autolog", "package", "--run-id", run.info.run_id)
        done = project.command("autolog", "package", "--run-id", run.info.run_id, "--params", "shop=berlin")

        assert refused.returncode == 1
        assert (
            f"Cannot package run '{run.info.run_id}' again: '--params' gave it 'shop', whose values are not recorded, "
            "for no pipeline reads them.\n  Give them again:\n  kedro autolog package "
        ) in refused.stderr
        assert done.returncode == 0, done.stderr
        (uri,) = re.findall(r"is READY as (models:/\S+)\.", done.stdout)
        assert load(client, uri).predict(pd.DataFrame({"x": [9]}))["prediction"].tolist() == [5.5]
    assert f"kedro autolog package --run-id {run.info.run_id} --env night --params shop=..." == caught.value.retry


def test_what_no_pipeline_reads_of_the_command_line_is_written_nowhere(
    project: KedroProject, client: MlflowClient
) -> None:
    """A password that the configuration is made of is in no record, in the run or on this machine."""
    project.write_config("catalog", {**CATALOG, "raw": {**CATALOG["raw"], "metadata": "${runtime_params:word,none}"}})
    project.run(pipelines=["data_processing"])
    project.write_pipeline("inference", BROKEN)
    given = {"word": "S3CRET", "training": {"factor": 3.0, "unread": "S3CRET"}}

    with pytest.raises(NotPackagedError):
        project.run(pipelines=["training"], runtime_params=given)

    (run,) = runs(client)
    directory = project.path / ".autolog_pipeline" / run.info.run_id
    record = json.loads((directory / "run.json").read_text())
    assert {"training": {"factor": 3.0}} == record["runtime_params"]
    assert ["word", "training.unread"] == record["withheld"]
    kept = [*directory.rglob("*"), *(project.path / "mlartifacts").rglob("*"), project.path / "mlflow.db"]
    assert not [file for file in kept if file.is_file() and b"S3CRET" in file.read_bytes()]


@pytest.mark.parametrize("env", ["../../elsewhere", "/etc", "C:\\elsewhere", "base/../.."])
def test_an_environment_that_leads_elsewhere_is_not_followed(
    project: KedroProject, client: MlflowClient, env: str
) -> None:
    """Whoever can write to the artifact store does not choose the configuration."""
    run = train_without_a_model(project, client)
    file = project.path / ".autolog_pipeline" / run.info.run_id / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "env": env}))

    with pytest.raises(RunRecordError, match=r"its record names the environment .*, which is none\. Name the one that"):
        repackage(Request(run.info.run_id, project.path))


def test_what_was_in_memory_is_taken_from_the_ready_model(project: KedroProject, client: MlflowClient) -> None:
    """A model can be packaged again as long as one of the run holds what was in memory, and no longer."""
    project.write_config("catalog", {name: entry for name, entry in CATALOG.items() if name != "scaler"})
    project.run(pipelines=["data_processing"])
    project.run(pipelines=["training"])
    first = by_status(client)["READY"]
    request = Request(str(first.source_run_id), project.path, models=("prices",))

    (again,) = repackage(request).ready
    answers = [load(client, uri).predict(pd.DataFrame({"x": [9]})) for uri in (f"models:/{first.model_id}", again.uri)]
    for model in client.search_logged_models([first.experiment_id]):
        client.finalize_logged_model(model.model_id, "FAILED")

    with pytest.raises(RunRecordError) as caught:
        repackage(request)

    pd.testing.assert_frame_equal(*answers)
    assert f"{caught.value}" == (
        f"Cannot package run '{first.source_run_id}' again: 'scaler' was in memory alone, and no READY model of the "
        "run holds it.\n  Train again."
    )


def test_a_killed_packaging_is_settled_and_finished_by_the_retry(project: KedroProject, client: MlflowClient) -> None:
    """After SIGKILL nothing of ours has run: the retry marks the old model FAILED, and ends the run."""
    exit_code = train_until(project, signal.SIGKILL, "inference", INFERENCE, "    return (scaled")
    project.write_pipeline("inference", INFERENCE)
    (run,) = runs(client)
    left = {str(model) for model in by_status(client)}

    packaging = repackage(Request(run.info.run_id, project.path))

    assert exit_code == -signal.SIGKILL
    assert left == {"PENDING"}
    assert run.info.status == "RUNNING"
    assert packaging.failure is None
    assert set(by_status(client)) == {"FAILED", "READY"}
    assert by_status(client)["FAILED"].tags["kedro_autolog_pipeline.failure"] == (
        "The process that packaged it ended before it could finish."
    )
    assert [run.info.status for run in runs(client)] == ["FINISHED"]


def test_the_run_of_a_killed_training_is_ended_by_the_retry(project: KedroProject, client: MlflowClient) -> None:
    """Its process is seen to be gone; what it had saved by then is a model all the same."""
    project.run(pipelines=["data_processing"])
    project.write_pipeline(
        "training", re.sub(r"(def evaluate\(.*\):\n)", r"\1    import os; os.kill(os.getpid(), 9)\n", TRAINING)
    )
    killed = project.run_command("training")
    (run,) = runs(client)

    packaging = repackage(Request(run.info.run_id, project.path))

    assert killed.returncode == -signal.SIGKILL
    assert packaging.failure is None
    assert set(by_status(client)) == {"READY"}
    assert [("RUNNING", "KILLED")] == [(run.info.status, after.info.status) for after in runs(client)]


def test_a_killed_packaging_is_settled_by_the_next_training(project: KedroProject, client: MlflowClient) -> None:
    """Whoever forgets the retry still has no model that seems to be in the making for ever."""
    project.run(pipelines=["data_processing"])
    project.write_pipeline(
        "inference",
        INFERENCE.replace("    return (scaled", "    import os; os.kill(os.getpid(), 9)\n    return (scaled"),
    )
    project.run_command("training")
    project.write_pipeline("inference", INFERENCE)
    left = by_status(client)["PENDING"].model_id

    project.run(pipelines=["training"])

    after = by_status(client)
    assert set(after) == {"FAILED", "READY"}
    assert after["FAILED"].model_id == left


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a process can handle.")
def test_sigterm_leaves_nothing_pending(project: KedroProject, client: MlflowClient) -> None:
    """A container that is stopped during packaging leaves a FAILED model, and says how to go on."""
    exit_code = train_until(project, signal.SIGTERM, "inference", INFERENCE, "    return (scaled")

    assert exit_code == 128 + signal.SIGTERM
    assert set(by_status(client)) == {"FAILED"}
    (run,) = runs(client)
    assert run.info.status == "FINISHED"
    assert run.data.tags["kedro_autolog_pipeline.failure.prices"].startswith("GATHER: Cannot gather what goes into ")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a process can handle.")
def test_sigterm_during_training_ends_the_run_killed(project: KedroProject, client: MlflowClient) -> None:
    """A training that a scheduler stops is KILLED, as one that its user stops."""
    exit_code = train_until(project, signal.SIGTERM, "training", TRAINING, '    return {"mean"')

    assert exit_code == 128 + signal.SIGTERM
    assert [run.info.status for run in runs(client)] == ["KILLED"]


def test_nodes_that_ran_one_process_each_are_packaged_together(project: KedroProject, client: MlflowClient) -> None:
    """A scheduler runs each node in a process of its own, all in the run that MLFLOW_RUN_ID names.

    What the node that evaluates logs is in the run, no node warns of the others, and the last task ends the run.
    """
    given = client.create_run(client.create_experiment("schedule")).info.run_id
    project.write_pipeline("training", NAMED_TRAINING)
    project.run(pipelines=["data_processing"])
    pipeline = ["--pipelines" if KEDRO_VERSION >= (1, 2) else "--pipeline", "training"]
    for node in ("fit_scaler", "fit_model", "evaluate"):
        done = project.command("run", *pipeline, "--nodes", node, env={"MLFLOW_RUN_ID": given})
        assert done.returncode == 0, done.stderr
        assert "will not be packaged" not in done.stdout + done.stderr
    between = client.get_run(given)

    packaged = project.command("autolog", "package", "--run-id", given)
    as_given = client.get_run(given).info.status
    ended = project.command("autolog", "package", "--run-id", given, "--end-run")

    assert packaged.returncode == 0, packaged.stderr
    assert ended.returncode == 0, ended.stderr
    assert {"error"} == between.data.metrics.keys()
    assert "RUNNING" == between.info.status == as_given
    assert "FINISHED" == client.get_run(given).info.status
    ready = by_status(client)["READY"]
    assert ready.source_run_id == given
    assert load(client, ready.model_id).predict(pd.DataFrame({"x": [9]})).shape == (1, 1)


def test_a_run_whose_model_was_deleted_is_packaged_again(project: KedroProject, client: MlflowClient) -> None:
    """MLflow lists the deleted model among the outputs of its run, and gives it to nobody."""
    project.run()
    (model,) = models(client)
    client.delete_logged_model(model.model_id)

    (again,) = repackage(Request(str(model.source_run_id), project.path)).ready

    (ready,) = models(client)
    assert "READY" == ready.status
    assert f"models:/{ready.model_id}" == again.uri
