"""Tests of adding a pair to the text of ``mlflow.yml``."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kedro_autolog_pipeline.proposal.mlflow_yml import NewPair, add_pairs

PAIR = NewPair("houses", "training", "inference", ("instances",), ("scores",), ("What to know.",))
WRITTEN = {"training": "training", "inference": "inference", "input_name": "instances", "metrics": ["scores"]}

FILES = {
    "missing": "",
    "comments alone": "# nothing yet\n",
    "kedro-mlflow's": "# theirs\nserver:\n    mlflow_tracking_uri: null  # here\n\ntracking:\n- no list\n# the end",
    "our key, without models": "autolog_pipeline:\n    on_failure: warn # for now\n\nui:\n  port: 1\n",
    "models": "autolog_pipeline:\n  models:\n      a: {training: t}\n      b:\n          training: t # yes\n  # end\n",
    "several lines": "autolog_pipeline:\n models:\n  a:\n   tags:\n    note: |\n     one\n\n     two\n  # end\n",
    "carriage returns": "server:\r\n  credentials: null\r\n",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_every_line_stays_and_the_pair_is_there(text: str) -> None:
    """Taking the new lines away gives the file as it was, and the file means what it meant and the pair."""
    added = add_pairs(text, [PAIR])

    assert added is not None
    after = added.splitlines()
    rest = iter(after)
    assert all(line in rest for line in text.splitlines())
    was: dict[str, Any] = yaml.safe_load(text) or {}
    now = yaml.safe_load(added)
    assert WRITTEN == now["autolog_pipeline"]["models"].pop("houses")
    assert was.pop("autolog_pipeline", {}).get("models", {}) == now.pop("autolog_pipeline")["models"]
    assert was == now


def test_it_says_what_each_line_is_for() -> None:
    """A reader needs no other page."""
    assert (
        "# After a run of a training pipeline, its inference pipeline is an MLflow model in the same MLflow run.\n"
        "autolog_pipeline:\n"
        "  # One entry for each model: the pipeline that trains it, and the pipeline that predicts with it.\n"
        "  models:\n"
        "    # The logged model's name.\n"
        "    houses:\n"
        "      # What to know.\n"
        "      # The registered pipeline whose run trains the model.\n"
        "      training: training\n"
        "      # The registered pipeline that becomes the model.\n"
        "      inference: inference\n"
        "      # What a request supplies at predict time.\n"
        "      input_name: instances\n"
        "      # Datasets that look like metrics: their numbers are logged to the run and linked to the model.\n"
        "      metrics: [scores]\n"
    ) == add_pairs("", [PAIR])


@pytest.mark.parametrize("text", ["autolog_pipeline: {models: {}}\n", "autolog_pipeline: null\n", "- a list\n"])
def test_a_form_that_takes_no_lines_is_told(text: str) -> None:
    """Rather than written anew."""
    assert add_pairs(text, [PAIR]) is None


def test_a_name_that_yaml_would_read_otherwise_is_quoted() -> None:
    """Several inputs are a list."""
    added = add_pairs("", [NewPair("1", "yes", "a: b", ("null", "x"))])

    assert added is not None
    assert {"1": {"training": "yes", "inference": "a: b", "input_name": ["null", "x"]}} == yaml.safe_load(added)[
        "autolog_pipeline"
    ]["models"]
