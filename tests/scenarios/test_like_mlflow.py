"""A run and a model of ours beside those that MLflow's own functions leave on the same store, field by field."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import git
import kedro
import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.data.pandas_dataset import from_pandas
from mlflow.pyfunc.model import PythonModel

from kedro_project import KEDRO_VERSION, MODEL, TRAINING, KedroProject
from mlflow_store import models, runs


class _Line(PythonModel):
    """What somebody would log by hand."""

    def predict(
        self,
        context: Any,  # noqa: ARG002 - as MLflow calls it
        model_input: Any,
        params: dict[str, Any] | None = None,  # noqa: ARG002 - as MLflow calls it
    ) -> Any:
        """Answer."""
        return model_input


_CHOSEN = "Which values a node logs, and which names a user chooses, is theirs."

_OURS = "Says what MLflow's own functions say of no run: what was run, in which environment, by which versions."

_PROOF = "Says what was proven of the model, in which state it is, and what its files are."

_DIGEST = "MLflow's own takes forty times as long: it asks each cell for its type."

DIFFERENCES: Mapping[str, str] = {
    "run/run_name": "Two words by chance tell nobody which run it was.",
    "run/tags/mlflow.runName": "As the run's name.",
    "run.input[0]/dataset/digest": _DIGEST,
    "run/tags/kedro.command": _OURS,
    "run/tags/kedro.environment": _OURS,
    "run/tags/kedro.pipelines": _OURS,
    "run/tags/kedro.run_id": _OURS,
    "run/tags/kedro.version": _OURS,
    "run/tags/kedro_autolog_pipeline.mlflow_version": _OURS,
    "run/tags/kedro_autolog_pipeline.python_version": _OURS,
    "run/tags/kedro_autolog_pipeline.version": _OURS,
    "run.input[1]/dataset/digest": _DIGEST,
    "run.input[1]/tags/mlflow.data.context": "MLflow does not say that a metric was measured on it.",
    "model/metrics[0]/dataset_digest": _DIGEST,
    "model/tags/kedro_autolog_pipeline.manifest_sha256": _PROOF,
    "model/tags/kedro_autolog_pipeline.packaging_seconds": _PROOF,
    "model/tags/kedro_autolog_pipeline.process": _PROOF,
    "model/tags/kedro_autolog_pipeline.skew": _PROOF,
    "model/tags/kedro_autolog_pipeline.state": _PROOF,
    "model/tags/kedro_autolog_pipeline.verification": _PROOF,
    "model/tags/kedro_autolog_pipeline.verification.http": _PROOF,
    "model/tags/kedro_autolog_pipeline.verification.intermediates": _PROOF,
    "model/tags/kedro_autolog_pipeline.verification.nullable": _PROOF,
    "model/tags/kedro_autolog_pipeline.verification.single_row": _PROOF,
    "model/tags/kedro_autolog_pipeline.verification_detail": _PROOF,
    "model/tags/mlflow.modelVersions": _CHOSEN,
    "model/tags/mlflow.note.content": "The description of the model, which log_model has none of.",
    "version/description": "As the model's description.",
    "version/name": _CHOSEN,
    "version/tags/kedro_autolog_pipeline.manifest_sha256": _PROOF,
    "registered model/name": _CHOSEN,
}
"""Why ours has another value, or one where MLflow's has none, or none where MLflow's has one."""

_NEVER_THE_SAME = frozenset(
    {
        "artifact_location",
        "artifact_uri",
        "creation_timestamp",
        "end_time",
        "last_updated_timestamp",
        "model_id",
        "run_id",
        "source",
        "source_run_id",
        "start_time",
        "timestamp",
    }
)


def test_each_field_is_as_mlflow_leaves_it_or_has_a_reason(project: KedroProject, client: MlflowClient) -> None:
    """Of the run, its inputs and outputs, the logged model, the registered model and its version."""
    project.write_pipeline("training", _measuring('[{"error": error}]', "metrics"))
    options = {"registered_model_name": "prices", "alias": "champion", "metrics": ["metrics"]}
    project.write_models({"prices": {**MODEL, **options}})
    project.run()
    (model,) = models(client)
    ours = dict(_fields(client, model.model_id, "prices"))
    theirs = dict(_fields(client, _log_by_hand(client, project), "by_hand"))

    differing = {name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)}

    assert set(DIFFERENCES) == differing


def test_the_tags_of_a_run_tell_what_was_run(project: KedroProject, client: MlflowClient) -> None:
    """The command without a value that no pipeline reads, which may be a secret; and the code, which was changed."""
    (project.path / ".gitignore").write_text("mlflow.db\n.telemetry\n", encoding="utf-8")
    with git.Repo.init(project.path) as repository:
        repository.index.add([".gitignore", "pyproject.toml"])
        author = git.Actor("shop", "shop@example.com")
        commit = repository.index.commit("Begin", author=author, committer=author)
    with (project.path / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    given = {"training": {"factor": 2.0}, "password": "hunter2"}

    project.run(pipelines=["__default__"], env="local", runtime_params=given)

    (run,) = runs(client)
    option = "--pipelines" if KEDRO_VERSION >= (1, 2) else "--pipeline"
    command = f"kedro run {option} __default__ --env local --params training.factor=2.0,password=..."
    assert {
        "kedro.command": command,
        "kedro.environment": "local",
        "kedro.version": kedro.__version__,
        "kedro_autolog_pipeline.git_dirty": "true",
        "kedro_autolog_pipeline.mlflow_version": mlflow.__version__,
        "mlflow.source.git.commit": commit.hexsha,
    }.items() <= run.data.tags.items()
    assert "hunter2" not in f"{run.to_dictionary()}"
    (model,) = models(client)
    assert commit.hexsha == model.tags["mlflow.source.git.commit"]


def test_each_model_of_a_run_has_its_own_metrics(
    project: KedroProject, client: MlflowClient, records: list[logging.LogRecord]
) -> None:
    """With the dataset that they were measured on; what is no number is a remark, and costs no model."""
    values = '{"error": {"mean": error}, "verdict": "good"}, {"error": {"mean": -error, "most": float("nan")}}'
    project.write_pipeline("training", _measuring(values, "first", "second"))
    model = {**MODEL, "verify": False}
    project.write_models({"one": {**model, "metrics": ["first"]}, "other": {**model, "metrics": ["second"]}})

    project.run()

    (run,) = runs(client)
    assert {"error.mean"} == run.data.metrics.keys()
    one, other = ((metric,) for logged in models(client) for metric in logged.metrics or ())
    assert ("error.mean", 29.5, "table") == (one[0].key, one[0].value, one[0].dataset_name)
    assert ("error.mean", -29.5, "table") == (other[0].key, other[0].value, other[0].dataset_name)
    assert ["READY", "READY"] == [str(each.status) for each in models(client)]
    said = " ".join(record.getMessage() for record in records if record.levelno == logging.WARNING)
    assert "'verdict' of 'first' holds the text 'good', which is no number and is not logged." in said
    assert "'error.most' of 'second' is nan, which is not logged." in said


def _measuring(values: str, *datasets: str) -> str:
    """Give the training, its evaluation returning values instead of logging one."""
    logging_itself = '    if mlflow.active_run():\n        mlflow.log_metric("error", error)'
    evaluating = TRAINING.replace(logging_itself, f"    return {values}")
    return evaluating.replace('"model"], None)', f'"model"], {[*datasets]!r})')


def _log_by_hand(client: MlflowClient, project: KedroProject) -> str:
    mlflow.set_tracking_uri(f"sqlite:///{project.path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(project.package)
    assert experiment is not None
    raw = pd.read_csv(project.path / "data" / "raw.csv")
    with warnings.catch_warnings(), mlflow.start_run(experiment_id=experiment.experiment_id):
        # MLflow's own functions warn of what they do themselves.
        warnings.simplefilter("ignore")
        dataset = from_pandas(raw, source="data/raw.csv", name="raw")
        mlflow.log_input(dataset, context="training")
        table = from_pandas(pd.read_csv(project.path / "data" / "table.csv"), source="data/table.csv", name="table")
        mlflow.log_params({"training.factor": 1.0, "offset": 0.5})
        info = mlflow.pyfunc.log_model(
            name="prices", python_model=_Line(), registered_model_name="by_hand", input_example=raw[["x"]]
        )
        mlflow.log_metric("error", 29.5, model_id=info.model_id, dataset=table)
    client.set_registered_model_alias("by_hand", "champion", "1")
    return str(info.model_id)


def _fields(client: MlflowClient, model_id: str, registered_name: str) -> Iterator[tuple[str, Any]]:
    """Yield every field of everything that logging a model leaves; of what is never the same twice, its type."""
    model = client.get_logged_model(model_id)
    run = client.get_run(str(model.source_run_id))
    version = client.get_model_version_by_alias(registered_name, "champion")
    described = {
        "run": {**dict(run.info), **run.data.to_dictionary()},
        "run.input": [] if run.inputs is None else [each.to_dictionary() for each in run.inputs.dataset_inputs],
        "run.output": [] if run.outputs is None else [dict(each) for each in run.outputs.model_outputs],
        "model": {**model.to_dictionary(), "metrics": [each.to_dictionary() for each in model.metrics or ()]},
        "version": dict(version),
        "registered model": {**dict(client.get_registered_model(registered_name)), "latest_versions": None},
    }
    yield from _flat(described, "")


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}/{key}" if path else str(key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _flat(item, f"{path}[{position}]")
    elif path.rpartition("/")[2] in _NEVER_THE_SAME:
        yield path, type(value)
    else:
        yield path, value
