"""What `kedro autolog init` proposes and writes in real projects."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from kedro.framework.startup import bootstrap_project
from mlflow import MlflowClient

from kedro_autolog_pipeline.cli.init import init
from kedro_project import KEDRO_VERSION, KedroProject
from public_like import encoded, lagged, namespaced, scaled_first, spaceflights
from public_like.projects import make_spaceflights, without_pipelines

REPOSITORY = Path(__file__).parents[2]

UNREGISTERED = """
from .pipelines import data_processing, data_science

def register_pipelines():
    pipelines = {"processing": data_processing.create_pipeline(), "science": data_science.create_pipeline()}
    return {**pipelines, "__default__": sum(pipelines.values())}
"""


def run_init(project: KedroProject, *arguments: str, answer: str = "") -> Result:
    """Run the command in this process."""
    metadata = bootstrap_project(project.path)
    return CliRunner().invoke(init, list(arguments), obj=metadata, input=answer)


def contents(project: KedroProject) -> dict[str, bytes]:
    """Give every file of a project but what Python compiles."""
    return {
        f"{path.relative_to(project.path)}": path.read_bytes()
        for path in project.path.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def written_by(project: KedroProject, *arguments: str) -> tuple[set[str], Result]:
    """Run the command, and give which files are new or changed."""
    before = contents(project)
    result = run_init(project, *arguments)
    after = contents(project)
    assert before.keys() <= after.keys()
    return {name for name, content in after.items() if before.get(name) != content}, result


@pytest.fixture
def starter(project: KedroProject) -> KedroProject:
    """Give a project with the structure of Kedro's spaceflights-pandas."""
    make_spaceflights(project)
    return project


def test_kedros_starter_gets_a_model(starter: KedroProject, client: MlflowClient) -> None:
    """From no inference pipeline to a READY model in one command and one run; a second run changes nothing."""
    written, result = written_by(starter, "--yes")

    sources = {f"src/{starter.package}/pipelines/inference/{name}.py" for name in ("__init__", "nodes", "pipeline")}
    assert sources | {"conf/base/mlflow.yml", "conf/mlflow.schema.json"} == written
    assert "- 'evaluate_model_node' predicts and evaluates at once: its prediction is copied from src/" in result.output
    assert result.output.endswith("Answer what is marked QUESTION in the new pipeline.py.\nNext: kedro autolog check\n")
    starter.run()
    (experiment,) = client.search_experiments(filter_string=f"name = '{starter.package}'")
    (model,) = client.search_logged_models([experiment.experiment_id])
    assert ("READY", starter.package) == (model.status.value, model.name)
    written, result = written_by(starter, "--yes")
    assert set() == written
    nothing = "mlflow.yml has every pair that was found. Nothing was written.\nNext: kedro autolog check\n"
    assert result.output.endswith(nothing)


def make_namespaced(project: KedroProject) -> None:
    """Give a project two namespaces that train."""
    project.write_pipeline("data_science", inspect.getsource(namespaced) + "\n\ncreate_pipeline = both\n")
    options = {"features": ["engines"], "test_size": 0.2}
    project.write_config(
        "parameters",
        {"active": {"options": {**options, "kind": "linear"}}, "candidate": {"options": {**options, "kind": "forest"}}},
    )
    table = pd.DataFrame({"engines": range(40), "price": [1000.0 + 10 * number for number in range(40)]})
    table.to_csv(project.path / "data" / "table.csv", index=False)
    project.write_config("catalog", {"table": {"type": "pandas.CSVDataset", "filepath": "data/table.csv"}})


def make_encoded(project: KedroProject) -> None:
    """Give a project an `etl` and an `ml`."""
    for name in ("etl", "ml"):
        project.write_pipeline(name, inspect.getsource(encoded) + f"\n\ncreate_pipeline = {name}\n")
    project.write_config("parameters", {"fraction": 0.25})
    clients = {"client": range(40), "income": [1000 + number for number in range(40)]}
    loans = {"client": range(40), "kind": ["car", "home"] * 20, "default": [0, 0, 1, 1] * 10}
    for name, table in {"clients_raw": clients, "loans": loans}.items():
        pd.DataFrame(table).to_csv(project.path / "data" / f"{name}.csv", index=False)
    project.write_config(
        "catalog",
        {
            name: {"type": "pandas.CSVDataset", "filepath": f"data/{name}.csv", "save_args": {"index": False}}
            for name in ("clients_raw", "loans", "primary")
        },
    )


