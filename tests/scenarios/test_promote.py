"""An alias moves to a version when it deserves it, on a real project."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from kedro.framework.startup import bootstrap_project
from mlflow import MlflowClient

from kedro_autolog_pipeline.cli.promote import promote
from kedro_autolog_pipeline.errors import PreflightError, PromotionRefusedError
from kedro_project import CATALOG, MODEL, KedroProject, write_project
from mlflow_server import mlflow_server
from mlflow_store import models, runs

# The error of a model on these rows is how much its offset is less than 29.5.
ROWS = "x,label\n" + "\n".join(f"{x},{3 * x + 1}" for x in range(20))
TEST_ROWS = {"type": "pandas.CSVDataset", "filepath": "data/rows.csv"}
PROMOTED: dict[str, Any] = {
    **MODEL,
    "registered_model_name": "prices",
    "alias": "champion",
    # What is shown here is not the proof.
    "verify": False,
    "evaluate": {"data": "rows", "targets": "label", "model_type": "regressor"},
    "promote_when": {
        "root_mean_squared_error": {"threshold": 5, "greater_is_better": False, "min_absolute_change": 0.5}
    },
}


def promoting(project: KedroProject, server: str | None = None, **options: Any) -> None:
    """Write a project whose versions are evaluated, compared and promoted."""
    project.write_config("catalog", {**CATALOG, "rows": TEST_ROWS})
    (project.path / "data" / "rows.csv").write_text(ROWS, encoding="utf-8")
    project.write_config("mlflow", {**configuration(**options), "server": {"mlflow_tracking_uri": server}})


def configuration(**options: Any) -> dict[str, Any]:
    """Give our part of mlflow.yml."""
    return {"autolog_pipeline": {"models": {"prices": {**PROMOTED, **options}}}}


def train(project: KedroProject, error: float) -> None:
    """Train a version that is wrong by so much."""
    project.run(runtime_params={"offset": 29.5 - error})


def outcome(client: MlflowClient, version: str) -> str:
    """Say what the tag of a version says of its promotion."""
    return str(client.get_model_version("prices", version).tags["kedro_autolog_pipeline.promotion"])


def champion(client: MlflowClient) -> str:
    """Give the version that has the alias."""
    return str(client.get_model_version_by_alias("prices", "champion").version)


@pytest.fixture(params=["sqlite", pytest.param("server", marks=pytest.mark.promotions)])
def promoted(
    request: pytest.FixtureRequest, project: KedroProject, client: MlflowClient, tmp_path: Path
) -> Iterator[tuple[KedroProject, MlflowClient]]:
    """Give a project whose store is a database or a server, and a client of it."""
    if request.param == "sqlite":
        promoting(project)
        yield project, client
        return
    with mlflow_server(tmp_path) as server:
        promoting(project, server)
        yield project, MlflowClient(server)


def test_a_version_gets_the_alias_when_it_deserves_it(
    promoted: tuple[KedroProject, MlflowClient], capsys: pytest.CaptureFixture[str]
) -> None:
    """The first one by its threshold; a worse one and one that is not enough better are registered and no more."""
    project, client = promoted

    train(project, 4.0)
    assert ("1", "promoted to 'champion'.") == (champion(client), outcome(client, "1"))

    train(project, 9.0)
    assert "1" == champion(client)
    refusal = (
        "not promoted: version 1 keeps 'champion', for root_mean_squared_error is 9, and must be at most 5. "
        "root_mean_squared_error is 9, and must be less than the 4 of version 1, by at least 0.5."
    )
    assert refusal == outcome(client, "2")

    train(project, 3.75)
    assert "1" == champion(client)
    assert "is 3.75, and must be less than the 4 of version 1, by at least 0.5." in outcome(client, "3")

    train(project, 2.0)
    assert ("4", "promoted to 'champion'.") == (champion(client), outcome(client, "4"))

    assert {"READY"} == {str(model.status) for model in models(client)}
    assert {"FINISHED"} == {run.info.status for run in runs(client)}
    second = models(client)[1]
    assert refusal == second.tags["kedro_autolog_pipeline.promotion"]
    page = second.tags["mlflow.note.content"]
    assert "**Not promoted: version 1 keeps 'champion', for root\\_mean\\_squared\\_error is 9" in page
    assert page == client.get_model_version("prices", "2").description


def test_a_champion_that_cannot_be_loaded_is_compared_by_what_was_recorded(
    project: KedroProject, client: MlflowClient
) -> None:
    """Its metrics on the same rows count; where the rows have changed, the gate stays closed and says why."""
    promoting(project)
    train(project, 4.0)
    (first,) = models(client)
    (entry,) = (project.path / "mlartifacts").rglob(f"{first.model_id}/artifacts/model.py")
    entry.unlink()

    train(project, 3.75)
    assert "must be less than the 4 of version 1, by at least 0.5." in outcome(client, "2")

    (project.path / "data" / "rows.csv").write_text(f"{ROWS}\n20,61", encoding="utf-8")
    train(project, 2.0)
    assert "1" == champion(client)
    said = outcome(client, "3")
    assert (
        "root_mean_squared_error cannot be compared with that of version 1: it cannot be evaluated here (the " in said
    )
    assert said.endswith("and has no metrics of what 'rows' is now.")


def test_a_refusal_fails_the_command_where_the_user_asks_for_it(project: KedroProject, client: MlflowClient) -> None:
    """The version is READY and registered all the same; a metric of the run may be a condition too."""
    conditions = {"error": {"threshold": 0.5, "greater_is_better": False}}
    promoting(project, promote_when=conditions, on_refusal="raise", evaluate=None)

    with pytest.raises(PromotionRefusedError) as raised:
        train(project, 4.0)

    (run,), (model,) = runs(client), models(client)
    error = f"{run.data.metrics['error']:.10g}"
    assert (
        "'prices' is registered as version 1, and is not promoted: no version has 'champion', for "
        f"error is {error}, and must be at most 0.5."
    ) == str(raised.value)
    assert ("FINISHED", "READY") == (run.info.status, model.status)
    assert not (project.path / ".autolog_pipeline" / run.info.run_id).exists()


def test_a_refusal_is_one_line_of_the_command(project: KedroProject) -> None:
    """Its exit code is 0."""
    promoting(project, promote_when={"nothing": {"threshold": 1, "greater_is_better": True}}, evaluate=None)

    ended = project.run_command()

    assert 0 == ended.returncode, ended.stderr
    lines = [line for line in ended.stdout.splitlines() if "not promoted" in line]
    assert [
        "'prices' is registered as version 1, and is not promoted: no version has 'champion', for there is no metric "
        "'nothing' of the evaluation or of the run. There are: 'error'."
    ] == lines


def test_a_metric_that_is_misspelt_stops_the_run(project: KedroProject) -> None:
    """It is known before the first node when it is spelt almost as one of the evaluation."""
    promoting(project, promote_when={"root_mean_square_error": {"threshold": 1, "greater_is_better": False}})

    with pytest.raises(PreflightError, match=r"promote_when.root_mean_square_error: the .* 'root_mean_squared_error'"):
        project.run()


def test_a_version_is_promoted_by_hand_through_the_same_gate(project: KedroProject, client: MlflowClient) -> None:
    """It is evaluated, and compared with the version that has the alias; --force asks nothing, and leaves a tag."""
    promoting(project)
    train(project, 4.0)
    promoting(project, alias=None, promote_when=None)
    train(project, 9.0)
    promoting(project)

    def ask(*arguments: str) -> Result:
        metadata = bootstrap_project(project.path)
        return CliRunner().invoke(promote, [*arguments, "--alias", "champion"], obj=metadata)

    refused = ask("models:/prices/2")
    assert (1, "1") == (refused.exit_code, champion(client))
    assert outcome(client, "2").startswith("not promoted: version 1 keeps 'champion', for root_mean_squared_error is 9")
    assert refused.output.endswith(
        "Cannot promote 'models:/prices/2': version 1 keeps 'champion', for root_mean_squared_error is 9, and must be "
        "at most 5. root_mean_squared_error is 9, and must be less than the 4 of version 1, by at least 0.5. To move "
        "it without asking 'promote_when', add --force.\n"
    )

    assert 0 == ask("models:/prices/2", "--force").exit_code
    assert ("2", "promoted to 'champion' by --force: 'promote_when' was not asked.") == (
        champion(client),
        outcome(client, "2"),
    )

    back = ask("models:/prices/1")
    assert (0, "1", "promoted to 'champion'.") == (back.exit_code, champion(client), outcome(client, "1"))


@pytest.mark.promotions
@pytest.mark.parametrize("repetition", range(20))
def test_of_two_trainings_at_once_the_alias_goes_to_one_that_passed_against_the_other(
    repetition: int, tmp_path: Path, migrated_database: Path
) -> None:
    """Both beat the champion and neither beats the other by enough, so only the first of them gets the alias."""
    store = f"sqlite:///{shutil.copy(migrated_database, tmp_path / 'mlflow.db')}"
    projects = [write_project(tmp_path / name) for name in ("one", "other")]
    for project in projects:
        promoting(project, store)
    command = [sys.executable, "-m", "kedro", "run", "--params"]

    def start(project: KedroProject, error: float) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*command, f"offset={29.5 - error}"], cwd=project.path, stdout=subprocess.DEVNULL)

    assert 0 == start(projects[0], 4.0).wait(300)
    trainings = [start(project, error) for project, error in zip(projects, (2.0, 2.1), strict=True)]
    assert [0, 0] == [training.wait(300) for training in trainings]

    client = MlflowClient(store)
    outcomes = {version: outcome(client, version) for version in ("2", "3")}
    assert ("2", "promoted to 'champion'.") == (champion(client), outcomes["2"])
    assert "of version 2, by at least 0.5." in outcomes["3"]
