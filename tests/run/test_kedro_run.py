"""Tests of run.kedro_run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kedro.framework.hooks import hook_impl
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro.pipeline.node import Node
from kedro.runner import SequentialRunner
from kedro_datasets.json import JSONDataset

from kedro_autolog_pipeline.run.kedro_run import KedroRun


def work(*values: Any) -> Any:
    """Stand for whatever a node computes."""
    return values


def fit() -> list[int]:
    """Give data."""
    return [1]


def grow(data: list[int]) -> list[int]:
    """Give more data."""
    return [*data, 1]


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


CHAIN = Pipeline(
    [
        node(fit, None, "scaler", name="scale"),
        node(grow, "scaler", "scaled", name="transform"),
        node(grow, "scaled", "model", name="fit"),
        node(grow, "model", "score@json", name="evaluate"),
        node(print, "model", None, name="report"),
    ]
)


@pytest.mark.parametrize("only_missing", [True, False])
@pytest.mark.parametrize("existing", [[], ["scaler"], ["model"], ["scaler", "model"], ["scaler", "model", "score"]])
def test_the_nodes_to_run_are_those_that_kedro_runs(tmp_path: Path, existing: list[str], *, only_missing: bool) -> None:
    """With `--only-missing-outputs` it skips those whose outputs exist, unless one that it runs needs more of them."""
    catalog = DataCatalog(
        {
            name: JSONDataset(filepath=str(tmp_path / f"{name.partition('@')[0]}.json"))
            for name in ("scaler", "model", "score@json")
        }
    )
    for name in existing:
        (tmp_path / f"{name}.json").write_text("[0]")
    run = KedroRun("r", ("training",), tmp_path, only_missing, CHAIN, catalog)
    ran: set[str] = set()

    class Recorder:
        """Hears of each node that runs."""

        @hook_impl
        def before_node_run(self, node: Node) -> None:
            """Keep its name."""
            ran.add(node.name)

    expected = run.nodes_to_run()
    manager = _create_hook_manager()
    manager.register(Recorder())
    SequentialRunner().run(CHAIN, catalog, hook_manager=manager, only_missing_outputs=only_missing)

    assert {node.name for node in expected} == ran
    assert only_missing or len(CHAIN.nodes) == len(ran)


def test_a_dataset_stands_for_all_its_names() -> None:
    """What a node writes under one name of a transcoded dataset is found under each of them."""
    run = KedroRun("r", ("training",), Path(), only_missing_outputs=False, pipeline=CHAIN, catalog=DataCatalog())

    assert ["model", "score@json"] == run.written_as(["score", "model@json", "instances"])
