"""The inference pipeline is called as the project runs it, and leaves the user's MLflow as it was."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import mlflow
import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node
from mlflow.tracking import fluent

from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.rehearsal.live_pipeline import LivePipeline
from kedro_autolog_pipeline.rehearsal.private_store import private_store
from kedro_autolog_pipeline.serving.manifest import Origin


def test_kedro_finds_out_the_inputs_of_the_pipeline_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many artifacts its runner releases; to ask anew for each took most of the time for 500."""
    calls: Counter[str] = Counter()
    inputs = Pipeline.inputs

    def counted(pipeline: Pipeline) -> set[str]:
        calls["inputs"] += 1
        return inputs(pipeline)

    names = [f"artifact_{number}" for number in range(50)]
    inference = Pipeline([node(lambda x, *artifacts: x + sum(artifacts), ["x", *names], "y")])
    config = ModelConfig(name="sums", training="training", inference="inference")
    origins = {"x": Origin.REQUEST, **dict.fromkeys(names, Origin.TRAINED)}
    live = LivePipeline(
        Pair(config, Pipeline([]), inference, origins), dict.fromkeys(names, lambda: 2), {}, DataCatalog(), tmp_path
    )
    monkeypatch.setattr(Pipeline, "inputs", counted)

    assert 101 == live.rehearse({"x": 1}).output
    assert {"inputs": 1} == calls


def test_what_a_pipeline_sets_in_mlflow_while_it_is_rehearsed_is_the_callers_again(
    clean_mlflow: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow keeps the active experiment under a name of its own, and can be told of none in no other way."""
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "7")
    monkeypatch.setattr(fluent, "_active_experiment_id", "7")

    with private_store(tmp_path):
        before = vars(fluent)["_active_experiment_id"]
        rehearsed = mlflow.set_experiment("rehearsed").experiment_id
        during = vars(fluent)["_active_experiment_id"]

    assert (None, rehearsed) == (before, during)
    assert ("7", "7") == (vars(fluent)["_active_experiment_id"], os.environ["MLFLOW_EXPERIMENT_ID"])
