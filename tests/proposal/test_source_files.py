"""Tests of the files of a derived pipeline."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.proposal.derivation import derive
from kedro_autolog_pipeline.proposal.source_files import write_sources
from public_like import boosted, rating, separate_prediction


def predict(model: Any, rows: Any) -> Any:
    """Bear the name that a cut function would have."""
    return model.predict(rows)


class Preparation:
    """A class whose function is a node's."""

    @staticmethod
    def add_features(rows: Any) -> Any:
        """Change nothing."""
        return rows


def evaluate(model: Any, rows: Any, y: Any) -> float:
    """Predict by a function of that name."""
    from sklearn.metrics import r2_score

    return float(r2_score(y, predict(model, rows)))


def written(pipeline: Pipeline, directory: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Pipeline, dict[str, str]]:
    """Write what is derived of a pipeline, and import it."""
    sources = write_sources(derive(pipeline), "training")
    package = directory / f"derived_{directory.name}"
    package.mkdir()
    for name, text in sources.items():
        (package / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(directory)
    created: Pipeline = importlib.import_module(package.name).create_pipeline()
    for name in [name for name in sys.modules if name.partition(".")[0] == package.name]:
        monkeypatch.delitem(sys.modules, name)
    return created, sources


def test_the_projects_own_functions_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the form in which the training gives them their inputs."""
    pipeline, sources = written(separate_prediction.training(), tmp_path, monkeypatch)

    assert [separate_prediction.make_predictions, separate_prediction.decode] == [each.func for each in pipeline.nodes]
    assert ({"X_test", "model", "labels"}, {"inference_names"}) == (pipeline.inputs(), pipeline.outputs())
    assert 'inputs={"model": "model", "X_test": "X_test"},' in sources["pipeline.py"]
    assert "# QUESTION 1: 'draw' reads the predictions and is left out." in sources["pipeline.py"]
    assert "# QUESTION 2: A request has the columns of 'X_test'" in sources["pipeline.py"]


def test_a_cut_function_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that it reads."""
    import pandas as pd

    class Counting:
        def predict(self, rows: pd.DataFrame) -> list[int]:
            return [len(rows.columns)] * len(rows)

    pipeline, sources = written(rating.data_science(), tmp_path, monkeypatch)
    (only,) = pipeline.nodes
    rows = pd.DataFrame({"stars": [1.0, None], "rating": [1, 2]})

    assert {"predictions": [1, 1]} == only.run({"model": Counting(), "test_dataset": rows})
    assert "QUESTION" not in sources["pipeline.py"]


def test_one_function_for_two_nodes_is_imported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And parameters keep their names."""
    pipeline, sources = written(boosted.modelling(), tmp_path, monkeypatch)

    assert {"test", "medians", "booster"} == pipeline.inputs()
    assert "from .nodes import add_features, forecast\n" in sources["pipeline.py"]


def test_names_that_clash_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two functions of one name, and one that is called as the cut one would be."""
    nodes = [
        node(Preparation.add_features, "raw", "prepared", name="prepare"),
        node(boosted.add_features, ["prepared", "medians"], "rows", name="fill"),
        node(rating.train_model, ["train", "params:options"], "model", name="fit"),
        node(evaluate, ["model", "rows", "y"], "score", name="evaluate"),
    ]
    pipeline, sources = written(Pipeline(nodes), tmp_path, monkeypatch)

    assert ["prepare", "fill", "predict"] == [each.name.removeprefix("inference_") for each in pipeline.nodes]
    assert [Preparation.add_features, boosted.add_features] == [each.func for each in pipeline.nodes[:2]]
    assert "def predict_only(model: Any, rows: Any):" in sources["nodes.py"]
