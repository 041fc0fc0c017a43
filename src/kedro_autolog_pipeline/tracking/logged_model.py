"""Create a logged model in a run, upload its package, and mark it READY or FAILED."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.progress import progress, read_so_far, size_of
from kedro_autolog_pipeline.tracking.abandoned import PENDING, SETTLED, this_process
from kedro_autolog_pipeline.tracking.refusals import http_status
from kedro_autolog_pipeline.tracking.run import TrackedRun
from kedro_autolog_pipeline.tracking.tags import (
    DESCRIPTION_TAG,
    FAILURE_TAG,
    PROCESS_TAG,
    STATE_TAG,
    TAG_LENGTH,
    TAG_PREFIX,
    failure_tag,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Dataset, Metric
    from mlflow.entities import LoggedModel as MlflowModel
    from mlflow.store.artifact.artifact_repo import ArtifactRepository
    from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository

_LOGGER = get_logger(__name__)

# As many connections to one server as MLflow keeps open.
_SENT_AT_ONCE = 8

# The most metrics that one request of MLflow's protocol takes.
_METRICS_PER_REQUEST = 1000


@attrs.frozen
class LoggedModel:
    """A logged model that is being made.

    Attributes:
        model_id: Its id.
        name: Its name.
        run: The run that it belongs to.
        location: URI of its files in the artifact store.
        metrics: Value of each metric of the run when the model was created; empty where nobody asked.
    """

    model_id: str
    name: str
    run: TrackedRun
    location: str
    metrics: Mapping[str, float] = attrs.field(factory=dict)

    @property
    def uri(self) -> str:
        """What ``mlflow.pyfunc.load_model`` takes."""
        return f"models:/{self.model_id}"

    def upload(self, package: Path) -> None:
        """Upload a package to the artifact store, or move it there where the store is on this disk.

        Args:
            package: A directory that nobody writes to any more. It stays, or a link to where it is now takes its place.
        """
        from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
        from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

        repository = self._repository()
        if isinstance(repository, LocalArtifactRepository):
            _place(package, Path(repository.artifact_dir), f"Storing '{self.name}'")
        elif isinstance(repository, HttpArtifactRepository):
            _send(package, repository, f"Uploading '{self.name}'")
        else:
            with progress(f"Uploading '{self.name}'"):
                self.run.store.client().log_model_artifacts(self.model_id, str(package))

    def download(self, path: str, directory: Path) -> Path:
        """Download a file or directory of the package.

        Args:
            path: Where it is in the package.
            directory: Where it goes, under its path in the package; the directory exists.

        Raises:
            MlflowException: When the artifact store does not give it.
        """
        return Path(self._repository().download_artifacts(path, str(directory)))  # type: ignore[no-untyped-call]  # MLflow's

    def _repository(self) -> ArtifactRepository:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        # MLflow's older versions send to the process's default server alone.
        accepted = {"tracking_uri"} & set(signature(get_artifact_repository).parameters)
        return get_artifact_repository(self.location, **dict.fromkeys(accepted, self.run.store.tracking_uri))

    def log_evaluation(self, metrics: Mapping[str, float], dataset: Dataset, files: Path) -> None:
        """Log what the model was evaluated on, and with what result, to the run and linked to the model.

        Args:
            metrics: Value by name.
            dataset: The rows.
            files: A directory of plots and tables for the run; it need not exist.
        """
        from mlflow.entities import DatasetInput, InputTag, LoggedModelInput, Metric

        client, run_id = self.run.store.client(), self.run.run_id
        tags = [InputTag("mlflow.data.context", "evaluation")]
        client.log_inputs(run_id, [DatasetInput(dataset, tags)], models=[LoggedModelInput(self.model_id)])
        now = time.time_ns() // 1_000_000
        linked = [
            Metric(
                key=name,
                value=value,
                timestamp=now,
                step=0,
                dataset_name=dataset.name,
                dataset_digest=dataset.digest,
                run_id=run_id,
                model_id=self.model_id,
            )
            for name, value in metrics.items()
        ]
        client.log_batch(run_id, metrics=linked)
        if files.is_dir():
            client.log_artifacts(run_id, str(files))

    def set_tags(self, tags: Mapping[str, str], description: str | None = None) -> None:
        """Set tags of ours, each under our prefix.

        Args:
            tags: The tags.
            description: What MLflow's page of the model says of it, in Markdown; None leaves that as it is.
        """
        given = {f"{TAG_PREFIX}{key}": value for key, value in tags.items()}
        if description is not None:
            given[DESCRIPTION_TAG] = description
        shortened = {key: value[:TAG_LENGTH] for key, value in given.items()}
        self.run.store.client().set_logged_model_tags(self.model_id, shortened)


@contextmanager
def logged_model(
    run: TrackedRun,
    name: str,
    tags: Mapping[str, str],
    describe_failure: Callable[[BaseException], str] | None = None,
    *,
    unlinked: Container[str] = (),
) -> Iterator[LoggedModel]:
    """Create a PENDING model in a run; it is READY when the block ends, FAILED when it raises or is interrupted.

    Args:
        run: The run that it belongs to; its parameters and metrics are linked to the model.
        name: The model's name.
        tags: The user's tags on it.
        describe_failure: Makes the description of a FAILED model of what was raised; None for none.
        unlinked: Metrics of the run that are not linked, for they are some model's own.

    Yields:
        The model, to upload its package to.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.exceptions import MlflowException

    client = run.store.client()
    data = client.get_run(run.run_id).data
    created = client.create_logged_model(
        experiment_id=run.experiment_id,
        name=name,
        source_run_id=run.run_id,
        params=data.params,
        tags={**_origin(data.tags), **tags, STATE_TAG: PENDING, PROCESS_TAG: this_process()},
    )
    model = LoggedModel(created.model_id, name, run, created.artifact_location, data.metrics)
    try:
        client.log_outputs(run.run_id, [LoggedModelOutput(model.model_id, step=0)])
        yield model
        _link_metrics(model, [key for key in data.metrics if key not in unlinked])
        client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    except BaseException as error:
        _mark_failed(model, error, None if describe_failure is None else describe_failure(error))
        raise
    # It is READY, whatever becomes of the tags.
    with suppress(MlflowException):
        client.set_logged_model_tags(model.model_id, {STATE_TAG: SETTLED})
        # Somebody who could not see this process may have taken it for one that has ended.
        if FAILURE_TAG in client.get_logged_model(model.model_id).tags:
            client.delete_logged_model_tag(model.model_id, FAILURE_TAG)


