"""Sessions of every kind: what one process leaves in the store when it trains more than once, at once, or elsewhere."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import pandas as pd
import pytest
from kedro.framework.startup import bootstrap_project
from mlflow import MlflowClient
from mlflow.entities import LoggedModel
from packaging.version import Version

from installed import install
from kedro_project import CATALOG, INFERENCE, KEDRO_VERSION, MODEL, TRAINING, KedroProject
from local_server import free_port, post, wait_until_healthy
from mlflow_store import models, runs

REQUEST = pd.DataFrame({"x": [1, 2]})
SECONDS_TO_START = 180

# Two trainings that run at once wait for each other, so that one cannot be over before the other begins.
MEETING = """
import os, time
from pathlib import Path

def meet(place, who):
    meeting = Path("meeting")
    meeting.mkdir(exist_ok=True)
    (meeting / f"{place}-{who}").touch()
    end = time.monotonic() + 60
    while len(list(meeting.glob(f"{place}-*"))) < 2:
        if time.monotonic() > end:
            raise TimeoutError(f"Nobody else came to {place}.")
        time.sleep(0.02)
"""


def predictions(project: KedroProject, model: LoggedModel) -> list[float]:
    """Load a model in this process, and give what it predicts for two rows."""
    uri = f"sqlite:///{project.path / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    try:
        answer = mlflow.pyfunc.load_model(f"models:/{model.model_id}").predict(REQUEST)
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # None unsets it
    return [float(value) for value in answer["prediction"]]


def expected_predictions(factor: float, offset: float) -> list[float]:
    """Give what the model of a training with these parameters predicts: the label is 3 x + 1, of mean x 9.5."""
    return [(x - 9.5) * 3 * factor + offset for x in (1, 2)]


def prepare(project: KedroProject) -> None:
    """Save what the training pipeline reads, and version all that it writes."""
    project.write_config("catalog", {**CATALOG, "scaler": {**CATALOG["scaler"], "versioned": True}})
    project.run(pipelines=["data_processing"])


def make_trainings_meet(project: KedroProject) -> None:
    """Have two trainings of different factors wait for each other, in their first node and in their last."""
    project.write("meeting.py", MEETING)
    training = (
        TRAINING.replace("def fit_scaler(table):", "def fit_scaler(table, factor):\n    meet('start', factor)")
        .replace("def evaluate(table, scaler, model):", "def evaluate(table, scaler, model, factor):")
        .replace("    error = float", "    meet('end', factor)\n    error = float")
        .replace(
            'node(fit_scaler, "table", "scaler")', 'node(fit_scaler, ["table", "params:training.factor"], "scaler")'
        )
        .replace('["table", "scaler", "model"], None', '["table", "scaler", "model", "params:training.factor"], None')
    )
    project.write_pipeline("training", f"from {project.package}.meeting import meet\n{training}")


def wait_for(file: Path) -> None:
    """Wait until a file is there."""
    end = time.monotonic() + SECONDS_TO_START
    while not file.exists():
        if time.monotonic() > end:
            pytest.fail(f"There is no {file}.")
        time.sleep(0.02)


def assert_each_model_is_of_its_own_run(
    project: KedroProject, client: MlflowClient, trained: dict[float, float]
) -> None:
    """Compare what the store holds with the trainings, given by the offset of each factor."""
    by_run = {run.info.run_id: run for run in runs(client)}
    ready = models(client)
    assert ["FINISHED"] * len(trained) == [run.info.status for run in by_run.values()]
    assert ["READY"] * len(trained) == [model.status for model in ready]
    assert sorted(by_run) == sorted(str(model.source_run_id) for model in ready)
    found = {}
    for model in ready:
        run = by_run[str(model.source_run_id)]
        assert run.data.params == model.params
        assert ["error"] == list(run.data.metrics)
        assert [(model.model_id, run.data.metrics["error"])] == [
            (metric.model_id, metric.value) for metric in model.metrics or ()
        ]
        found[float(run.data.params["training.factor"])] = predictions(project, model)
    assert {factor: pytest.approx(expected_predictions(factor, offset)) for factor, offset in trained.items()} == found


def state() -> dict[str, Any]:
    """Give what a run could leave behind in this process."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {
        "active run": mlflow.active_run(),
        "tracking URI is set": mlflow.is_tracking_uri_set(),  # type: ignore[no-untyped-call]  # MLflow left it out
        "registry URI": mlflow.get_registry_uri(),
        "environment": environment,
    }


