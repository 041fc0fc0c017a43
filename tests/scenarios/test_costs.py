"""What our plugin costs, counted and not timed: it is the same on a slow machine, and a regression is a number."""

from __future__ import annotations

import gc
import http.client
import json
import os
import shutil
import subprocess
import sys
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
import pytest
from packaging.version import Version

from kedro_autolog_pipeline.run import early_copies
from kedro_project import (
    CATALOG,
    INFERENCE,
    KEDRO_VERSION,
    MODEL,
    TRAINING,
    KedroProject,
    training_until_a_copy_is_begun,
    write_project,
)
from mlflow_server import mlflow_server

IDLE = """
from kedro.pipeline import Pipeline, node

def count():
    return 1

def create_pipeline(**kwargs):
    return Pipeline([node(count, None, "counted")])
"""

MODULES = """
import importlib.metadata, json, sys

if sys.argv.pop(1) == "without":
    discover = importlib.metadata.Distribution.discover
    importlib.metadata.Distribution.discover = lambda **given: (
        found for found in discover(**given) if found.metadata["Name"] != "kedro-autolog-pipeline"
    )

from kedro.framework.cli.cli import main

try:
    main()
finally:
    print(json.dumps(["modules", *sorted(sys.modules)]))
"""

COUNTED = """
import os
from pathlib import Path

with Path(os.environ["IMPORTS"]).open("a") as file:
    file.write(f"{os.getppid()} {os.getpid()} {__name__.rpartition('.')[2]}\\n")
"""

# The most that each may be; less is always welcome.
MODULES_OF_AN_UNPAIRED_RUN = 60
# As counted with the newest MLflow, and with 3.0.
REQUESTS_OF_A_RUN = 29 if Version(version("mlflow")) >= Version("3.1") else 31
READINGS = 3
OBJECTS_AT_EXIT = 50_000
# MLflow keeps the last artifact repositories that it has made, up to a hundred, some 65 objects each.
OBJECTS_OF_ANOTHER_RUN = 200


@attrs.define
class Audit:
    """What this process has done since the counting began.

    Attributes:
        processes: Commands of the processes that it has started.
        opened: How often it has opened each file to read it.
        made: Directories, links and files that it has made or opened to write to, each once, with the event.
    """

    processes: list[Any] = attrs.field(factory=list)
    opened: Counter[str] = attrs.field(factory=Counter)
    made: set[tuple[str, str]] = attrs.field(factory=set)

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note one of Python's audit events."""
        if event in {"subprocess.Popen", "os.posix_spawn", "os.fork", "os.system"}:
            self.processes.append(arguments)
        elif event == "open" and isinstance(arguments[0], str):
            if arguments[2] & (os.O_WRONLY | os.O_RDWR):
                self.made.add((event, os.path.realpath(arguments[0])))
            else:
                self.opened[os.path.realpath(arguments[0])] += 1
        elif event in {"os.mkdir", "os.link"}:
            self.made.add((event, os.path.realpath(arguments[event == "os.link"])))


_AUDITS: list[Audit] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    for audit in _AUDITS:
        audit.note(event, arguments)


@pytest.fixture(scope="module", autouse=True)
def _hook() -> None:
    # Python never takes an audit hook back.
    sys.addaudithook(_audit)


@contextmanager
def audited() -> Iterator[Audit]:
    """Count in the block."""
    audit = Audit()
    _AUDITS.append(audit)
    try:
        yield audit
    finally:
        _AUDITS.remove(audit)


