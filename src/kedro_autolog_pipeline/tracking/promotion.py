"""Move an alias of a registered model to the version of a READY model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from kedro_autolog_pipeline.errors import TrackingError
from kedro_autolog_pipeline.tracking.experiment_models import find_versions
from kedro_autolog_pipeline.tracking.names import mistakes_of_alias
from kedro_autolog_pipeline.tracking.registered_model import find_aliases
from kedro_autolog_pipeline.tracking.stored_model import StoredModel
from kedro_autolog_pipeline.tracking.tags import PROMOTION_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient


@attrs.frozen
class Promotion:
    """A version that is to get an alias.

    Attributes:
        name: The registered model.
        version: The version.
        alias: The alias.
        before: The version that the alias points at now; None when it points at none.
    """

    name: str
    version: str
    alias: str
    before: str | None

    @property
    def uri(self) -> str:
        """The version, as MLflow names it."""
        return f"models:/{self.name}/{self.version}"


def plan_promotion(model: StoredModel, alias: str, client: MlflowClient) -> Promotion:
    """Find out which alias is to move from which version to which; nothing is moved.

    Args:
        model: What is to get the alias. Asked for by its id, its version is found.
        alias: The alias.
        client: Of the tracking server and its registry.

    Raises:
        TrackingError: When it is not READY, it is no registered version or several, or MLflow refuses the alias.
        MlflowException: When the registry does not answer.
    """
    mistakes = list(mistakes_of_alias(alias))
    if mistakes:
        raise _refused(model, " ".join(mistakes), "Name another alias.")
    if not model.is_ready:
        remedy = "Name one that is: 'kedro autolog list' shows them."
        raise _refused(model, "it is not READY, so nothing of it is proven.", remedy)
    name, version = model.registered_name, model.version
    if name is None or version is None:
        versions = [] if model.run_id is None else find_versions(model.model_id, model.run_id, client)
        if not versions:
            raise _refused(
                model,
                "it is no version of a registered model, and an alias points at a version.",
                f"Register it with mlflow.register_model('models:/{model.model_id}', '<name>'), and promote that.",
            )
        if len(versions) > 1:
            uris = _listed(f"models:/{each.name}/{each.version}" for each in versions)
            raise _refused(model, "it is registered more than once.", f"Name one of {uris}.")
        name, version = versions[0].name, versions[0].version
    return Promotion(name, version, alias, find_aliases(name, client).get(alias))


def move_alias(promotion: Promotion, client: MlflowClient, note: str | None = None) -> None:
    """Move the alias, unless it has moved since that was planned.

    Args:
        promotion: What was planned.
        client: Of the tracking server and its registry.
        note: What a tag of the version says of it; None leaves the tag as it is.

    Raises:
        TrackingError: When it has.
        MlflowException: When the registry does not answer.
    """
    now = find_aliases(promotion.name, client).get(promotion.alias)
    if now != promotion.before:
        raise TrackingError(
            f"promote '{promotion.uri}'",
            f"'{promotion.alias}' has moved meanwhile, from version {promotion.before} to version {now}.",
            "Look at that one, and try again.",
        )
    client.set_registered_model_alias(promotion.name, promotion.alias, promotion.version)
    if note is not None:
        client.set_model_version_tag(promotion.name, promotion.version, PROMOTION_TAG, note)


def _refused(model: StoredModel, cause: str, remedy: str) -> TrackingError:
    return TrackingError(f"promote '{model.uri}'", cause, remedy)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
