"""Write whole Kedro projects with these pipelines."""

from __future__ import annotations

import inspect
import shutil

import pandas as pd

from kedro_project import KedroProject
from public_like import spaceflights

_CATALOG = {
    **{
        name: {"type": "pandas.CSVDataset", "filepath": f"data/{name}.csv"}
        for name in ("companies", "shuttles", "reviews")
    },
    "model_input_table": {
        "type": "pandas.CSVDataset",
        "filepath": "data/model_input_table.csv",
        "save_args": {"index": False},
    },
    "regressor": {"type": "pickle.PickleDataset", "filepath": "data/regressor.pkl", "versioned": True},
}


def without_pipelines(project: KedroProject) -> None:
    """Take the project's pipelines and its mlflow.yml away."""
    shutil.rmtree(project.path / "src" / project.package / "pipelines")
    project.write("pipelines/__init__.py", "")
    (project.path / "conf" / "base" / "mlflow.yml").unlink()


def make_spaceflights(project: KedroProject) -> None:
    """Give a project the structure of Kedro's spaceflights-pandas."""
    without_pipelines(project)
    for name in ("data_processing", "data_science"):
        project.write(f"pipelines/{name}/__init__.py", f"from .pipeline import {name} as create_pipeline\n")
        project.write(f"pipelines/{name}/pipeline.py", inspect.getsource(spaceflights))
    project.write_config("catalog", _CATALOG)
    project.write_config("parameters", {"model_options": {"features": ["engines", "company_rating"], "test_size": 0.2}})
    numbers = range(40)
    tables = {
        "companies": {"id": numbers, "company_rating": [f"{number + 50}%" for number in numbers]},
        "shuttles": {
            "id": numbers,
            "company_id": numbers,
            "engines": numbers,
            "price": [f"${1000.0 + 10 * number}" for number in numbers],
        },
        "reviews": {"shuttle_id": numbers, "review_scores_rating": numbers},
    }
    for name, table in tables.items():
        pd.DataFrame(table).to_csv(project.path / "data" / f"{name}.csv", index=False)