def _origin(tags: Mapping[str, str]) -> dict[str, str]:
    """Return those tags of a run that tell who made it and from which source.

    ``mlflow.pyfunc.log_model`` sets the same on a model. MLflow shows them as "Created by" and "Logged from".
    """
    return {key: value for key, value in tags.items() if key == "mlflow.user" or key.startswith("mlflow.source.")}


def ready_models(run: TrackedRun) -> list[LoggedModel]:
    """Return a run's models that are READY, the newest first.

    MLflow goes on to list a model that was deleted among the outputs of its run.

    Raises:
        MlflowException: When the server does not answer.
    """
    from mlflow.entities import LoggedModelStatus

    client = run.store.client()
    outputs = client.get_run(run.run_id).outputs
    listed = [] if outputs is None else [output.model_id for output in outputs.model_outputs]
    found = [model for model in map(partial(_found_model, client), listed) if model is not None]
    return [
        LoggedModel(model.model_id, model.name, run, model.artifact_location)
        for model in sorted(found, key=lambda model: model.creation_timestamp, reverse=True)
        if model.status == LoggedModelStatus.READY
    ]


def _found_model(client: MlflowClient, model_id: str) -> MlflowModel | None:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_logged_model(model_id)
    except MlflowException as error:
        if http_status(error) != HTTPStatus.NOT_FOUND:
            raise
        return None


def ready_names(run: TrackedRun) -> frozenset[str]:
    """Return the names of a run's models that are READY, and with which nothing went wrong afterwards.

    Raises:
        MlflowException: When the server does not answer.
    """
    tags = run.store.client().get_run(run.run_id).data.tags
    return frozenset(model.name for model in ready_models(run) if failure_tag(model.name) not in tags)


