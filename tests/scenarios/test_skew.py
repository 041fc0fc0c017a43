"""What is found of an inference pipeline that has come apart from its training, in a project like the demo."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project
from mlflow import MlflowClient

from kedro_autolog_pipeline.cli.check import check
from kedro_autolog_pipeline.errors import NotPackagedError
from kedro_autolog_pipeline.lifecycle.repackaging import Request, repackage
from kedro_project import CATALOG, KedroProject, write_project
from mlflow_store import models

FEATURES = """
import pandas as pd

def fill(table, medians):
    return table.fillna(medians)

def encode(filled, islands):
    dummies = {f"island_{name}": (filled["island"] == name).astype(float) for name in islands}
    return filled.drop(columns=["island", *({"label"} & {*filled.columns})]).assign(**dummies)

def scale(encoded, scaler):
    return (encoded[list(scaler)] - pd.Series(scaler)).assign(**encoded.drop(columns=list(scaler)))

def score(scaled, model):
    known = scaled.reindex(columns=list(model), fill_value=0.0)
    return (known * pd.Series(model)).sum(axis="columns").to_frame("score")

def decide(scores, threshold):
    return scores.assign(is_large=scores["score"] > threshold)
"""

TRAINING = """
from kedro.pipeline import Pipeline, node
from {package}.features import decide, encode, fill, scale, score

def fit_medians(table):
    return table[["x", "y"]].median().to_dict()

def fit_islands(table):
    return sorted(table["island"].unique())

def fit_scaler(encoded):
    return encoded[["x", "y"]].mean().to_dict()

def fit_model(scaled):
    return {{name: float(number) for number, name in enumerate(scaled.columns, 1)}}

def create_pipeline(**kwargs):
    return Pipeline([
        node(fit_medians, "table", "medians"),
        node(fit_islands, "table", "islands"),
        node(fill, ["table", "medians"], "filled", name="train_fill"),
        node(encode, ["filled", "islands"], "encoded", name="train_encode"),
        node(fit_scaler, "encoded", "scaler"),
        node(scale, ["encoded", "scaler"], "scaled", name="train_scale"),
        node(fit_model, "scaled", "model"),
        node(score, ["scaled", "model"], "train_scores", name="train_score"),
        node(decide, ["train_scores", "params:threshold"], "train_decisions", name="train_decide"),
    ])
"""

INFERENCE = """
from kedro.pipeline import Pipeline, node
from {package}.features import decide, encode, fill, scale, score

{more}

def create_pipeline(**kwargs):
    return Pipeline([
        node(fill, ["instances", "medians"], "filled_instances", name="fill"),
        node(encode, ["filled_instances", "islands"], "encoded_instances", name="encode"),
        node(scale, ["encoded_instances", "scaler"], "scaled_instances", name="scale"),
        node(score, ["scaled_instances", "model"], "scores", name="score"),
        node(decide, ["scores", "params:threshold"], "predictions", name="decide"),
    ])
"""

REGISTRY = """
from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

def register_pipelines():
    pipelines = find_pipelines()
    pipelines["__default__"] = pipelines.get("training", Pipeline([]))
    return pipelines
