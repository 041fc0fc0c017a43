"""Whatever a dataset between two nodes makes of its data, a READY model answers as ``kedro run`` does."""

from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import attrs
import mlflow
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mlflow import MlflowClient
from mlflow.pyfunc import scoring_server

from kedro_autolog_pipeline.verification.questions import as_request
from kedro_project import CATALOG, MODEL, write_project
from mlflow_store import models
from scoring_application import invoke

INFERENCE = """
import pandas as pd
from kedro.pipeline import Pipeline, node

def clean(instances):
    return instances.copy()

def predict(coded, model):
    return pd.DataFrame({{name: [repr(value) for value in column.tolist()] for name, column in coded.items()}})

def create_pipeline(**kwargs):
    return Pipeline([
        node(clean, "instances_{number}", "coded_{number}"),
        node(predict, ["coded_{number}", "model"], "predictions_{number}"),
    ])
"""

DATASETS: dict[str, dict[str, Any]] = {
    "csv": {"type": "pandas.CSVDataset", "save_args": {"index": False}},
    "parquet": {"type": "pandas.ParquetDataset"},
    "json": {"type": "pandas.JSONDataset"},
    "pickle": {"type": "pickle.PickleDataset"},
}

TEXTS = st.text("a07 ,", max_size=4)

# A column's values, and pandas' type of them; None for what pandas finds.
COLUMNS: dict[str, tuple[st.SearchStrategy[Any], str | None]] = {
    "integers": (st.integers(-(10**6), 10**6), "int64"),
    "small integers": (st.integers(-100, 100), "int8"),
    "floats": (st.floats(allow_nan=True, allow_infinity=False, width=32), "float64"),
    "texts": (TEXTS, None),
    "texts and nothing": (st.none() | TEXTS, "object"),
    "booleans": (st.booleans(), "bool"),
    "times": (st.datetimes(pd.Timestamp(2000, 1, 1), pd.Timestamp(2030, 1, 1)), "datetime64[us]"),
    "categories": (st.sampled_from(["a", "b", "7"]), "category"),
    "nullable integers": (st.none() | st.integers(-9, 9), "Int64"),
}


@attrs.frozen
class Case:
    """An inference pipeline with something between its nodes, and rows that it is asked."""

    dataset: str
    rows: pd.DataFrame


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw rows of one to three kinds of columns, and where they are stored on their way."""
    number = draw(st.integers(2, 4))
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=3, unique=True))
    columns = {}
    for kind in kinds:
        values, dtype = COLUMNS[kind]
        drawn = draw(st.lists(values, min_size=number, max_size=number))
        columns[kind] = pd.Series(drawn, dtype=dtype)
    return Case(draw(st.sampled_from(sorted(DATASETS))), pd.DataFrame(columns))


@settings(
    max_examples=int(os.environ.get("INTERMEDIATES", "2")),
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(drawn=st.lists(cases(), min_size=5, max_size=5))
def test_a_ready_model_answers_as_kedro_run_does(
    tmp_path_factory: pytest.TempPathFactory, migrated_database: Path, drawn: list[Case]
) -> None:
    """In Python, and over HTTP where its tag says so; what a file changes on the way makes no READY model."""
    project = write_project(tmp_path_factory.mktemp("intermediates") / "shop")
    shutil.copy(migrated_database, project.path / "mlflow.db")
    store = f"sqlite:///{project.path / 'mlflow.db'}"
    catalog: dict[str, Any] = {name: entry for name, entry in CATALOG.items() if name != "instances"}
    pd.DataFrame({"x": range(20), "label": range(20)}).to_csv(project.path / "data" / "table.csv", index=False)
    shutil.rmtree(project.path / "src" / project.package / "pipelines" / "inference")
    for number, case in enumerate(drawn):
        project.write_pipeline(f"inference_{number}", INFERENCE.format(number=number))
        rows = f"data/instances_{number}.pkl"
        case.rows.to_pickle(project.path / rows)
        catalog[f"instances_{number}"] = {"type": "pickle.PickleDataset", "filepath": rows}
        catalog[f"coded_{number}"] = {**DATASETS[case.dataset], "filepath": f"data/coded_{number}"}
    project.write_config("catalog", catalog)
    names = {f"model_{number}": number for number in range(len(drawn))}
    pairs = {
        name: {**MODEL, "inference": f"inference_{number}", "input_name": f"instances_{number}"}
        for name, number in names.items()
    }
    project.write_config(
        "mlflow",
        {"server": {"mlflow_tracking_uri": store}, "autolog_pipeline": {"on_failure": "warn", "models": pairs}},
    )

    project.run(pipelines=["training"])

    for model in models(MlflowClient(store)):
        number = names[model.name]
        if model.status == "READY":
            live = project.run(pipelines=[f"inference_{number}"])[f"predictions_{number}"].load()
            loaded = mlflow.pyfunc.load_model(model.artifact_location)
            pd.testing.assert_frame_equal(live, loaded.predict(drawn[number].rows))
            if model.tags["kedro_autolog_pipeline.verification.http"] == "same":
                written = io.StringIO()
                scoring_server.predictions_to_json(live, written)  # type: ignore[no-untyped-call]  # MLflow's
                response = invoke(loaded, json.loads(as_request(drawn[number].rows)))
                assert json.loads(written.getvalue()) == response.json()
