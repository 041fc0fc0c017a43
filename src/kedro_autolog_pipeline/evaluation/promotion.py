"""Move an alias to a version when its conditions hold, judged against the version that has the alias now."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import attrs

from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.errors import EvaluationError, TrackingError
from kedro_autolog_pipeline.evaluation.conditions import Champion, find_failed
from kedro_autolog_pipeline.evaluation.metrics import Evaluation
from kedro_autolog_pipeline.evaluation.package_evaluation import evaluate_package
from kedro_autolog_pipeline.evaluation.rows import Rows, load_rows
from kedro_autolog_pipeline.importing.package_code import CODE_DIRECTORY
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.tracking.alias_turn import AliasTurn
from kedro_autolog_pipeline.tracking.store import Store
from kedro_autolog_pipeline.tracking.stored_model import StoredModel, find_stored_model, recorded_metrics

if TYPE_CHECKING:
    from kedro.io import DataCatalog

_LOGGER = get_logger(__name__)


@attrs.frozen(eq=False)
class Contender:
    """A registered version that is to get an alias.

    Attributes:
        config: What the user asks for; it names the registered model, the alias and the conditions.
        version: The version.
        metrics: Value by name: the metrics of its run, and over them those of its evaluation.
        rows: What it was evaluated on; None when it was not.
        digest: What MLflow calls the rows; None when there are none.
    """

    config: ModelConfig
    version: str
    metrics: Mapping[str, float]
    rows: Rows | None = None
    digest: str | None = None

    @classmethod
    def of(
        cls,
        config: ModelConfig,
        version: str,
        run_metrics: Mapping[str, float],
        rows: Rows | None,
        evaluation: Evaluation | None,
    ) -> Contender:
        """Put together what is known of a version."""
        if evaluation is None:
            return cls(config, version, run_metrics)
        return cls(config, version, {**run_metrics, **evaluation.metrics}, rows, evaluation.dataset.digest)


@attrs.frozen
class Decision:
    """What has become of an alias.

    Attributes:
        alias: The alias.
        version: The version that was to get it.
        holder: The version that had it before, and has it still where the promotion is refused; None when none had.
        failed: The conditions that do not hold, a sentence each with both numbers; empty when the alias was moved.
    """

    alias: str
    version: str
    holder: str | None
    failed: tuple[str, ...]

    @property
    def is_promoted(self) -> bool:
        """Whether the version has got the alias."""
        return not self.failed

    @property
    def text(self) -> str:
        """The same as sentences, of the version."""
        return f"promoted to '{self.alias}'." if self.is_promoted else f"not promoted: {self.why_refused}"

    @property
    def why_refused(self) -> str:
        """Who keeps the alias, and which conditions do not hold; for a version that has not got it."""
        stays = "no version has" if self.holder is None else f"version {self.holder} keeps"
        return f"{stays} '{self.alias}', for {' '.join(self.failed)}"


def promote(contender: Contender, store: Store) -> Decision:
    """Move the alias of a registered version to it, when every condition of its pair holds.

    Versions that want the same alias take turns, whatever process each is in. The alias is read before they are
    compared, and again just before it is moved: where another version has got it meanwhile, that is compared with.

    Args:
        contender: The version; of one that was registered for it, the tags say already that it waits for its turn.
        store: The tracking server and its registry.

    Raises:
        TrackingError: When the registry does not answer.
    """
    from mlflow.exceptions import MlflowException

    config = contender.config
    name, alias = f"{config.registered_model_name}", f"{config.alias}"
    turn = AliasTurn(name, alias, contender.version, store.client())
    try:
        try:
            decision = _take_turn(turn, contender, store)
        except BaseException:
            # The next version need not wait for this one.
            with suppress(MlflowException):
                turn.end(f"not promoted: whether it may get '{alias}' could not be judged.")
            raise
        turn.end(decision.text)
    except MlflowException as error:
        raise TrackingError(
            f"promote version {contender.version} of '{name}' to '{alias}'",
            f"{error.message}",
            f"Then run 'kedro autolog promote models:/{name}/{contender.version} --alias {alias}'.",
        ) from error
    return decision


def evaluate_stored(stored: StoredModel, rows: Rows, config: ModelConfig, store: Store) -> Evaluation:
    """Evaluate the package of a model that a tracking server holds, in a fresh process of its own; log nothing.

    Args:
        stored: The model, of any flavor.
        rows: What it is asked.
        config: What the user asks for; it has ``evaluate``.
        store: The tracking server.

    Raises:
        EvaluationError: When it cannot be loaded here, or cannot answer the rows.
        MlflowException: When its files cannot be downloaded.
    """
    assert config.evaluate is not None  # noqa: S101 - there are rows
    with TemporaryDirectory(prefix="kedro-autolog-pipeline-") as directory:
        download, files = Path(directory, "package"), Path(directory, "files")
        download.mkdir()
        package = stored.files(download, store.tracking_uri)
        code = package / CODE_DIRECTORY
        return evaluate_package(
            stored.name,
            package,
            rows,
            config.evaluate,
            files,
            timeout=config.verify_timeout,
            shipped=[each.stem for each in code.iterdir()] if code.is_dir() else [],
        )


def find_contender(stored: StoredModel, config: ModelConfig, catalog: DataCatalog, store: Store) -> Contender:
    """Find what is known of a registered version, which is evaluated on the rows of now.

    Args:
        stored: The version.
        config: The pair that it belongs to.
        catalog: The project's catalog, which holds the rows.
        store: The tracking server.

    Raises:
        EvaluationError: When it cannot be evaluated.
        MlflowException: When the server does not give its run or its files.
    """
    run_metrics = {} if stored.run_id is None else store.client().get_run(stored.run_id).data.metrics
    rows = evaluation = None
    if config.evaluate is not None:
        rows = load_rows(config.name, config.evaluate, catalog)
        evaluation = evaluate_stored(stored, rows, config, store)
    return Contender.of(config, f"{stored.version}", run_metrics, rows, evaluation)


def _take_turn(turn: AliasTurn, contender: Contender, store: Store) -> Decision:
    turn_of = f"Version {turn.version} of '{turn.name}'"
    while True:
        if turn.has_lost():
            turn.announce()
        turn.wait(lambda other: _LOGGER.info("%s waits: version %s is being judged.", turn_of, other))
        holder = turn.holder()
        champion = None if holder in {None, turn.version} else _champion(f"{holder}", turn, contender, store)
        failed = find_failed(contender.config.promote_when, contender.metrics, champion)
        if not failed:
            if turn.holder() != holder or turn.has_lost():
                continue
            turn.move()
        return Decision(turn.alias, turn.version, holder, failed)


def _champion(version: str, turn: AliasTurn, contender: Contender, store: Store) -> Champion:
    """Find the metrics of the version that has the alias, on the rows that the contender was evaluated on."""
    from mlflow.exceptions import MlflowException

    if contender.rows is None or not any(each.compares for each in contender.config.promote_when.values()):
        return Champion(version, None)
    try:
        stored = find_stored_model(f"models:/{turn.name}/{version}", turn.client)
    except TrackingError as error:
        return Champion(version, None, f"it cannot be found: {error.cause}")
    try:
        return Champion(version, evaluate_stored(stored, contender.rows, contender.config, store).metrics)
    except (EvaluationError, MlflowException, OSError) as error:
        cause = error.cause if isinstance(error, EvaluationError) else f"{error}"
        recorded = recorded_metrics(stored.model_id, f"{contender.digest}", turn.client)
        if recorded:
            _LOGGER.warning(
                "Version %s of '%s' cannot be evaluated here (%s): the metrics that it had on the same rows count.",
                version,
                turn.name,
                cause,
            )
            return Champion(version, recorded)
        rows = contender.rows.name
        obstacle = f"it cannot be evaluated here ({cause.rstrip('.')}), and has no metrics of what '{rows}' is now."
        return Champion(version, None, obstacle)
