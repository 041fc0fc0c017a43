"""What `kedro autolog check` says of a real project."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kedro_project import CATALOG, KEDRO_VERSION, MODEL, KedroProject
from terminal import kedro_in_terminal

REPOSITORY = Path(__file__).parents[2]

INFERENCE = """
from kedro.pipeline import Pipeline, node

print("what a module says")

def predict(*inputs):
    return inputs[0]

def create_pipeline(**kwargs):
    return Pipeline([
        node(predict, ["instances", "model", "words", "params:offset", "params:limits"], "predictions", name="predict")
    ])
"""


def files(directory: Path) -> list[Path]:
    """Give all files below a directory but what Python compiles."""
    return sorted(path for path in directory.rglob("*") if "__pycache__" not in path.parts)


SCHEMA = Path(__file__).parents[2] / "docs" / "check.schema.json"


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Give what a program reads: the last line."""
    parsed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    # What a program may rely on is written down: a key that it does not name, or that is missing, fails.
    jsonschema.validate(parsed, json.loads(SCHEMA.read_text(encoding="utf-8")))
    return parsed


@pytest.fixture
def demo(tmp_path: Path) -> KedroProject:
    """Give a copy of the demo, as it is before its first run."""
    for name in ("demo", "conf_example"):
        shutil.copytree(
            REPOSITORY / name,
            tmp_path / name,
            ignore=shutil.ignore_patterns("0[5-8]*", "mlflow.db", "mlartifacts", ".autolog_pipeline", "__pycache__"),
        )
    return KedroProject(tmp_path / "demo", "penguins")


@pytest.mark.skipif(KEDRO_VERSION == (1, 1), reason="Kedro 1.1.0 takes a project of its own minor version only")
def test_the_demo_is_shown_and_nothing_is_written(demo: KedroProject, clean_mlflow: None) -> None:
    """Each input with its origin, what may be changed, what is needed and why, and where it will go."""
    before = files(demo.path.parent)

    done = demo.command("autolog", "check")

    assert done.returncode == 0, done.stderr
    lines = [" ".join(line.strip("│├└─ ").split()) for line in done.stdout.splitlines()]
    for expected in (
        "penguin_species: 'training' trains, 'inference' predicts",
        "instances request given at predict time pandas.CSVDataset data/05_model_input/instances.csv",
        "classifier trained will be produced pickle.PickleDataset data/06_models/classifier.pkl",
        "threshold = 0.6 may be changed at predict time",
        "predictions",
        f"tracking server: sqlite:///{demo.path}/mlflow.db (will be created)",
        "experiment: penguins (will be created)",
        "No fault was found.",
    ):
        assert expected in lines
    assert any(line.startswith("penguins src/penguins function of node 'build_features' and ") for line in lines)
    assert any(line.startswith("scikit-learn==") and "penguins.features" in line for line in lines)
    assert "\x1b" not in done.stdout[done.stdout.index("penguin_species") :]
    assert files(demo.path.parent) == before


def test_every_fault_is_listed_in_one_go(project: KedroProject) -> None:
    """Eight different mistakes are told at once, in a subdirectory of the project too, and no node has run."""
    project.write_pipeline("inference", INFERENCE.replace('"words"', '"words", "unknown"'))
    words = {"type": "no.such.Dataset", "filepath": "data/words.csv"}
    project.write_config("catalog", {**CATALOG, "words": words})
    project.write_config("parameters", {"training": {"factor": 1.0}, "offset": 0.5, "limits": {1: "a"}})
    registered = {**MODEL, "registered_model_name": "a/b", "alias": "v1"}
    project.write_config(
        "mlflow",
        {
            "server": {"mlflow_tracking_uri": "http://me:secret@127.0.0.1:9"},
            "autolog_pipeline": {
                "models": {
                    "prices": {**registered, "input_name": "x", "pip_requirements": ["kedro", "attrs", "cattrs"]},
                    "costs": {**MODEL, "training": "train"},
                }
            },
        },
    )

    done = project.command("autolog", "check", cwd=project.path / "data")

    assert done.returncode == 1
    for fault in (
        "'kedro autolog check': 8 faults.",
        "autolog_pipeline.models.costs.training: no pipeline is registered as 'train'.",
        "autolog_pipeline.models.prices.input_name: inference pipeline 'inference' does not read 'x'.",
        " of 'inference' reads 'unknown', which neither the training pipeline nor the catalog provides. ",
        "autolog_pipeline.models.prices.inference: the dataset 'words' cannot be made (",
        "autolog_pipeline.models.prices.registered_model_name: 'a/b' cannot name a registered model.",
        "autolog_pipeline.models.prices.alias: 'v1' cannot be an alias.",
        "autolog_pipeline.models.prices.pip_requirements: brings no 'kedro-datasets', ",
        "The tracking server 'http://127.0.0.1:9' does not answer (",
    ):
        assert fault in done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert not (project.path / "data" / "table.csv").exists()