"""


@attrs.frozen
class Mutation:
    """A way in which an inference pipeline comes apart from its training.

    Attributes:
        old: What stands in the pipeline.
        new: What stands there instead.
        found: What is said of it, from the node on.
        more: Code of the pipeline's module.
    """

    old: str
    new: str
    found: str
    more: str = ""


MUTATIONS = {
    "columns in another order": Mutation(
        'node(encode, ["filled_instances", "islands"], "encoded_instances", name="encode")',
        'node(reversed_columns, ["filled_instances", "islands"], "encoded", name="encode")',
        "node 'encode' gives other values in 'encoded' than training's node 'train_encode' has given in 'encoded': "
        "column 'island_c' is at position 0 in inference and at 4 in training.",
        "def reversed_columns(filled, islands):\n    return encode(filled, islands).iloc[:, ::-1]",
    ),
    "scaler refitted": Mutation(
        'node(scale, ["encoded_instances", "scaler"], "scaled_instances", name="scale")',
        'node(refit, "encoded_instances", "own_scaler", name="refit"),\n'
        '        node(scale, ["encoded_instances", "own_scaler"], "scaled_instances", name="scale")',
        "node 'scale' gives other values in 'scaled_instances' than training's node 'train_scale' has given in "
        "'scaled': column 'x' differs in 300 of 300 rows, first at index 0: ",
        "def refit(encoded):\n    return encoded[['x', 'y']].mean().to_dict()",
    ),
    "mean for median": Mutation(
        'node(fill, ["instances", "medians"], "filled_instances", name="fill")',
        'node(refit, "instances", "own_medians", name="refit"),\n'
        '        node(fill, ["instances", "own_medians"], "filled_instances", name="fill")',
        "node 'fill' gives other values in 'filled_instances' than training's node 'train_fill' has given in "
        "'filled': column 'x' differs in 30 of 300 rows, first at index 7: ",
        "def refit(instances):\n    return instances[['x', 'y']].mean().to_dict()",
    ),
    "a category dropped": Mutation(
        'node(encode, ["filled_instances", "islands"], "encoded_instances", name="encode")',
        'node(without_last, "islands", "some_islands", name="drop"),\n'
        '        node(encode, ["filled_instances", "some_islands"], "encoded_instances", name="encode")',
        "node 'encode' gives other values in 'encoded_instances' than training's node 'train_encode' "
        "has given in 'encoded': column 'island_c' is missing in inference.",
        "def without_last(islands):\n    return islands[:-1]",
    ),
    "another threshold": Mutation(
        '"params:threshold"',
        '"params:inference_threshold"',
        "node 'decide' gives other values in 'predictions' than training's node 'train_decide' has given in "
        "'train_decisions': column 'is_large' differs in ",
    ),
    "a float rounded": Mutation(
        '"scores", name="score")',
        '"exact_scores", name="score"),\n        node(rounded, "exact_scores", "train_scores", name="round")',
        "node 'round' gives other values in 'train_scores' than training's node 'train_score' has given in "
        "'train_scores': column 'score' differs in 300 of 300 rows, first at index 0: -7.8 (inference)",
        "def rounded(scores):\n    return scores.round(1)",
    ),
}


def write_shop(directory: Path, mutation: Mutation | None, **options: Any) -> KedroProject:
    """Write the project: a table of 400 rows with a label, and instances that training has not seen."""
    project = write_project(directory)
    shutil.rmtree(project.path / "src" / project.package / "pipelines" / "data_processing")
    project.write("pipeline_registry.py", REGISTRY)
    project.write("features.py", FEATURES)
    inference = INFERENCE.format(package=project.package, more="" if mutation is None else mutation.more)
    if mutation is not None:
        assert mutation.old in inference
        inference = inference.replace(mutation.old, mutation.new)
        if mutation.found.startswith("node 'round'"):
            inference = inference.replace('node(decide, ["scores"', 'node(decide, ["train_scores"')
        if mutation.found.startswith("node 'encode' gives other values in 'encoded' "):
            inference = inference.replace('["encoded_instances", "scaler"]', '["encoded", "scaler"]')
    project.write_pipeline("inference", inference)
    project.write_pipeline("training", TRAINING.format(package=project.package))
    pickled = {
        name: {"type": "pickle.PickleDataset", "filepath": f"data/{name}.pkl"}
        for name in ("medians", "islands", "scaler", "model")
    }
    project.write_config("catalog", {**{name: CATALOG[name] for name in ("table", "instances")}, **pickled})
    project.write_config("parameters", {"threshold": 0.0, "inference_threshold": 5.0})
    project.write_models(
        {"prices": {"training": "training", "inference": "inference", "input_name": "instances", **options}}
    )
    rows = [f"{'' if n % 10 == 7 else n * n % 97 / 7},{n % 13 / 3},{'abc'[n % 3]},{n % 5}" for n in range(400)]
    (project.path / "data" / "table.csv").write_text("\n".join(["x,y,island,label", *rows]) + "\n")
    (project.path / "data" / "instances.csv").write_text("x,y,island\n1.5,,a\n,2.5,b\n3.5,1.0,c\n")
    return project


@pytest.fixture
def directory(tmp_path: Path, migrated_database: Path, clean_mlflow: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the directory of a project that is written, with a prepared database."""
    (tmp_path / "shop").mkdir()
    shutil.copy(migrated_database, tmp_path / "shop" / "mlflow.db")
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