KEEPS_CATALOGS = """
from kedro.framework.hooks import hook_impl

CATALOGS = []

class KeepCatalogs:
    @hook_impl
    def after_catalog_created(self, catalog):
        CATALOGS.append(catalog)

HOOKS = (KeepCatalogs(),)
"""


# --- one process, one run after another


def test_runs_of_one_process_leave_nothing_to_each_other(project: KedroProject, client: MlflowClient) -> None:
    """Complete, failing and unpaired runs in turn: each has its own MLflow run, and the process is as before."""
    prepare(project)
    before = state()

    project.run(pipelines=["training"], runtime_params={"training": {"factor": 2.0}, "offset": 7.0})
    with pytest.raises(TypeError):
        project.run(pipelines=["training"], runtime_params={"training": {"factor": "a word"}})
    project.run(pipelines=["data_processing"])
    project.run(pipelines=["training"], runtime_params={"training": {"factor": 3.0}})

    assert before == state()
    assert ["FINISHED", "FAILED", "FINISHED"] == [run.info.status for run in runs(client)]
    first, second = models(client)
    assert pytest.approx(expected_predictions(2.0, 7.0)) == predictions(project, first)
    assert pytest.approx(expected_predictions(3.0, 0.5)) == predictions(project, second)
    assert [runs(client)[0].info.run_id, runs(client)[2].info.run_id] == [first.source_run_id, second.source_run_id]


def test_no_run_keeps_what_it_had_in_memory(project: KedroProject, client: MlflowClient) -> None:
    """What we keep of a run in memory is released with it, whether it fails or not."""
    project.write("settings.py", KEEPS_CATALOGS)
    project.run(pipelines=["data_processing"])
    project.write_config("catalog", {name: entry for name, entry in CATALOG.items() if name != "scaler"})

    project.run(pipelines=["training"])
    with pytest.raises(TypeError):
        project.run(pipelines=["training"], runtime_params={"training": {"factor": "a word"}})

    assert ["READY"] == [model.status for model in models(client)]
    catalogs = sys.modules[f"{project.package}.settings"].CATALOGS
    assert not catalogs[1].exists("scaler")
    # A run that fails releases nothing itself; it must only not be us who would keep it.
    assert ["release" in vars(catalog["scaler"]) for catalog in catalogs[1:]] == [False, False]