def imported(project: KedroProject, *arguments: str, with_us: bool = True) -> set[str]:
    """Give the modules that a `kedro` command has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", MODULES, "with" if with_us else "without", *arguments],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith('["modules", ')]
    return set(json.loads(line))


def top_levels(modules: set[str]) -> set[str]:
    """Give the top-level names of modules."""
    return {module.partition(".")[0] for module in modules}


HEAVY = {"alembic", "cloudpickle", "mlflow", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "sqlalchemy"}


@pytest.mark.skipif(
    KEDRO_VERSION < (1, 5), reason="Older Kedro finds plugins by another library, and loads every pipeline."
)
@pytest.mark.parametrize("command", [["--help"], ["registry", "list"]], ids=" ".join)
def test_a_command_without_a_run_imports_our_commands_alone(project: KedroProject, command: list[str]) -> None:
    """Kedro loads them; they load nothing."""
    added = imported(project, *command) - imported(project, *command, with_us=False)

    assert {"kedro_autolog_pipeline", "kedro_autolog_pipeline.cli"} == added


@pytest.mark.skipif(
    KEDRO_VERSION < (1, 5), reason="Older Kedro finds plugins by another library, and loads every pipeline."
)
def test_a_run_without_a_pair_imports_what_tells_that_it_has_none(project: KedroProject) -> None:
    """That is the reading of mlflow.yml and the comparison of pipelines: no library of data, no client, no server."""
    project.write_pipeline("idle", IDLE)
    # Kedro imports what the datasets of a catalog need.
    project.write_config("catalog", {"counted": {"type": "MemoryDataset"}})
    option = "--pipelines" if KEDRO_VERSION >= (1, 2) else "--pipeline"
    command = ["run", option, "idle"]

    added = imported(project, *command) - imported(project, *command, with_us=False)

    assert set() == top_levels(added) & HEAVY
    assert set() == {name for name in added if name.startswith(project.package)}
    assert len(added) <= MODULES_OF_AN_UNPAIRED_RUN


@pytest.mark.skipif(KEDRO_VERSION < (1, 5), reason="Kedro imports every pipeline before it runs one.")
def test_packaging_imports_the_inference_pipeline_once_and_no_other(
    project: KedroProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project of many pipelines pays for the two of the pair."""
    imports = tmp_path / "imports.txt"
    monkeypatch.setenv("IMPORTS", str(imports))
    project.write_pipeline("inference", COUNTED + INFERENCE)
    project.write_pipeline("training", COUNTED + TRAINING)
    project.write_pipeline("idle", COUNTED + IDLE)
    project.run(pipelines=["data_processing"])

    project.run(pipelines=["training"])

    lines = [line.split() for line in imports.read_text(encoding="utf-8").splitlines()]
    ours = f"{os.getpid()}"
    assert {"inference": 1, "training": 1} == Counter(name for _, process, name in lines if process == ours)
    # The verifying process imports what the model needs.
    assert {"inference": 1} == Counter(name for parent, _, name in lines if parent == ours)
    # A fork of it has tried that before, when the training took so long.
    forked = Counter(name for parent, process, name in lines if ours not in {parent, process})
    assert forked in ({}, {"inference": 1})


def test_one_process_is_started_for_each_model_that_is_verified(project: KedroProject) -> None:
    """Two models take two, one that is not verified none, and a run without a pair none."""
    models = {"prices": MODEL, "costs": MODEL, "unproven": {**MODEL, "verify": False}}
    project.write_models(models)
    project.write_pipeline("idle", IDLE)
    # What a library asks of the system when it is first imported is not what is counted.
    project.run()

    with audited() as paired:
        project.run()
    with audited() as unpaired:
        project.run(pipelines=["idle"])
    project.write_models(models, enabled=False)
    with audited() as disabled:
        project.run(pipelines=["idle"])

    # Kedro itself asks git for the commit.
    kedros = Counter(command for command, *_ in disabled.processes)
    assert kedros == Counter(command for command, *_ in unpaired.processes)
    assert kedros + Counter({sys.executable: 2}) == Counter(command for command, *_ in paired.processes)


def test_an_artifact_is_read_once_to_be_copied_and_as_often_as_the_live_pipeline_needs_it(
    project: KedroProject,
) -> None:
    """That is for its answer, and for the calls that show which artifacts and columns the nodes change and need."""
    project.run()

    with audited() as audit:
        project.run(pipelines=["training"])

    # Two nodes of the training read it, too.
    assert audit.opened[os.path.realpath(project.path / "data" / "scaler.pkl")] - 2 <= READINGS


@pytest.mark.parametrize("is_early", [True, False], ids=["copied while training", "copied afterwards"])
def test_an_artifact_is_one_directory_and_one_file_on_its_way_to_a_store_on_the_same_disk(
    clean_mlflow: None, tmp_path: Path, migrated_database: Path, monkeypatch: pytest.MonkeyPatch, *, is_early: bool
) -> None:
    """It is copied once, and goes with its package: nothing is linked or made anew in the store.

    Two small files beside tell other runs when it is saved, and later ones which run has saved it.
    """
    monkeypatch.setattr(early_copies, "SETTLED_SECONDS", 0.0 if is_early else 3600.0)
    made = []
    for number in (1, 11):
        project = write_project(tmp_path / f"shop_{number}")
        shutil.copy(migrated_database, project.path / "mlflow.db")
        write_artifacts(project, number, training_until_a_copy_is_begun(project) if is_early else TRAINING)
        project.run()
        with audited() as audit:
            project.run()
        ours = {str(project.path / name) for name in (".autolog_pipeline", "mlartifacts")}
        made.append(Counter(event for event, path in audit.made if any(path.startswith(place) for place in ours)))

    few, many = made
    assert {"os.mkdir": 10, "open": 10 + 10 + 10} == many - few
    assert 0 == many["os.link"]