@pytest.mark.parametrize(("make", "metrics"), [(make_namespaced, {"r2"}), (make_encoded, {"auc"})])
def test_projects_of_other_names_get_a_model(
    project: KedroProject, client: MlflowClient, make: Callable[[KedroProject], None], metrics: set[str]
) -> None:
    """What is derived with namespaces, or with other names for the steps, runs and is proven as it was written."""
    without_pipelines(project)
    make(project)

    _, result = written_by(project, "--yes")

    assert result.output.endswith("Answer what is marked QUESTION in the new pipeline.py.\nNext: kedro autolog check\n")
    project.run()
    (experiment,) = client.search_experiments(filter_string=f"name = '{project.package}'")
    (model,) = client.search_logged_models([experiment.experiment_id])
    assert metrics == {metric.key for metric in model.metrics or ()}
    assert ("READY", "reproduced") == (model.status.value, model.tags["kedro_autolog_pipeline.verification"])


@pytest.mark.skipif(KEDRO_VERSION == (1, 1), reason="Kedro 1.1.0 takes a project of its own minor version only")
def test_the_demo_without_its_inference_pipeline(tmp_path: Path, clean_mlflow: None) -> None:
    """Another one is derived, and `kedro autolog check` finds no fault."""
    for name in ("demo", "conf_example"):
        shutil.copytree(
            REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("0[5-8]*", "ml*", "__pycache__")
        )
    demo = KedroProject(tmp_path / "demo", "penguins")
    shutil.rmtree(demo.path / "src" / "penguins" / "pipelines" / "inference")

    done = demo.command("autolog", "init", "--yes")
    checked = demo.command("autolog", "check")

    assert (0, 0) == (done.returncode, checked.returncode), done.stderr + checked.stderr
    assert "- 'evaluate' reads 'label_encoder' too, and its prediction does not." in done.stdout
    assert "penguins: 'training' trains, 'inference' predicts" in checked.stdout


def test_a_pair_is_added_to_a_file_of_others(project: KedroProject) -> None:
    """Every byte of it stays, and so do all pipelines; the pair that the code shows is written."""
    inference = "def predict(instances, scaler, model):\n    return model.predict(scaler.transform(instances))\n"
    project.write_pipeline(
        "inference",
        "from kedro.pipeline import Pipeline, node\n\n"
        f"{inference}\n"
        "def create_pipeline(**kwargs):\n"
        '    return Pipeline([node(predict, ["instances", "scaler", "model"], "predictions")])\n',
    )
    file = project.path / "conf" / "base" / "mlflow.yml"
    theirs = "# ours\ntracking:\n    experiment:\n        name: prices   # all of them\n"
    file.write_text(theirs, encoding="utf-8")

    written, result = written_by(project, "--yes")

    assert {"conf/base/mlflow.yml", "conf/mlflow.schema.json"} == written, result.output
    assert file.read_text(encoding="utf-8").startswith(theirs)
    assert "│ training │ inference │ instances " in result.output


def test_no_is_an_answer(starter: KedroProject) -> None:
    """Nothing is written then."""
    before = contents(starter)
    result = run_init(starter, answer="n\n")

    assert (1, before) == (result.exit_code, contents(starter))
    assert result.output.endswith("Write this? [Y/n]: n\nNothing was written.\n")


def test_a_registry_that_names_its_pipelines_is_told_of_the_new_one(project: KedroProject) -> None:
    """Kedro would not find it, and we change no file of theirs."""
    without_pipelines(project)
    for name in ("data_processing", "data_science"):
        project.write_pipeline(name, inspect.getsource(spaceflights) + f"\n\ncreate_pipeline = {name}\n")
    project.write("pipeline_registry.py", UNREGISTERED)

    _, result = written_by(project, "--yes")

    assert (
        f"Register it in src/{project.package}/pipeline_registry.py: import 'create_pipeline' of "
        f"'{project.package}.pipelines.inference', and add \"inference\": create_pipeline() to what register_pipelines "
        "returns.\n"
    ) in result.output


@pytest.mark.parametrize(
    ("module", "function", "node"),
    [(scaled_first, "modelling", "preprocess"), (lagged, "forecasting", "make_lags")],
    ids=["rows", "lags"],
)
def test_what_has_to_be_cut_first_is_named(project: KedroProject, module: ModuleType, function: str, node: str) -> None:
    """And nothing is written."""
    without_pipelines(project)
    project.write_pipeline(
        "modelling", inspect.getsource(module).replace(f"def {function}()", "def create_pipeline(**kwargs)")
    )

    written, result = written_by(project, "--yes")

    assert (set(), 1) == (written, result.exit_code)
    assert f"Cannot propose a pair: 1 fault.\n  - '{node}' fits and transforms at once (" in result.output
    assert "Fix this and run 'kedro autolog init' again." in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--training", "trainig"], "No pipeline is registered as 'trainig'. There are: "),
        (["--env", "prod"], "--env: there is no directory 'prod' in "),
    ],
)
def test_a_name_that_is_none_is_told(project: KedroProject, arguments: list[str], message: str) -> None:
    """With those that there are."""
    written, result = written_by(project, *arguments)

    assert (set(), 1) == (written, result.exit_code)
    assert message in result.output