def test_a_project_that_has_credentials_leaves_none(project: KedroProject, client: MlflowClient) -> None:
    """Credentials are in the environment while the run is open, and the next run of the process has its own."""
    project.write_config(
        "mlflow",
        {"server": {"credentials": "tracking"}, "autolog_pipeline": {"models": {"prices": MODEL}}},
        env="local",
    )
    project.write_config("credentials", {"tracking": {"SHOP_TOKEN": "secret", "SHOP_USER": "new"}}, env="local")
    project.write_pipeline(
        "training",
        TRAINING.replace("import mlflow", "import mlflow, os").replace(
            "    error = float", "    assert os.environ['SHOP_TOKEN'] == 'secret'\n    error = float"
        ),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_USER", "old")
        before = state()

        project.run()

        assert before == state()
    assert ["READY"] == [model.status for model in models(client)]


# --- runners


@pytest.mark.parametrize(
    ("runner", "is_async"),
    [("SequentialRunner", True), ("ThreadRunner", False), ("ParallelRunner", False), ("ParallelRunner", True)],
)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore:.*async.*:Warning")
def test_every_runner_leaves_one_ready_model(
    project: KedroProject, client: MlflowClient, runner: str, *, is_async: bool
) -> None:
    """Threads, processes and asynchronous loading give the model that a sequential run gives."""
    prepare(project)

    done = project.command(
        "run",
        "--pipelines" if KEDRO_VERSION >= (1, 2) else "--pipeline",
        "training",
        f"--runner={runner}",
        *(["--async"] if is_async else []),
        "--params=training.factor=2.0,offset=7.0",
    )

    assert 0 == done.returncode, done.stderr
    (model,) = models(client)
    (run,) = runs(client)
    assert ("READY", run.info.run_id) == (model.status, model.source_run_id)
    assert "FINISHED" == run.info.status
    assert {"training.factor": "2.0"} == run.data.params
    assert pytest.approx(expected_predictions(2.0, 7.0)) == predictions(project, model)


# --- one session, several runs


def service_session(project: KedroProject) -> Any:
    """Give a session that can run more than once, prepared for threads."""
    from kedro.framework.session.service_session import KedroServiceSession

    bootstrap_project(project.path)
    return KedroServiceSession.create(str(project.path), serving_mode=True)


@pytest.mark.skipif(KEDRO_VERSION < (1, 6), reason="This Kedro has no session for several runs at once.")
def test_the_runs_of_one_session_are_their_own(project: KedroProject, client: MlflowClient) -> None:
    """One session, one hook object: a run, a failing one and another one have nothing of each other."""
    prepare(project)
    before = state()
    with service_session(project) as session:
        session.run(pipeline_names=["training"], runtime_params={"training": {"factor": 2.0}, "offset": 7.0})
        with pytest.raises(TypeError):
            session.run(pipeline_names=["training"], runtime_params={"training": {"factor": "a word"}})
        session.run(pipeline_names=["data_processing"])
        session.run(pipeline_names=["training"], runtime_params={"training": {"factor": 3.0}})

    assert before == state()
    assert ["FINISHED", "FAILED", "FINISHED"] == [run.info.status for run in runs(client)]
    first, second = models(client)
    assert pytest.approx(expected_predictions(2.0, 7.0)) == predictions(project, first)
    assert pytest.approx(expected_predictions(3.0, 0.5)) == predictions(project, second)


# Kedro notices that a newer version than the one it has just saved is there, of the other training.
@pytest.mark.filterwarnings("ignore:Save version .* did not match load version:UserWarning")
@pytest.mark.skipif(KEDRO_VERSION < (1, 6), reason="This Kedro has no session for several runs at once.")
def test_two_threads_of_one_session_do_not_mix_up_their_trainings(project: KedroProject, client: MlflowClient) -> None:
    """Two trainings at once in one process: two runs, two models, and the process is as before."""
    prepare(project)
    make_trainings_meet(project)
    trained = {2.0: 7.0, 5.0: -4.0}
    before = state()

    with service_session(project) as session, ThreadPoolExecutor(2) as pool:

        def train(factor: float) -> None:
            parameters = {"training": {"factor": factor}, "offset": trained[factor]}
            session.run(pipeline_names=["training"], runtime_params=parameters)

        list(pool.map(train, trained))

    assert before == state()
    assert_each_model_is_of_its_own_run(project, client, trained)


# --- a server


@contextmanager
def served(project: KedroProject) -> Iterator[str]:
    """Run ``kedro server start``, and give where it takes requests for runs."""
    port = free_port()
    log = project.path / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "kedro", "server", "start", "--port", str(port)],
            cwd=project.path,
            stdout=output,
            stderr=output,
        )
    try:
        wait_until_healthy(process, f"http://127.0.0.1:{port}/health", log, SECONDS_TO_START)
        yield f"http://127.0.0.1:{port}/run"
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.mark.skipif(KEDRO_VERSION < (1, 6), reason="This Kedro has no server for several runs at once.")
def test_two_requests_to_a_kedro_server_do_not_mix_up_their_trainings(
    project: KedroProject, client: MlflowClient
) -> None:
    """Two concurrent `/run` requests leave two runs and two models, each with its parameters and artifacts."""
    prepare(project)
    make_trainings_meet(project)
    trained = {2.0: 7.0, 5.0: -4.0}

    with served(project) as address, ThreadPoolExecutor(2) as pool:

        def train(factor: float) -> Any:
            parameters = {"training": {"factor": factor}, "offset": trained[factor]}
            if factor != min(trained):
                # Kedro names a run, and a version, by the millisecond in which it begins: the other one has begun.
                wait_for(project.path / "meeting" / f"start-{min(trained)}")
            return post(address, {"pipeline_names": ["training"], "params": parameters}, seconds=300)

        answers = list(pool.map(train, trained))
        unpaired = post(address, {"pipeline_names": ["data_processing"]}, seconds=300)

    assert ["success", "success"] == [answer["status"] for answer in answers], answers
    assert "success" == unpaired["status"]
    kedro_runs = {run.data.tags["kedro.run_id"] for run in runs(client)}
    assert {answer["run_id"] for answer in answers} == kedro_runs
    assert_each_model_is_of_its_own_run(project, client, trained)


# --- a packaged project