class Requests:
    """The HTTP requests that this process makes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[tuple[str, str]] = []
        put = http.client.HTTPConnection.putrequest

        def note(connection: Any, method: str, url: str, *options: Any, **more: Any) -> None:
            self.made.append((method, url))
            put(connection, method, url, *options, **more)

        monkeypatch.setattr(http.client.HTTPConnection, "putrequest", note)

    def take(self) -> tuple[int, int]:
        """Give how many files were sent and how many other requests were made since the last time."""
        files = sum("/mlflow-artifacts/artifacts/" in url for _, url in self.made)
        others = len(self.made) - files
        self.made.clear()
        return files, others


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Give the address of an MLflow server that passes artifacts on."""
    with mlflow_server(tmp_path) as address:
        yield address


def test_a_server_gets_one_request_for_each_file_and_some_for_the_model(
    clean_mlflow: None, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More artifacts are more files, each sent once, and not one request more."""
    models = {"prices": {**MODEL, "verify": False}}
    requests = Requests(monkeypatch)
    found = []
    for number in (1, 11):
        project = write_project(tmp_path / f"shop_{number}")
        project.write_config(
            "mlflow", {"server": {"mlflow_tracking_uri": server}, "autolog_pipeline": {"models": models}}
        )
        write_artifacts(project, number)
        project.run()
        found.append(requests.take())
    stored = sum(path.is_file() for path in (tmp_path / "served").rglob("*"))

    (few, others), (many, others_of_many) = found
    assert many - few == 10
    assert stored == few + many
    assert others == others_of_many <= REQUESTS_OF_A_RUN


def write_artifacts(project: KedroProject, number: int, training: str = TRAINING) -> None:
    """Have a project train and read so many artifacts besides the model."""
    names = [f"artifact_{i}" for i in range(number)]
    files = {name: {"type": "json.JSONDataset", "filepath": f"data/{name}.json"} for name in names}
    project.write_config("catalog", CATALOG | files)
    make = f"""
def make():
    return [{{"number": i}} for i in range({number})]
"""
    training = training.replace("def create_pipeline", f"{make}\ndef create_pipeline")
    project.write_pipeline(
        "training", training.replace("return Pipeline([", f"return Pipeline([node(make, None, {names}),")
    )
    project.write_pipeline(
        "inference",
        f"""
from kedro.pipeline import Pipeline, node

def predict(instances, model, *artifacts):
    return instances["x"] * len(artifacts)

def create_pipeline(**kwargs):
    return Pipeline([node(predict, ["instances", "model", *{names}], "predictions")])
""",
    )


COUNT_AT_EXIT = """
import atexit
import gc

# What is registered first is called last.
atexit.register(lambda: print("objects", len(gc.get_objects())))
"""


def test_the_end_of_a_command_walks_through_what_the_training_has_made_alone(project: KedroProject) -> None:
    """The objects that `import mlflow` makes, some 200,000, are left where they are when the process ends."""
    project.write("settings.py", COUNT_AT_EXIT)

    ended = project.run_command()

    assert 0 == ended.returncode, ended.stderr
    (objects,) = [int(line.split()[1]) for line in ended.stdout.splitlines() if line.startswith("objects ")]
    assert objects <= OBJECTS_AT_EXIT


def test_another_run_in_one_process_leaves_no_more_objects(project: KedroProject) -> None:
    """A notebook or a Kedro server that trains again and again does not grow."""
    left = []
    for _ in range(3):
        project.run()
        gc.collect()
        # Collections of weak references are rid of the dead ones now and then.
        left.append(sum(type(each) is not weakref.ref for each in gc.get_objects()))

    _, second, third = left
    assert third - second <= OBJECTS_OF_ANOTHER_RUN