def skew_tag(directory: Path) -> str:
    """Give what the tag of the only model says."""
    (model,) = models(MlflowClient(f"sqlite:///{directory / 'mlflow.db'}"))
    return model.tags["kedro_autolog_pipeline.skew"]


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_found_by_node_and_column(directory: Path, name: str, records: list[logging.LogRecord]) -> None:
    """A WARNING, a tag and the description say it; the model is READY."""
    project = write_shop(directory, MUTATIONS[name], verify=False)

    project.run()

    tag = skew_tag(directory)
    assert tag.startswith(f"On rows of the training, {MUTATIONS[name].found}")
    (warning,) = [record.getMessage() for record in records if record.levelno == logging.WARNING]
    assert f"It has skew. {tag}" in warning
    (model,) = models(MlflowClient(f"sqlite:///{directory / 'mlflow.db'}"))
    assert "Skew: On rows of the training, node" in model.tags["mlflow.note.content"]


def test_pipelines_that_agree_have_no_skew(directory: Path, records: list[logging.LogRecord]) -> None:
    """The tag says what was compared, and there is no WARNING of it."""
    write_shop(directory, None, skew="error").run()

    assert (
        "None: on rows of the training, 'filled_instances', 'encoded_instances', 'scaled_instances', 'scores', "
        "'predictions' holds what training made of them."
    ) == skew_tag(directory)
    assert [] == [record.getMessage() for record in records if "skew" in record.getMessage()]


def test_skew_may_be_an_error(directory: Path) -> None:
    """The model is FAILED, and the message says what to do."""
    project = write_shop(directory, MUTATIONS["scaler refitted"], skew="error")

    with pytest.raises(NotPackagedError) as raised:
        project.run()

    message = str(raised.value)
    assert "Cannot package 'prices': it has skew. On rows of the training, node 'scale' gives other values" in message
    assert "Have both pipelines compute it alike, or accept the skew by 'skew: warn'." in message
    (model,) = models(MlflowClient(f"sqlite:///{directory / 'mlflow.db'}"))
    assert "FAILED" == str(model.status)


def test_a_retry_does_not_get_around_skew(directory: Path) -> None:
    """It has no rows to compare: it refuses what was refused, and when that is accepted, the model tells of it."""
    project = write_shop(directory, MUTATIONS["scaler refitted"], skew="error")
    with pytest.raises(NotPackagedError) as raised:
        project.run()
    retry = Request(raised.value.run_id, project.path)

    for _ in range(2):
        message = str(repackage(retry).failure)
        assert (
            "Cannot package 'prices': it had skew when the run ended, and a retry has no rows of the training to "
            "compare. On rows of the training, node 'scale' gives other values"
        ) in message
        assert "Have both pipelines compute it alike and train again, or accept the skew by 'skew: warn'." in message

    project.write_models(
        {"prices": {"training": "training", "inference": "inference", "input_name": "instances", "skew": "warn"}}
    )
    packaging = repackage(retry)

    assert packaging.failure is None
    ready = [model for model in models(MlflowClient(f"sqlite:///{directory / 'mlflow.db'}")) if model.status == "READY"]
    assert [
        "Nothing was compared with training: a retry has no rows of it. When the run ended, there was skew. On rows of "
        "the training, node 'scale' gives other values"
    ] == [model.tags["kedro_autolog_pipeline.skew"].partition(" in '")[0] for model in ready]


OTHER_INFERENCE = """
from kedro.pipeline import Pipeline, node

def predict(instances, model):
    return instances.assign(score=model["x"])

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model"], "predictions", name="predict")])
"""


@pytest.mark.parametrize(
    ("inference", "options", "said"),
    [
        (None, {}, "'filled_instances' is compared with training's 'filled'"),
        (None, {"skew": "off"}, "nothing is compared with training: the configuration says so"),
        (
            OTHER_INFERENCE,
            {},
            "nothing is compared with training: the two pipelines have no function of a node and no dataset in common, "
            "or requests have several inputs",
        ),
    ],
    ids=["shared", "off", "nothing is shared"],
)
def test_check_says_what_will_be_compared(
    directory: Path, inference: str | None, options: dict[str, Any], said: str
) -> None:
    """One line for each output, or one that says why there is none."""
    project = write_shop(directory, None, **options)
    if inference is not None:
        project.write_pipeline("inference", inference)

    done = CliRunner().invoke(check, ["--json"], obj=bootstrap_project(project.path))

    document = json.loads(done.stdout.splitlines()[-1])
    assert [] == document["faults"]
    (model,) = document["models"]
    assert said == model["skew"][0]