MAIN = """
import sys
from pathlib import Path

from kedro.framework.cli.utils import find_run_command
from kedro.framework.project import configure_project

package_name = Path(__file__).parent.name
configure_project(package_name)
find_run_command(package_name)(sys.argv[1:])
"""


def install_project(project: KedroProject, tmp_path: Path) -> dict[str, str]:
    """Install a project as a package below a directory, with its data in ``work`` and its configuration beside it.

    Returns:
        The environment variables of a process that is to find it.
    """
    uri = f"sqlite:///{project.path / 'mlflow.db'}"
    project.write_config(
        "mlflow", {"server": {"mlflow_tracking_uri": uri}, "autolog_pipeline": {"models": {"prices": MODEL}}}
    )
    site, work = tmp_path / "site", tmp_path / "work"
    sources = {f"{project.package}/__main__.py": MAIN}
    for file in (project.path / "src").rglob("*.py"):
        sources[file.relative_to(project.path / "src").as_posix()] = file.read_text()
    install(site, project.package, sources, direct_url={"url": "file:///wheels/shop.whl", "archive_info": {}})
    work.mkdir()
    shutil.copytree(project.path / "conf", tmp_path / "settings" / "conf")
    shutil.move(project.path / "data", work / "data")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}


def test_a_packaged_project_leaves_a_model_with_its_code(
    project: KedroProject, client: MlflowClient, tmp_path: Path
) -> None:
    """`python -m <package>` of an installed project, in another directory, packages into that directory's store."""
    prepare(project)
    environment = install_project(project, tmp_path)
    work = tmp_path / "work"
    option = "--pipelines" if KEDRO_VERSION >= (1, 2) else "--pipeline"

    done = subprocess.run(
        [sys.executable, "-m", project.package, option, "training", "--conf-source", str(tmp_path / "settings/conf")],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment,
    )

    assert 0 == done.returncode, done.stderr
    (model,) = models(client)
    assert "READY" == model.status
    assert "reproduced" == model.tags["kedro_autolog_pipeline.verification"]
    assert pytest.approx(expected_predictions(1.0, 0.5)) == predictions(project, model)
    package = Path(model.artifact_location.removeprefix("file://"))
    assert (package / "code" / project.package / "pipelines" / "inference" / "__init__.py").exists()
    assert project.package not in (package / "requirements.txt").read_text()
    # The experiment is made by this project, whose directory is the one it runs in.
    # MLflow 3.0 makes an empty directory besides.
    assert {".autolog_pipeline", "data", "mlartifacts"} == {path.name for path in work.iterdir()} - {"mlruns"}


def test_the_packaging_of_a_packaged_project_is_retried_where_it_trained(
    project: KedroProject, client: MlflowClient, tmp_path: Path
) -> None:
    """The command of the message works there, with the configuration that the training had."""
    prepare(project)
    project.write_pipeline("inference", INFERENCE.replace("    return (scaled", "    0 / 0\n    return (scaled"))
    run = [sys.executable, "-m", project.package]
    environment = install_project(project, tmp_path)

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=tmp_path / "work", capture_output=True, text=True, check=False, timeout=300, env=environment
        )

    option = "--pipelines" if KEDRO_VERSION >= (1, 2) else "--pipeline"
    failed = command(*run, option, "training", "--conf-source", "../settings/conf")
    retry = next(line for line in failed.stderr.splitlines() if "python -m kedro_autolog_pipeline.cli" in line)
    again = command(*shlex.split(retry.strip().replace("python", sys.executable, 1)))
    module = tmp_path / "site" / project.package / "pipelines" / "inference" / "__init__.py"
    module.write_text(INFERENCE)
    mended = command(*shlex.split(retry.strip().replace("python", sys.executable, 1)))

    assert [1, 1, 0] == [done.returncode for done in (failed, again, mended)], mended.stderr
    assert ["FAILED", "FAILED", "READY"] == [str(model.status) for model in models(client)]
    assert retry.strip().endswith(f" --conf-source {tmp_path / 'settings' / 'conf'}")


# --- a notebook

NOTEBOOK = """
import sys
from pathlib import Path

from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

bootstrap_project(Path.cwd())
with KedroSession.create(Path.cwd()) as session:
    session.load_context()
print("CONTEXT", *sorted({"mlflow", "pandas"} & set(sys.modules)))

from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "kedro.ipython")
shell.run_line_magic("reload_kedro", "")
assert "model" in shell.user_ns["catalog"]
shell.user_ns["context"].catalog
print("NOTEBOOK", *sorted({"mlflow", "kedro_autolog_pipeline.lifecycle.training_run"} & set(sys.modules)))
"""