def test_a_program_reads_one_json_document(project: KedroProject) -> None:
    """The document says what the tree says; what the project's modules print goes elsewhere."""
    project.write_pipeline("inference", INFERENCE)
    project.write_config("catalog", {**CATALOG, "words": {"type": "MemoryDataset"}})
    project.write_config("parameters", {"training": {"factor": 1.0}, "offset": 0.5, "limits": [[1, "a"]]})
    (project.path / "logging.yml").write_text(
        "version: 1\nhandlers: {err: {class: logging.StreamHandler}}\nroot: {handlers: [err]}\nloggers: {}\n"
    )
    environment = {**os.environ, "KEDRO_LOGGING_CONFIG": str(project.path / "logging.yml")}

    done = subprocess.run(
        [sys.executable, "-m", "kedro", "autolog", "check", "--json"],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )

    assert done.stdout.count("\n") == 1
    found = document(done)
    assert done.returncode == 1
    assert "what a module says" in done.stderr
    assert found["faults"] == [
        "autolog_pipeline.models.prices.inference: 'words' is in memory, and no node of this run writes it. "
        "Give it a dataset that keeps its data."
    ]
    assert found["tracking_server"] == {"uri": f"sqlite:///{project.path}/mlflow.db", "state": "exists"}
    assert found["experiment"] == {"name": project.package, "run_id": None, "state": "will be created"}
    (model,) = found["models"]
    assert [(each["name"], each["origin"], each["presence"]) for each in model["inputs"]] == [
        ("instances", "request", "given at predict time"),
        ("model", "trained", "will be produced"),
        ("words", "reference", "missing"),
    ]
    assert [(each["name"], each["value"], each["may_be_changed"]) for each in model["parameters"]] == [
        ("limits", [[1, "a"]], False),
        ("offset", 0.5, True),
    ]
    assert model["outputs"] == ["predictions"]
    assert any(each["module"] == project.package and each["reasons"] for each in model["code"])
    assert any(each["requirement"].startswith("pandas==") and each["reasons"] for each in model["requirements"])
    assert model["faults"] == found["faults"]


def test_mistakes_that_make_the_file_unreadable_are_told_alone(project: KedroProject) -> None:
    """Without a configuration nothing else can be known; the last line is a document all the same."""
    project.write_models({"prices": {**MODEL, "inptu_name": "x"}})

    done = project.command("autolog", "check", "--json")

    assert done.returncode == 1
    assert "'kedro autolog check': 1 fault.\n" in done.stderr
    (mistake,) = document(done)["faults"]
    assert mistake.startswith("autolog_pipeline.models.prices.inptu_name: unknown key.")


def test_an_environment_is_checked_where_it_is_named(project: KedroProject) -> None:
    """With --env the configuration of that environment is read; without a signature no parameter may be changed."""
    project.write_config(
        "mlflow", {"autolog_pipeline": {"models": {"nightly": {**MODEL, "signature": "none"}}}}, "prod"
    )

    done = project.command("autolog", "check", "--env", "prod")

    assert done.returncode == 0, done.stderr
    assert "nightly: 'training' trains, 'inference' predicts" in done.stdout
    assert "offset = 0.5  fixed: the model has no signature" in done.stdout


def test_what_a_project_lacks_is_told(project: KedroProject) -> None:
    """No file, no key in it, and an environment that is not there are faults, each with its remedy."""
    (project.path / "conf" / "base" / "mlflow.yml").unlink()
    without_file = project.command("autolog", "check")
    project.write_config("mlflow", {"server": {"mlflow_tracking_uri": None}})
    without_key = project.command("autolog", "check")
    without_environment = project.command("autolog", "check", "--env", "locl")

    assert [done.returncode for done in (without_file, without_key, without_environment)] == [1, 1, 1]
    assert (
        f"there is no mlflow.yml in '{project.path / 'conf'}', so nothing is packaged. Name a pair:\n    autolog_"
        in (without_file.stderr)
    )
    assert "mlflow.yml has no key 'autolog_pipeline', so nothing is packaged." in without_key.stderr
    assert without_environment.stderr == (
        "'kedro autolog check': 1 fault.\n"
        f"  - --env: there is no directory 'locl' in '{project.path / 'conf'}'. Did you mean 'local'?\n"
        "Fix this before the next training.\n"
    )


def test_a_project_that_is_switched_off_is_told_so(project: KedroProject) -> None:
    """What the user wants so is no fault."""
    project.write_models({"prices": MODEL}, enabled=False)

    done = project.command("autolog", "check")

    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\n'autolog_pipeline.enabled' is false in mlflow.yml: nothing is packaged.\n")
    assert document(project.command("autolog", "check", "--json"))["models"] == []


