"""What the commands of the registry show and do: two trainings, of which the second has changed in many ways."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import attrs
import click
import pytest
from click.testing import CliRunner, Result
from kedro.framework.startup import bootstrap_project
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus

from kedro_autolog_pipeline.cli.diff import diff
from kedro_autolog_pipeline.cli.list_models import list_models
from kedro_autolog_pipeline.cli.promote import promote
from kedro_project import DATA_PROCESSING, INFERENCE, MODEL, TRAINING, KedroProject, write_project
from mlflow_store import models

NODES = '''
def scale(instances, scaler):
    """Scale."""
    return instances["x"] - scaler["mean"]

def predict(scaled, model, offset):
    return (scaled * model["slope"] + offset).to_frame("prediction")
'''

OTHER_NODES = '''
def scale(instances, scaler):
    """Scale, as before."""
    return instances["x"] - scaler["mean"]  # and nothing else

def predict(scaled, model, offset):
    return (scaled * model["slope"] - offset).to_frame("prediction")

def unused():
    return 1
'''


@attrs.frozen
class Trained:
    """A project with two models.

    Attributes:
        project: The project.
        first: URI of the first model, version 1 of 'shop-prices'.
        second: URI of the second model, version 2, which is champion.
    """

    project: KedroProject
    first: str
    second: str

    @property
    def client(self) -> MlflowClient:
        """A client of its store."""
        return MlflowClient(f"sqlite:///{self.project.path / 'mlflow.db'}")

    def ask(self, command: click.Command, *arguments: str) -> Result:
        """Run a command in the project, in this process."""
        return CliRunner().invoke(command, arguments, obj=bootstrap_project(self.project.path))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Trained:
    """Train twice; the second time in a process of its own, which has other code."""
    directory = tmp_path_factory.mktemp("registry")
    project = write_project(directory / "shop")
    shutil.copy(migrated_database, project.path / "mlflow.db")
    project.write("nodes.py", NODES)
    start = INFERENCE.index("def create_pipeline")
    imports = f"from kedro.pipeline import Pipeline, node\n\nfrom {project.package}.nodes import predict, scale\n\n"
    project.write_pipeline("inference", imports + INFERENCE[start:])
    project.write_pipeline("data_processing", DATA_PROCESSING)
    project.write_pipeline("training", TRAINING)
    project.write_models({"prices": {**MODEL, "registered_model_name": "shop-prices", "alias": "champion"}})
    project.run()
    project.write("nodes.py", OTHER_NODES)
    project.write_config("parameters", {"training": {"factor": 3.0}, "offset": 0.25})
    assert 0 == project.run_command().returncode
    first, second = models(MlflowClient(f"sqlite:///{project.path / 'mlflow.db'}"))
    return Trained(project, f"models:/{first.model_id}", f"models:/{second.model_id}")


def document(done: Result) -> Any:
    """Read what a program reads of a command that has done what it was asked."""
    assert 0 == done.exit_code, done.output
    return json.loads(done.stdout.splitlines()[-1])


def test_the_list_has_what_is_known_of_each_model(trained: Trained) -> None:
    """The newest is first; the alias is at the version that it was moved to last."""
    done = trained.project.command("autolog", "list", "--json")
    found = json.loads(done.stdout.splitlines()[-1])

    assert trained.project.package == found["experiment"]
    assert [trained.second, trained.first] == [model["uri"] for model in found["models"]]
    assert [
        [{"name": "shop-prices", "version": "2", "aliases": ["champion"]}],
        [{"name": "shop-prices", "version": "1", "aliases": []}],
    ] == [model["versions"] for model in found["models"]]
    assert {("prices", "READY", "reproduced", None)} == {
        (model["name"], model["status"], model["proof"], model["failure"]) for model in found["models"]
    }
    assert [["error"], ["error"]] == [list(model["metrics"]) for model in found["models"]]


def test_the_list_for_a_person_has_a_line_for_each_model(trained: Trained) -> None:
    """It needs no project when the experiment is named."""
    server = f"sqlite:///{trained.project.path / 'mlflow.db'}"
    options = ["--tracking-uri", server, "--experiment", trained.project.package, "--limit", "1"]
    done = CliRunner().invoke(list_models, options)

    head, line = done.stdout.splitlines()
    assert ["model", "status", "proof", "versions", "metrics", "age", "run", "URI"] == head.split()
    assert re.fullmatch(
        rf"prices +READY +reproduced +shop-prices/2 @champion +error=[\d.]+ +(now|\d+ minutes?) +\w{{32}} +"
        rf"{trained.second}",
        line.rstrip(),
    )


def test_the_difference_names_what_has_changed_and_nothing_else(trained: Trained) -> None:
    """A docstring and a comment are no change; an alias names a model of the project."""
    found = document(trained.ask(diff, trained.first, "champion", "--json"))

    assert {"first": trained.first, "second": "models:/shop-prices@champion"} == {
        name: found[name] for name in ("first", "second")
    }
    changes = found["changes"]
    assert ["parameters", "functions", "artifacts", "signature", "metrics"] == list(changes)
    assert {
        "offset": {"first": "0.5", "second": "0.25"},
        "training.factor": {"first": "1.0", "second": "3.0"},
    } == changes["parameters"]
    nodes = f"{trained.project.package}.nodes"
    assert [f"{nodes}:predict", f"{nodes}:unused"] == list(changes["functions"])
    assert changes["functions"][f"{nodes}:unused"]["first"] is None
    assert ["model"] == list(changes["artifacts"])
    assert ["params: offset"] == list(changes["signature"])
    assert ["error"] == list(changes["metrics"])


def test_the_difference_for_a_person_is_a_tree(trained: Trained) -> None:
    """Digests are for programs alone; two that are the same are said to be."""
    done = trained.ask(diff, "models:/shop-prices/1", "models:/shop-prices/2")
    same = trained.ask(diff, trained.second, "champion")

    nodes = f"{trained.project.package}.nodes"
    lines = [" ".join(line.strip(" │├└─").split()) for line in done.stdout.splitlines()]
    start = lines.index("models:/shop-prices/1 → models:/shop-prices/2")
    assert [
        "parameters",
        "offset changed: 0.5 → 0.25",
        "training.factor changed: 1.0 → 3.0",
        "functions",
        f"{nodes}:predict changed",
        f"{nodes}:unused only in the second",
        "artifacts",
        "model changed",
    ] == lines[start + 1 : start + 9]
    assert f"'{trained.second}' and 'models:/shop-prices@champion' do not differ.\n" in same.stdout


def test_an_alias_goes_back_and_forth(trained: Trained) -> None:
    """Promoting an older version takes a promotion back, and the command says how; nothing is registered again."""
    back = trained.ask(promote, trained.first, "--alias", "champion")
    assert (
        "'models:/shop-prices/1' is 'champion' now.\n"
        "It was version 2. To take that back:\n"
        "  kedro autolog promote models:/shop-prices/2 --alias champion\n"
    ) in back.stdout
    assert {"champion": "1"} == aliases(trained)

    again = trained.ask(promote, "champion", "--alias", "champion")
    assert "'models:/shop-prices/1' is 'champion' already.\n" in again.stdout

    forth = trained.ask(promote, "models:/shop-prices/2", "--alias", "champion", "--json")
    assert {"name": "shop-prices", "version": "2", "alias": "champion", "before": "1"} == document(forth)
    assert {"champion": "2"} == aliases(trained)
    assert 2 == len(trained.client.search_model_versions("name = 'shop-prices'"))


def test_a_model_that_is_not_ready_is_not_promoted(trained: Trained) -> None:
    """The message says where to find one that is, and the alias stays."""
    experiment = trained.client.get_logged_model(trained.first.removeprefix("models:/")).experiment_id
    failed = trained.client.create_logged_model(experiment, name="failed")
    trained.client.finalize_logged_model(failed.model_id, LoggedModelStatus.FAILED)

    done = trained.ask(promote, f"models:/{failed.model_id}", "--alias", "champion")

    trained.client.delete_logged_model(failed.model_id)
    assert 1 == done.exit_code
    assert (
        f"Cannot promote 'models:/{failed.model_id}': it is not READY, so nothing of it is proven. "
        "Name one that is: 'kedro autolog list' shows them.\n"
    ) == done.output[done.output.index("Cannot") :]
    assert {"champion": "2"} == aliases(trained)


def test_an_alias_that_no_model_has_is_named(trained: Trained) -> None:
    """The forms of a URI are shown."""
    done = trained.ask(diff, "challenger", trained.first)

    assert 1 == done.exit_code
    assert (
        "Cannot find 'challenger': it is no URI, and no registered model that mlflow.yml names has it as an alias. "
        "Name it as models:/<model id>, models:/<name>/<version> or models:/<name>@<alias>.\n"
    ) in done.output


def test_a_server_that_is_down_is_named_at_once(trained: Trained) -> None:
    """MLflow would try for minutes."""
    done = trained.ask(list_models, "--tracking-uri", "http://127.0.0.1:1")

    assert 1 == done.exit_code
    assert re.search(
        r"Cannot ask 'http://127.0.0.1:1': .*refused.*\. Start it, or name another tracking server", done.output
    )


def aliases(trained: Trained) -> dict[str, str]:
    """Give the version at each alias."""
    found = trained.client.get_registered_model("shop-prices").aliases
    return {alias: str(version) for alias, version in found.items()}


def test_an_experiment_without_models_has_none_to_list(trained: Trained) -> None:
    """That is no mistake."""
    trained.client.create_experiment("empty")

    done = trained.ask(list_models, "--experiment", "empty")

    assert (0, "The experiment 'empty' has no logged models.") == (done.exit_code, done.output.splitlines()[-1])


def test_an_experiment_that_is_misspelt_is_told_with_the_one_that_was_meant(trained: Trained) -> None:
    """And where none is near, with those that there are."""
    near, far = (trained.ask(list_models, "--experiment", name) for name in (f"{trained.project.package}x", "zz"))

    assert (1, 1) == (near.exit_code, far.exit_code)
    assert f"there is no such experiment. Did you mean '{trained.project.package}'? Name one by" in near.output
    assert "Cannot list the models of 'zz': there is no such experiment. There are: 'Default'," in far.output


def test_outside_of_a_project_the_experiment_is_asked_for(trained: Trained) -> None:
    """There, none is the default."""
    store = f"sqlite:///{trained.project.path / 'mlflow.db'}"

    done = CliRunner().invoke(list_models, ["--tracking-uri", store])

    assert 2 == done.exit_code
    assert "Outside of a project that packages models, name an experiment by --experiment." in done.output


def test_the_list_shows_a_few_metrics_and_counts_the_others(trained: Trained) -> None:
    """A model that failed is listed as well, with all that it has."""
    experiment = trained.client.create_experiment("many metrics")
    run = trained.client.create_run(experiment)
    model = trained.client.create_logged_model(experiment, name="many", source_run_id=run.info.run_id)
    for number in range(6):
        trained.client.log_metric(run.info.run_id, f"m{number}", number, model_id=model.model_id)
    trained.client.finalize_logged_model(model.model_id, LoggedModelStatus.FAILED)

    done = trained.ask(list_models, "--experiment", "many metrics")

    (line,) = [line for line in done.output.splitlines() if "many" in line]
    assert "FAILED" in line
    assert "m0=0, m1=1, m2=2, m3=3, 2 more" in line
