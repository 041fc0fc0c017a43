"""Users that a tracking server refuses, on a real server with MLflow's own basic authentication."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
import requests

from kedro_autolog_pipeline.errors import PreflightError, TrackingError
from kedro_project import MODEL, KedroProject
from mlflow_server import mlflow_server

USER = "ann"
PASSWORD = "a password of ann"
WRONG = "not the password of ann"
ADMIN = ("admin", "a password of admin")
SETTINGS = f"""
[mlflow]
default_permission = READ
database_uri = sqlite:///basic_auth.db
admin_username = {ADMIN[0]}
admin_password = {ADMIN[1]}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""
ENTRY = (
    "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (or MLFLOW_TRACKING_TOKEN), in the entry of "
    "credentials.yml that 'server.credentials' of mlflow.yml names, or in the environment where it names none."
)


@attrs.frozen
class Server:
    """A server, as its administrator sees it.

    Attributes:
        address: Where it is.
    """

    address: str

    def post(self, what: str, **content: Any) -> requests.Response:
        """Have it do something; what it does not know is an answer."""
        response = requests.post(f"{self.address}/api/{what}", json=content, auth=ADMIN, timeout=60)
        assert response.status_code in {200, 404}, response.text
        return response

    def hide_registered_model(self, name: str) -> None:
        """Make a registered model that the user may not see: newer versions of MLflow have another way to that."""
        self.post("2.0/mlflow/registered-models/create", name=name)
        of_old = {"name": name, "username": USER, "permission": "NO_PERMISSIONS"}
        if self.post("2.0/mlflow/registered-models/permissions/create", **of_old).status_code == 404:
            resource = {"resource_type": "registered_model", "resource_id": name}
            granted = self.post("3.0/mlflow/users/permissions/grant", **resource, username=USER, permission="DENY")
            assert granted.status_code == 200, granted.text


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a server that knows one user, who may read what others make and write to what is the user's own."""
    directory = tmp_path_factory.mktemp("server")
    (directory / "auth.ini").write_text(SETTINGS)
    env = {"MLFLOW_AUTH_CONFIG_PATH": f"{directory / 'auth.ini'}", "MLFLOW_FLASK_SERVER_SECRET_KEY": "of the test"}
    with mlflow_server(directory, "--app-name", "basic-auth", env=env) as address:
        started = Server(address)
        started.post("2.0/mlflow/users/create", username=USER, password=PASSWORD)
        yield started


def configure(project: KedroProject, server: Server, password: str, **options: Any) -> None:
    """Have a project log to the server as the user."""
    tracking = {"mlflow_tracking_uri": server.address, "credentials": "mlflow_server"}
    models = {"models": {"prices": {**MODEL, **options}}}
    project.write_config("mlflow", {"server": tracking, "autolog_pipeline": models})
    entry = {"MLFLOW_TRACKING_USERNAME": USER, "MLFLOW_TRACKING_PASSWORD": password}
    project.write_config("credentials", {"mlflow_server": entry}, env="local")


def has_run_a_node(project: KedroProject) -> bool:
    """Tell whether the first node has saved something."""
    return (project.path / "data" / "table.csv").exists()


def test_a_wrong_password_is_told_before_the_first_node(project: KedroProject, server: Server) -> None:
    """The key to correct is named, and the password is nowhere."""
    configure(project, server, WRONG)

    with pytest.raises(PreflightError) as caught:
        project.run()

    (fault,) = caught.value.faults
    assert (
        f"The tracking server '{server.address}' does not give us the experiment '{project.package}': it does not "
        f"accept the user and password (401). Correct {ENTRY}"
    ) == fault
    assert WRONG not in str(caught.value)
    assert not has_run_a_node(project)


def test_who_may_only_read_is_told_before_the_first_node(project: KedroProject, server: Server) -> None:
    """The server tells it when a run is opened, which is before the first node as well."""
    server.post("2.0/mlflow/experiments/create", name=project.package)
    configure(project, server, PASSWORD)

    with pytest.raises(TrackingError) as caught:
        project.run()

    assert (
        f"Cannot open a run in experiment '{project.package}' at '{server.address}': it does not allow that to this "
        "user (403). Ask whoever runs the server for the right to it, or give another user: " + ENTRY
    ) == str(caught.value)
    assert not has_run_a_node(project)


def test_a_registered_model_that_belongs_to_others_is_told_before_the_first_node(
    project: KedroProject, server: Server
) -> None:
    """Its name is in the message; a name that nobody has is no fault."""
    server.hide_registered_model("theirs")
    configure(project, server, PASSWORD, registered_model_name="theirs")

    with pytest.raises(PreflightError) as caught:
        project.run()

    (fault,) = caught.value.faults
    assert f"The registry '{server.address}' does not give us 'theirs': it does not allow that" in fault
    assert fault.endswith(ENTRY)
    assert not has_run_a_node(project)
    configure(project, server, PASSWORD, registered_model_name=project.package)
    project.run()
    assert has_run_a_node(project)
