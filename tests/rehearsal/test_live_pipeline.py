"""Tests of packaging.live_pipeline."""

from __future__ import annotations

from collections import Counter

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.rehearsal.live_pipeline import LivePipeline
from kedro_autolog_pipeline.serving.manifest import Origin


def test_kedro_finds_out_the_inputs_of_the_pipeline_once(monkeypatch: pytest.MonkeyPatch) -> None:
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
        Pair(config, Pipeline([]), inference, origins), dict.fromkeys(names, lambda: 2), {}, DataCatalog()
    )
    monkeypatch.setattr(Pipeline, "inputs", counted)

    assert 101 == live.rehearse({"x": 1}).output
    assert {"inputs": 1} == calls
