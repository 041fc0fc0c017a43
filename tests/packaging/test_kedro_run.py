"""Tests of packaging.kedro_run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.packaging.kedro_run import KedroRun


def work(*values: Any) -> Any:
    """Stand for whatever a node computes."""
    return values


TRAINING = Pipeline([node(work, ["table", "params:size", "parameters"], "model", name="fit")])


def run(params: dict[str, Any], **datasets: Any) -> KedroRun:
    """Give a run of the training pipeline."""
    catalog = DataCatalog({name: MemoryDataset(value) for name, value in datasets.items()})
    return KedroRun.from_hook({"project_path": "/shop", **params}, TRAINING, catalog)


@pytest.mark.parametrize(
    ("params", "run_id", "names"),
    [
        ({"run_id": "r", "pipeline_names": ["a", "b"]}, "r", ("a", "b")),
        ({"run_id": "r", "pipeline_names": []}, "r", ("__default__",)),
        ({"run_id": "r", "pipeline_names": None}, "r", ("__default__",)),
        ({"session_id": "s", "pipeline_name": "a"}, "s", ("a",)),
        ({"session_id": "s", "pipeline_name": None}, "s", ("__default__",)),
        ({"session_id": "s", "run_id": "r", "pipeline_names": ["__default__"]}, "r", ("__default__",)),
    ],
    ids=["1.3+", "1.3+ default", "1.3+ programmatic", "1.0", "1.0 default", "service session"],
)
def test_every_kedro_1_tells_its_run(params: dict[str, Any], run_id: str, names: tuple[str, ...]) -> None:
    """The run's id and the pipelines are found under the names that each version gives them."""
    found = run(params)

    assert found.run_id == run_id
    assert found.pipeline_names == names
    assert found.project_path == Path("/shop")
    assert found.written == {"model"}


def test_parameters_are_those_that_its_nodes_read() -> None:
    """A run's parameters have their path in the files as their name; `parameters` stands for all of them."""
    found = run({}, **{"params:size": 3, "parameters": {"size": 3, "other": {"a": 1}}, "params:unread": 4})

    assert found.parameters() == {"size": 3, "other": {"a": 1}}


@pytest.mark.parametrize(
    ("only_missing", "datasets", "expected"),
    [(True, {"model": 1}, True), (True, {}, False), (False, {"model": 1}, False)],
    ids=["exists", "missing", "all"],
)
def test_a_run_leaves_out_what_exists_only_when_it_is_told_to(
    *, only_missing: bool, datasets: dict[str, Any], expected: bool
) -> None:
    """`--only-missing-outputs` skips nodes whose outputs exist, which is known before they run."""
    found = run({"only_missing_outputs": only_missing}, **datasets)

    assert found.leaves_out(TRAINING) is expected
