"""Tests of dependencies.needed_modules."""

from __future__ import annotations

import json
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kedro.pipeline import node

from kedro_autolog_pipeline.dependencies.needed_modules import (
    defining_modules,
    function_seeds,
    loading_modules,
    other_seeds,
    referenced_modules,
)
from kedro_autolog_pipeline.dependencies.search import Seed
from kedro_autolog_pipeline.errors import ModelDefinitionError
from kedro_autolog_pipeline.serving.manifest import ArtifactEntry, Origin
from kedro_autolog_pipeline.serving.snapshots import SnapshotFormat


def double(value: int) -> int:
    """Stand for a node's function."""
    return 2 * value


class Scaler:
    """Stand for a class whose methods are nodes."""

    def scale(self, value: int) -> int:
        """Scale."""
        return value

    def __call__(self, value: int) -> int:
        """Scale as well."""
        return value


def entry(dataset: dict[str, Any], snapshot: SnapshotFormat | None = None) -> ArtifactEntry:
    """Describe an artifact."""
    return ArtifactEntry(
        "model", Origin.TRAINED, "artifacts/model/data", dataset, 1, "", from_this_run=True, snapshot=snapshot
    )


def test_the_modules_of_a_function_are_those_that_it_is_made_of() -> None:
    """A partial is made of its function, a method of its class."""
    assert defining_modules(double) == {__name__}
    assert defining_modules(partial(partial(double), 1)) == {__name__}
    assert defining_modules(Scaler().scale) == {__name__}
    assert defining_modules(Scaler()) == {__name__}


def test_the_modules_that_a_function_refers_to_are_those_of_others() -> None:
    """What the file of a function has imported is known, its own package excepted."""
    referenced = referenced_modules(partial(double))

    assert {"json", "kedro.pipeline.node", "kedro_autolog_pipeline.dependencies.search"} <= referenced
    assert __name__ not in referenced


def test_loading_needs_the_datasets_the_backend_and_what_is_pickled(tmp_path: Path) -> None:
    """A partitioned dataset needs the one of its partitions, whose pickles need their own modules."""
    parts = {
        "type": "kedro_datasets.partitions.partitioned_dataset.PartitionedDataset",
        "dataset": {"type": "kedro_datasets.pickle.pickle_dataset.PickleDataset", "backend": "cloudpickle"},
    }
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Path("a")))

    assert [
        "kedro_datasets.partitions.partitioned_dataset",
        "kedro_datasets.pickle.pickle_dataset",
        "cloudpickle",
        "pathlib",
    ] == loading_modules(entry(parts), tmp_path)


def test_loading_a_snapshot_needs_what_its_format_needs(tmp_path: Path) -> None:
    """A pickle needs what it refers to, too."""
    (tmp_path / "snapshot.pkl").write_bytes(pickle.dumps(Path()))

    assert ["cloudpickle", "pathlib"] == loading_modules(entry({}, SnapshotFormat.PICKLE), tmp_path / "snapshot.pkl")


@pytest.mark.parametrize("validator", ["shop.schemas.Prices", {"class": "shop.schemas.Prices", "severity": "warn"}])
def test_loading_needs_the_module_of_the_validator(tmp_path: Path, validator: Any) -> None:
    """A validator is named by its class, alone or with more."""
    (tmp_path / "model.json").write_text("[1]")

    config = {"type": "shop.datasets.Own", "validator": validator}

    assert ["shop.datasets", "shop.schemas"] == loading_modules(entry(config), tmp_path / "model.json")


def test_each_module_that_a_model_imports_by_itself_has_its_reason() -> None:
    """A node, an artifact, a validator, a runner and hooks are told by name."""
    assert [Seed(__name__, "function of node 'n'"), Seed("json", "function of node 'dump'")] == function_seeds(
        [node(double, "a", "b", name="n"), node(json.dumps, "b", "c", name="dump")]
    )
    assert [
        Seed("kedro_autolog_pipeline.serving.model", "the model itself"),
        Seed("pickle", "loads the artifact 'model'"),
        Seed("shop.schemas", "validator of 'rows'"),
        Seed("kedro.runner.thread_runner", "runner"),
        Seed("shop.hooks", "hooks of 'shop.hooks.Masking'"),
    ] == other_seeds({"model": ["pickle"]}, {"rows": "shop.schemas.Rows"}, "ThreadRunner", ["shop.hooks.Masking"])


def test_a_runner_that_is_none_is_refused() -> None:
    """The error names it."""
    with pytest.raises(ModelDefinitionError, match="there is no runner 'NoRunner'"):
        other_seeds({}, {}, "NoRunner")