@pytest.mark.parametrize("mistake", [False, True], ids=["correct", "mistaken"])
def test_a_notebook_that_looks_at_the_catalog_notices_nothing(project: KedroProject, *, mistake: bool) -> None:
    """`%load_ext kedro.ipython` imports neither mlflow nor pandas for us, and says nothing even of mistakes."""
    if mistake:
        project.write_models({"prices": {**MODEL, "inptu_name": "instances"}})
    # Kedro imports all pipelines to show the catalog.
    project.write_pipeline("training", TRAINING.replace("import mlflow", "mlflow = None"))
    (project.path / "mlflow.db").unlink()

    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "IPYTHONDIR": str(project.path / ".ipython"), "COLUMNS": "200"},
    )

    assert 0 == done.returncode, done.stderr
    printed = done.stdout.splitlines()
    assert ["CONTEXT", "NOTEBOOK"] == [line for line in printed if line.startswith(("CONTEXT", "NOTEBOOK"))]
    assert "autolog" not in done.stdout + done.stderr
    assert not (project.path / "mlflow.db").exists()


# --- a session within a session

RUN_ANOTHER = """
from contextlib import suppress
from pathlib import Path
from kedro.framework.session import KedroSession

def run_another():
    with suppress(ZeroDivisionError, KeyboardInterrupt), KedroSession.create(Path({path!r})) as session:
        session.run({option})
"""

OTHER = """
from kedro.pipeline import Pipeline, node

def fit():
    {outcome}

def create_pipeline(**kwargs):
    return Pipeline([node(fit, None, ["other_scaler", "other_model"])])
"""


@pytest.mark.parametrize(
    ("outcome", "statuses"),
    [
        (None, ["FINISHED"]),
        ("return {'mean': 0.0}, {'slope': 2.0}", ["FINISHED", "FINISHED"]),
        ("raise ZeroDivisionError", ["FINISHED", "FAILED"]),
        ("raise KeyboardInterrupt", ["FINISHED", "KILLED"]),
    ],
    ids=["no pair", "a pair", "a pair that fails", "a pair that is interrupted"],
)
def test_a_node_that_runs_another_pipeline_does_not_end_its_training(
    project: KedroProject, client: MlflowClient, outcome: str | None, statuses: list[str]
) -> None:
    """The training goes on and is packaged; the other one is, where it completes a pair, in a run below."""
    name = "data_processing" if outcome is None else "other"
    if outcome is not None:
        other = {**MODEL, "training": "other", "inference": "other_inference"}
        project.write_models({"prices": MODEL, "others": other})
        project.write_pipeline("other", OTHER.replace("{outcome}", outcome))
        inference = INFERENCE
        for dataset in ("model", "scaler", "scaled", "predictions"):
            inference = inference.replace(f'"{dataset}"', f'"other_{dataset}"')
        project.write_pipeline("other_inference", inference)
    option = f"pipeline_names=[{name!r}]" if KEDRO_VERSION >= (1, 2) else f"pipeline_name={name!r}"
    project.write("another.py", RUN_ANOTHER.format(path=str(project.path), option=option))
    training = TRAINING.replace("    centred =", "    run_another()\n    centred =")
    project.write_pipeline("training", f"from {project.package}.another import run_another\n{training}")
    prepare(project)

    project.run(pipelines=["training"])

    found = {model.name: model for model in models(client)}
    outer = client.get_run(str(found["prices"].source_run_id))
    inner = [run for run in runs(client) if run.info.run_id != outer.info.run_id]
    assert statuses == [run.info.status for run in (outer, *inner)]
    assert [outer.info.run_id for _ in inner] == [run.data.tags["mlflow.parentRunId"] for run in inner]
    assert (statuses == ["FINISHED"] * 2) == ("others" in found)
    assert {"READY"} == {str(model.status) for model in found.values()}
    assert mlflow.active_run() is None
    assert pytest.approx(expected_predictions(1.0, 0.5)) == predictions(project, found["prices"])


# --- whose run it is


