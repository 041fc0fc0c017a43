"""List the logged models of an experiment, with the versions and aliases that they have in the registry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import attrs

from kedro_autolog_pipeline.tracking.registered_model import find_aliases
from kedro_autolog_pipeline.tracking.stored_model import last_metrics, model_of_version
from kedro_autolog_pipeline.tracking.tags import FAILURE_TAG, VERIFICATION_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

# Ids of runs in one filter, which is a part of an address.
_RUNS_PER_REQUEST = 50


@attrs.frozen
class RegisteredVersion:
    """A version of a registered model.

    Attributes:
        name: The registered model.
        version: The version.
        aliases: Those that point at it, sorted.
    """

    name: str
    version: str
    aliases: tuple[str, ...]


@attrs.frozen
class ListedModel:
    """A logged model of an experiment.

    Attributes:
        name: Its name.
        model_id: Its id.
        run_id: The run that it belongs to; None when it belongs to none.
        created_at: When it was created, UTC.
        status: As MLflow names it: READY, PENDING, FAILED.
        failure: Why it failed; None when it did not, or nothing tells.
        proof: What is proven of it, a value of ``Outcome``; None when nothing is.
        metrics: The last value of each that is linked to it, by name.
        versions: Its registered versions, the newest first.
    """

    name: str
    model_id: str
    run_id: str | None
    created_at: datetime
    status: str
    failure: str | None
    proof: str | None
    metrics: Mapping[str, float]
    versions: tuple[RegisteredVersion, ...]

    @property
    def uri(self) -> str:
        """What ``mlflow.pyfunc.load_model`` takes."""
        return f"models:/{self.model_id}"


def list_models(experiment_id: str, limit: int, client: MlflowClient) -> list[ListedModel]:
    """List the logged models of an experiment, the newest first.

    Args:
        experiment_id: The experiment.
        limit: How many at most.
        client: Of the tracking server and its registry.

    Raises:
        MlflowException: When the server does not answer.
    """
    found = list(_newest(experiment_id, limit, client))
    versions = _versions({model.source_run_id for model in found if model.source_run_id}, client)
    return [
        ListedModel(
            name=model.name,
            model_id=model.model_id,
            run_id=model.source_run_id,
            created_at=datetime.fromtimestamp(model.creation_timestamp / 1000, timezone.utc),
            status=model.status.value,
            failure=model.tags.get(FAILURE_TAG),
            proof=model.tags.get(VERIFICATION_TAG),
            metrics=last_metrics(model),
            versions=tuple(sorted(versions[model.model_id], key=lambda each: int(each.version), reverse=True)),
        )
        for model in found
    ]


def find_versions(model_id: str, run_id: str, client: MlflowClient) -> list[RegisteredVersion]:
    """Find the registered versions of a logged model.

    Args:
        model_id: The model.
        run_id: The run that it belongs to.
        client: Of the tracking server and its registry.

    Raises:
        MlflowException: When the registry does not answer.
    """
    return _versions({run_id}, client)[model_id]


def _newest(experiment_id: str, limit: int, client: MlflowClient) -> Iterator[LoggedModel]:
    order = [{"field_name": "creation_timestamp", "ascending": False}]
    token: str | None = None
    while limit > 0:
        page = client.search_logged_models([experiment_id], max_results=limit, order_by=order, page_token=token)
        yield from page
        limit -= len(page)
        token = page.token
        if not token:
            return


def _versions(run_ids: Collection[str], client: MlflowClient) -> Mapping[str, list[RegisteredVersion]]:
    """Find all registered versions of runs' models, by the id of the model."""
    aliases: dict[str, Mapping[str, str]] = {}
    found = defaultdict[str, list[RegisteredVersion]](list)
    ordered = sorted(run_ids)
    for start in range(0, len(ordered), _RUNS_PER_REQUEST):
        names = ", ".join(f"'{run_id}'" for run_id in ordered[start : start + _RUNS_PER_REQUEST])
        for version in client.search_model_versions(f"run_id IN ({names})"):
            if version.name not in aliases:
                aliases[version.name] = find_aliases(version.name, client)
            own = sorted(alias for alias, number in aliases[version.name].items() if number == str(version.version))
            model_id = model_of_version(version)
            if model_id is not None:
                found[model_id].append(RegisteredVersion(version.name, str(version.version), tuple(own)))
    return found
