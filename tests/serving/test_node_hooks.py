"""Tests of serving.node_hooks: hooks in the order in which Kedro's runner calls them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro.runner import SequentialRunner

from kedro_autolog_pipeline.errors import ModelDefinitionError, ModelLoadError
from kedro_autolog_pipeline.serving.node_hooks import hook_manager
from model_package import predictor, write_model_package

EVENTS: list[tuple[Any, ...]] = []


class Masking:
    """Changes data wherever a hook can, and notes what it is called with."""

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any, node: Any) -> None:
        """Change a table in place."""
        EVENTS.append(("loaded", dataset_name, node.name))
        if dataset_name == "rows":
            data["x"] += 100

    @hook_impl
    def before_node_run(self, node: Any, inputs: dict[str, Any]) -> dict[str, Any] | None:
        """Give another value for an input."""
        EVENTS.append(("before", node.name, sorted(inputs)))
        return {"params:offset": 7} if node.name == "shift" else None

    @hook_impl
    def after_node_run(self, node: Any, outputs: dict[str, Any]) -> None:
        """Put another value in the place of an output."""
        EVENTS.append(("after", node.name, sorted(outputs)))
        if node.name == "split":
            outputs["words"] = "masked"

    @hook_impl
    def before_dataset_saved(self, dataset_name: str, node: Any) -> None:
        """Note it."""
        EVENTS.append(("saved", dataset_name, node.name))


class Silent:
    """Has a hook that no model calls."""

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Do nothing."""


def _split(rows: pd.DataFrame) -> tuple[int, str]:
    return int(rows["x"].sum()), "secret"


def _shift(total: int, offset: int) -> dict[str, int]:
    return {"y": total + offset}


def _chunks(number: int) -> Iterator[int]:
    yield number
    yield 2 * number


PIPELINE = Pipeline(
    [
        node(_split, "rows", ["total", "words"], name="split"),
        node(_shift, {"total": "total", "offset": "params:offset"}, {"y": "shifted"}, name="shift"),
        node(_chunks, "shifted", "last", name="chunks"),
    ]
)
MASKING = f"{__name__}.Masking"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this module be imported by its name, and forget what was noted."""
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Masking.__module__])
    EVENTS.clear()


@pytest.mark.parametrize("runner", [None, "SequentialRunner"])
def test_a_model_answers_as_kedro_does_with_the_same_hooks(tmp_path: Path, runner: str | None) -> None:
    """The same calls in the same order, with what each hook changes."""
    rows = pd.DataFrame({"x": [1, 2]})
    catalog = DataCatalog({name: MemoryDataset(value) for name, value in {"rows": rows, "params:offset": 0}.items()})
    live = SequentialRunner().run(PIPELINE, catalog, hook_manager=hook_manager([MASKING]))
    by_kedro = list(EVENTS)
    EVENTS.clear()
    options: dict[str, Any] = {"parameters": {"params:offset": 0}, "hooks": [MASKING], "runner": runner}

    predict = predictor(write_model_package(tmp_path / "package", PIPELINE, request=["rows"], **options))

    outputs = predict(rows)
    assert by_kedro == EVENTS
    assert {"words": "masked", "last": 420} == outputs
    assert outputs == {name: live[name].load() for name in outputs}
    assert [1, 2] == rows["x"].tolist()


def test_a_model_without_hooks_calls_its_functions_themselves(tmp_path: Path) -> None:
    """No hook is called, and the answer is that of the nodes."""
    package = write_model_package(tmp_path / "package", PIPELINE, request=["rows"], parameters={"params:offset": 0})

    assert {"words": "secret", "last": 6} == predictor(package)(pd.DataFrame({"x": [1, 2]}))
    assert [] == EVENTS


@pytest.mark.parametrize(
    ("hook", "cause"),
    [
        ("no.such.Hooks", r"'no\.such\.Hooks' cannot be made \(ModuleNotFoundError"),
        (f"{__name__}.Silent", r"Silent' has no hook that a model calls\. These are called: after_dataset_loaded"),
    ],
)
def test_hooks_that_are_none_are_refused(tmp_path: Path, hook: str, cause: str) -> None:
    """In a project and in a package."""
    with pytest.raises(ModelDefinitionError, match=cause):
        hook_manager([hook])
    with pytest.raises(ModelLoadError, match=cause.partition(r"\. These")[0]):
        predictor(write_model_package(tmp_path / "package", Pipeline([node(_chunks, "x", "y")]), hooks=[hook]))