def test_the_callers_run_is_theirs_even_when_the_training_fails(project: KedroProject, client: MlflowClient) -> None:
    """A run that was active before, inside another one, stays active and RUNNING; the error is the node's."""
    prepare(project)
    mlflow.set_tracking_uri(f"sqlite:///{project.path / 'mlflow.db'}")
    with mlflow.start_run() as outer, mlflow.start_run(nested=True) as inner:
        project.run(pipelines=["training"])
        with pytest.raises(TypeError):
            project.run(pipelines=["training"], runtime_params={"training": {"factor": "a word"}})

        active = mlflow.active_run()
        assert active is not None
        assert inner.info.run_id == active.info.run_id
        assert ["RUNNING", "RUNNING"] == [run.info.status for run in runs(client)]

    (model,) = models(client)
    assert inner.info.run_id == model.source_run_id
    assert {outer.info.run_id, inner.info.run_id} == {run.info.run_id for run in runs(client)}


def test_the_run_named_in_the_configuration_keeps_its_status_when_the_training_fails(
    project: KedroProject, client: MlflowClient
) -> None:
    """`tracking.run.id` of a finished run: a training that fails does not make that run a failed one."""
    prepare(project)
    given = client.create_run(client.create_experiment("given")).info.run_id
    client.set_terminated(given, "FINISHED")
    project.write_config(
        "mlflow", {"tracking": {"run": {"id": given}}, "autolog_pipeline": {"models": {"prices": MODEL}}}
    )

    with pytest.raises(TypeError):
        project.run(pipelines=["training"], runtime_params={"training": {"factor": "a word"}})

    (run,) = runs(client)
    assert (given, "FINISHED") == (run.info.run_id, run.info.status)
    assert mlflow.active_run() is None


@pytest.mark.skipif(
    Version(mlflow.__version__) < Version("3.1"),
    reason="MLflow 3.0 puts nested runs into the experiment of the process.",
)
def test_runs_that_a_node_opens_do_not_become_ours(project: KedroProject, client: MlflowClient) -> None:
    """A node with a nested run for each trial: the model is in the run around them."""
    prepare(project)
    project.write_pipeline(
        "training",
        TRAINING.replace(
            "    error = float",
            "    for trial in range(2):\n"
            "        with mlflow.start_run(nested=True):\n"
            "            mlflow.log_metric('trial', trial)\n"
            "    error = float",
        ),
    )

    project.run(pipelines=["training"])

    (model,) = models(client)
    (ours,) = [run for run in runs(client) if "kedro.run_id" in run.data.tags]
    assert ours.info.run_id == model.source_run_id
    assert ["error"] == list(ours.data.metrics)
    trials = [run for run in runs(client) if run.data.tags.get("mlflow.parentRunId") == ours.info.run_id]
    assert [{"trial": 0.0}, {"trial": 1.0}] == [run.data.metrics for run in trials]
    assert ["FINISHED"] * 3 == [run.info.status for run in runs(client)]


def test_a_run_that_has_ended_is_nobodys(
    project: KedroProject, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that kedro-mlflow left among the active runs when it ended gets nothing of the next training."""
    prepare(project)
    monkeypatch.setitem(sys.modules, "kedro_mlflow", ModuleType("kedro_mlflow"))
    mlflow.set_tracking_uri(f"sqlite:///{project.path / 'mlflow.db'}")
    ended = mlflow.start_run().info.run_id
    mlflow.start_run(ended, nested=True)
    mlflow.end_run()

    project.run(pipelines=["training"])

    (model,) = models(client)
    assert ended != model.source_run_id
    assert mlflow.active_run() is None


@pytest.mark.skipif(KEDRO_VERSION < (1, 5), reason="Kedro imports every pipeline before it runs one.")
def test_the_error_of_the_training_is_what_the_user_sees_when_the_run_cannot_be_closed(
    project: KedroProject, records: list[logging.LogRecord]
) -> None:
    """A store that is gone by the time a node fails does not hide why the node failed."""
    prepare(project)
    project.write_pipeline(
        "training",
        TRAINING.replace(
            "def fit_scaler(table):",
            "def fit_scaler(table):\n"
            "    import sqlite3\n"
            "    with sqlite3.connect('mlflow.db') as database:\n"
            "        database.execute('ALTER TABLE runs RENAME TO gone')\n"
            "    raise ValueError('the table is empty')",
        ),
    )
    records.clear()

    with pytest.raises(ValueError, match="the table is empty"):
        project.run(pipelines=["training"])

    assert {"WARNING"} == {record.levelname for record in records}
    assert " cannot be closed as FAILED: " in records[-1].getMessage()
    assert mlflow.active_run() is None
