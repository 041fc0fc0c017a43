"""Register a READY logged model as a version, and point the alias at it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from kedro_autolog_pipeline.datasets.locations import public_uri
from kedro_autolog_pipeline.errors import TrackingError
from kedro_autolog_pipeline.tracking.logged_model import LoggedModel
from kedro_autolog_pipeline.tracking.refusals import explain_refusal, http_status
from kedro_autolog_pipeline.tracking.run import TrackedRun
from kedro_autolog_pipeline.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient


def register(
    model: LoggedModel, registered_name: str, alias: str | None, tags: Mapping[str, str], description: str | None = None
) -> str:
    """Register a model, and point the alias at the new version.

    Args:
        model: A READY model.
        registered_name: Name of the registered model, made when there is none yet.
        alias: The alias; None for none.
        tags: Tags on the version.
        description: What MLflow's page of the version says of it, in Markdown; None for nothing.

    Returns:
        The version.

    Raises:
        TrackingError: When the registry will not have it; the logged model stays READY.
    """
    from mlflow.exceptions import MlflowException

    client = model.run.store.client()
    try:
        _create(registered_name, client)
        version = client.create_model_version(
            registered_name,
            source=model.uri,
            run_id=model.run.run_id,
            tags=dict(tags),
            model_id=model.model_id,
            description=description,
        ).version
        # As mlflow.register_model does it: MLflow's page of a logged model lists its versions from this tag alone.
        versions = json.dumps([{"name": registered_name, "version": int(version)}])
        client.set_logged_model_tags(model.model_id, {"mlflow.modelVersions": versions})
        if alias is not None:
            client.set_registered_model_alias(registered_name, alias, version)
    except MlflowException as error:
        by_hand = f"The model is READY; register it with mlflow.register_model('{model.uri}', '{registered_name}')."
        refusal = explain_refusal(error, "")
        raise TrackingError(
            f"register '{model.uri}' as '{registered_name}'", refusal.cause, f"{refusal.remedy} {by_hand}".lstrip()
        ) from error
    return str(version)


def find_aliases(registered_name: str, client: MlflowClient) -> dict[str, str]:
    """Find the version that each alias of a registered model points at.

    Returns:
        Version by alias; empty when there is no such model.

    Raises:
        MlflowException: When the registry does not answer.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

    try:
        model = client.get_registered_model(registered_name)
    except MlflowException as refusal:
        if refusal.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            return {}
        raise
    return {alias: str(version) for alias, version in model.aliases.items()}


def why_not_registered(store: Store, registered_name: str) -> str | None:
    """Say why a user may not even look at a registered model; None when the registry has no objection.

    Whether the user may write to it, no registry tells before it is tried.

    Args:
        store: Where the model will be registered.
        registered_name: Its name, of a model that need not be there yet.
    """
    from mlflow.exceptions import MlflowException

    registry = public_uri(store.registry_uri or store.tracking_uri)
    # Others know no users, and MLflow would make a database that is not there yet.
    if not registry.startswith(("http://", "https://")):
        return None
    try:
        store.client().get_registered_model(registered_name)
    except MlflowException as error:
        if http_status(error) in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            refusal = explain_refusal(error, "")
            return f"The registry '{registry}' does not give us '{registered_name}': {refusal.cause} {refusal.remedy}"
    return None


def describe(run: TrackedRun, registered_name: str, version: str, description: str) -> None:
    """Change what MLflow's page of a version says of it, in Markdown.

    Raises:
        MlflowException: When the registry does not take it.
    """
    run.store.client().update_model_version(registered_name, version, description)


def _create(registered_name: str, client: MlflowClient) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(registered_name)
    except MlflowException as refusal:
        # It exists, perhaps since another process was quicker; otherwise the refusal says more than its absence.
        try:
            client.get_registered_model(registered_name)
        except MlflowException:
            raise refusal from None