def _mark_failed(model: LoggedModel, error: BaseException, description: str | None) -> None:
    from mlflow.entities import LoggedModelStatus
    from mlflow.exceptions import MlflowException

    # The server may be what failed: the user must read of that, and not wait until MLflow has tried it often enough.
    if not model.run.store.answers():
        _LOGGER.warning(
            "'%s' cannot be marked FAILED, for '%s' does not answer. The next packaging in its experiment does it.",
            model.uri,
            model.run.store.tracking_uri,
        )
        return
    try:
        model.set_tags({"failure": f"{type(error).__name__}: {error}"}, description)
        model.run.store.client().finalize_logged_model(model.model_id, LoggedModelStatus.FAILED)
        model.run.store.client().set_logged_model_tags(model.model_id, {STATE_TAG: SETTLED})
    except MlflowException as refusal:
        _LOGGER.warning("'%s' cannot be marked FAILED: %s", model.uri, refusal.message)


def send_metrics(model: LoggedModel, metrics: Sequence[Metric]) -> None:
    """Send metrics that name a model to its run, in as few requests as MLflow takes.

    Raises:
        MlflowException: When the server does not take them.
    """
    client = model.run.store.client()
    for start in range(0, len(metrics), _METRICS_PER_REQUEST):
        client.log_batch(model.run.run_id, metrics=metrics[start : start + _METRICS_PER_REQUEST])


def _place(package: Path, target: Path, doing: str) -> None:
    """Move a package to its place in a store of files, or copy it where it cannot be moved; show that it goes on."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Where a directory hands its group down, what is made in it gets that group, and what is moved there keeps its own.
    if not target.parent.stat().st_mode & stat.S_ISGID and not _has_other_names(package):
        # The store may be on another disk.
        with suppress(OSError):
            package.rename(target)
            # A retry looks for the artifacts where they were, if the model does not become READY after all.
            with suppress(OSError):
                package.symlink_to(target, target_is_directory=True)
            return
    with progress(doing, size_of(package), lambda: size_of(target)):
        shutil.copytree(package, target, copy_function=shutil.copyfile, dirs_exist_ok=True)


def _has_other_names(directory: Path) -> bool:
    """Tell whether a file in a directory has another name, through which somebody could write to it later."""
    with os.scandir(directory) as entries:
        return any(
            _has_other_names(Path(entry.path)) if entry.is_dir() else entry.stat().st_nlink > 1 for entry in entries
        )


def _send(package: Path, repository: HttpArtifactRepository, doing: str) -> None:
    """Send a package to an MLflow server, several files at once: MLflow itself sends one after the other."""
    sizes = {file: file.stat().st_size for file in package.rglob("*") if file.is_file()}
    sent: dict[Path, Future[None]] = {}

    def uploaded() -> int:
        ended = [file for file, sending in sent.copy().items() if sending.done()]
        return sum(sizes[file] for file in ended) + read_so_far(sizes.keys() - ended)

    with ThreadPoolExecutor(_SENT_AT_ONCE) as pool, progress(doing, sum(sizes.values()), uploaded):
        # The largest first: while it is sent, the others are.
        for file in sorted(sizes, key=lambda file: -sizes[file]):
            directory = file.parent.relative_to(package).as_posix()
            sent[file] = pool.submit(repository.log_artifact, str(file), None if directory == "." else directory)
        try:
            for each in sent.values():
                each.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _link_metrics(model: LoggedModel, names: Iterable[str]) -> None:
    """Link metrics of the run, each at its last step, to the model: MLflow links those that are logged with its id."""
    from mlflow.entities import Metric

    metrics = [
        Metric(
            key=last.key,
            value=last.value,
            timestamp=last.timestamp,
            step=last.step,
            dataset_name=last.dataset_name,
            dataset_digest=last.dataset_digest,
            run_id=model.run.run_id,
            model_id=model.model_id,
        )
        for last in _last_metrics(model.run, names)
    ]
    send_metrics(model, metrics)


def _last_metrics(run: TrackedRun, names: Iterable[str]) -> list[Metric]:
    client = run.store.client()
    histories = [client.get_metric_history(run.run_id, name) for name in names]
    # A metric that is linked to another model stands in the history once more, with that model's id.
    own = [[metric for metric in history if metric.model_id is None] for history in histories]
    return [max(history, key=lambda metric: (metric.step, metric.timestamp)) for history in own if history]
