"""Open the tracking server that a command asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import click

from kedro_autolog_pipeline.errors import TrackingError

if TYPE_CHECKING:
    from kedro.framework.startup import ProjectMetadata
    from mlflow import MlflowClient

    from kedro_autolog_pipeline.config.project import Project
    from kedro_autolog_pipeline.config.schema import ModelConfig
    from kedro_autolog_pipeline.tracking.store import Store

tracking_uri_option = click.option(
    "--tracking-uri",
    default=None,
    help="The tracking server that holds the model; by default the project's, or MLflow's own outside of a project.",
)


@attrs.frozen
class Server:
    """A tracking server that is asked.

    Attributes:
        client: Of it and its registry.
        store: The same, as its URIs.
        project: The project that the command is run in; None outside of one, and in one that packages nothing.
    """

    client: MlflowClient
    store: Store
    project: Project | None

    def uri_of(self, model: str) -> str:
        """Return the URI of a model that is named by its URI, or by an alias of a registered model of the project.

        Raises:
            TrackingError: When no model of the project has the alias, or several have.
        """
        if model.startswith("models:"):
            return model
        from kedro_autolog_pipeline.tracking.registered_model import find_aliases
        from kedro_autolog_pipeline.tracking.stored_model import URI_FORMS

        models = () if self.project is None else self.project.config.autolog_pipeline.models
        names = sorted({each.registered_model_name for each in models if each.registered_model_name is not None})
        uris = [f"models:/{name}@{model}" for name in names if model in find_aliases(name, self.client)]
        if len(uris) == 1:
            return uris[0]
        cause = f"it is an alias of several models ({', '.join(uris)})."
        if not uris:
            cause = "it is no URI, and no registered model that mlflow.yml names has it as an alias."
        raise TrackingError(f"find '{model}'", cause, URI_FORMS)

    def gate_of(self, name: str, alias: str) -> ModelConfig | None:
        """Return the pair of the project whose conditions guard an alias; None where none does.

        Args:
            name: The registered model.
            alias: The alias.
        """
        models = () if self.project is None else self.project.config.autolog_pipeline.models
        guarded = (each for each in models if each.promote_when)
        return next((each for each in guarded if (each.registered_model_name, each.alias) == (name, alias)), None)


@contextmanager
def open_server(metadata: ProjectMetadata | None, tracking_uri: str | None) -> Iterator[Server]:
    """Open the server that is asked for, or the project's, with the project's credentials where it is the project's.

    Args:
        metadata: The project; None outside of one.
        tracking_uri: The server that the user names; None for none.

    Raises:
        ConfigurationError: With every mistake in ``mlflow.yml``.
        TrackingError: When the server does not answer.
    """
    from mlflow import MlflowClient

    from kedro_autolog_pipeline.tracking.store import Store, find_store

    project = None if metadata is None else _project(metadata)
    if project is None or tracking_uri is not None:
        client = _answering(MlflowClient(tracking_uri))
        yield Server(client, Store(client.tracking_uri, None, None), project)
        return
    from kedro_autolog_pipeline.tracking.credentials import EXPORTED_CREDENTIALS

    with EXPORTED_CREDENTIALS.exported(project.credentials):
        store = find_store(project.config.server, project.path)
        yield Server(_answering(store.client()), store, project)


def _project(metadata: ProjectMetadata) -> Project | None:
    from kedro.framework.session import KedroSession

    from kedro_autolog_pipeline.config.project import read_project

    with KedroSession.create(project_path=metadata.project_path) as session:
        return read_project(session.load_context())  # type: ignore[attr-defined]  # every session of Kedro's has it


def _answering(client: MlflowClient) -> MlflowClient:
    """Return a client whose server answers, for MLflow would try for minutes.

    Raises:
        TrackingError: When it does not.
    """
    from kedro_autolog_pipeline.datasets.locations import public_uri
    from kedro_autolog_pipeline.tracking.store import why_no_answer

    silence = why_no_answer(client.tracking_uri)
    if silence is not None:
        raise TrackingError(
            f"ask '{public_uri(client.tracking_uri)}'",
            f"{silence.rstrip('.')}.",
            "Start it, or name another tracking server by --tracking-uri or MLFLOW_TRACKING_URI.",
        )
    return client