def test_a_configuration_elsewhere_is_checked(project: KedroProject) -> None:
    """With --conf-source the configuration is read from another directory, or from an archive of one."""
    archive = shutil.make_archive(str(project.path / "elsewhere"), "gztar", project.path, "conf")
    shutil.rmtree(project.path / "conf")

    done = project.command("autolog", "check", "--conf-source", archive)

    assert done.returncode == 0, done.stderr
    assert "prices: 'training' trains, 'inference' predicts" in done.stdout


CLASHING = """
from kedro.pipeline import Pipeline, node

def predict(instances, model, scaler):
    return instances

def create_pipeline(**kwargs):
    return Pipeline([
        node(predict, ["instances", "model", "params:offset"], "scaler", name="scale"),
    ])
"""


@pytest.mark.skipif(KEDRO_VERSION < (1, 5), reason="Kedro loads all pipelines before 1.5, for every command")
def test_pipelines_that_kedro_cannot_add_are_one_remark(project: KedroProject) -> None:
    """`kedro run --pipelines training` packages it, so it is no fault; both nodes and the dataset are named."""
    project.write_pipeline("inference", CLASHING)

    done = project.command("autolog", "check")

    assert done.returncode == 0, done.stderr
    assert "remark: 'kedro run' without '--pipelines' cannot load all pipelines: node 'fit_scaler__" in done.stdout
    assert "of 'training' and node 'scale' of 'inference' both write 'scaler'. Give one of them another name." in (
        done.stdout
    )
    assert "Traceback" not in done.stdout + done.stderr


def test_what_kedro_cannot_load_is_one_fault(project: KedroProject) -> None:
    """An entry of the catalog that Kedro refuses is one sentence, and no traceback."""
    project.write_config("catalog", {**CATALOG, "words": {"filepath": "data/words.csv"}})

    done = project.command("autolog", "check")

    assert done.returncode == 1
    assert "  - Kedro cannot load this project: " in done.stderr
    assert "words" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


READING_THE_TABLE = """
from kedro.pipeline import Pipeline, node

def predict(instances, model, table, limits):
    return instances

def create_pipeline(**kwargs):
    return Pipeline([
        node(predict, ["instances", "model", "table", "params:limits"], "predictions", name="predict")
    ])
"""


def test_training_data_in_a_model_and_a_long_value_are_shown(project: KedroProject) -> None:
    """What inference reads of the training's own data has its size and a remark; a list of a parameter is shortened."""
    project.write_pipeline("inference", READING_THE_TABLE)
    limits = list(range(400))
    project.write_config("parameters", {"training": {"factor": 1.0}, "offset": 0.5, "limits": limits})
    (project.path / "data" / "table.csv").write_bytes(b"x" * 1536)

    done = project.command("autolog", "check")

    assert done.returncode == 0, done.stderr
    remark = "remark: autolog_pipeline.models.prices.inference: 'table', 1.54 kB, is what 'training' is trained on,"
    assert remark in done.stdout
    (shown,) = [line for line in done.stdout.splitlines() if "limits = " in line]
    assert "limits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … 394, 395, 396, 397, 398, 399]" in " ".join(shown.split())
    (found,) = document(project.command("autolog", "check", "--json"))["models"]
    assert {each["name"]: each["bytes"] for each in found["inputs"]}["table"] == 1536
    assert [each["value"] for each in found["parameters"]] == [limits]


COMMANDS = """
import json, sys
from kedro.framework.cli.utils import LazyGroup
from kedro_autolog_pipeline.cli import autolog, commands

heavy = ["mlflow", "pandas", "sklearn"]
loaded = [name for name in heavy if name in sys.modules]
names = [name for group in (commands, autolog) for name in group.list_commands(None)]
autolog.get_command(None, "check")
loaded += [name for name in heavy if name in sys.modules]
print(json.dumps([loaded, names, isinstance(autolog, LazyGroup)]))
"""


def test_a_command_is_imported_when_it_is_run() -> None:
    """Neither listing our commands nor showing their help imports mlflow or pandas, and none is Kedro's `run`."""
    done = subprocess.run([sys.executable, "-c", COMMANDS], capture_output=True, text=True, check=True)

    loaded, names, is_lazy = json.loads(done.stdout.splitlines()[-1])
    assert loaded == []
    assert "check" in names
    assert "run" not in names
    assert is_lazy


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals of this kind")
def test_a_terminal_shows_the_tree_within_its_columns(project: KedroProject) -> None:
    """A long line goes on in its branch; what is written to a file keeps it whole."""
    shown = kedro_in_terminal(project.path, "autolog", "check", columns=80, errors=subprocess.DEVNULL)

    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    tree = text[text.index("prices: 'training' trains") :].splitlines()
    assert max(map(len, tree)) <= 80
    assert max(map(len, project.command("autolog", "check").stdout.splitlines())) > 80
