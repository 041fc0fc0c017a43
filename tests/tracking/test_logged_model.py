"""Tests of tracking.logged_model."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from mlflow.entities import LoggedModel, LoggedModelStatus

from kedro_autolog_pipeline import progress
from kedro_autolog_pipeline.tracking.logged_model import LoggedModel as ModelToUpload
from kedro_autolog_pipeline.tracking.logged_model import logged_model
from kedro_autolog_pipeline.tracking.run import TrackedRun
from kedro_autolog_pipeline.tracking.tags import FAILURE_TAG


def stored(run: TrackedRun) -> list[LoggedModel]:
    """Give the logged models of a run's experiment."""
    return list(run.store.client().search_logged_models([run.experiment_id]))


def test_a_model_is_ready_when_the_block_ends(run: TrackedRun, tmp_path: Path) -> None:
    """It is PENDING inside, READY afterwards, with its files, tags, and the run's parameters and last metrics."""
    client = run.store.client()
    client.log_param(run.run_id, "depth", 3)
    for step, value in enumerate([0.5, 0.7]):
        client.log_metric(run.run_id, "score", value, step=step)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "MLmodel").write_text("content")

    with logged_model(run, "prices", {"team": "shop"}) as model:
        assert [each.status for each in stored(run)] == ["PENDING"]
        model.upload(tmp_path / "package")
        model.set_tags({"long": "x" * 9000})

    (ready,) = stored(run)
    assert ready.status == "READY"
    assert ready.name == "prices"
    assert ready.source_run_id == run.run_id
    assert ready.params == {"depth": "3"}
    assert [(metric.key, metric.value, metric.step) for metric in ready.metrics or ()] == [("score", 0.7, 1)]
    assert ready.tags["team"] == "shop"
    assert len(ready.tags["kedro_autolog_pipeline.long"]) == 5000
    assert [artifact.path for artifact in client.list_logged_model_artifacts(ready.model_id)] == ["MLmodel"]
    assert model.uri == f"models:/{ready.model_id}"


@pytest.mark.parametrize("failure", [ValueError("no"), KeyboardInterrupt("no")], ids=["error", "Ctrl-C"])
def test_a_model_is_failed_when_the_block_raises(run: TrackedRun, failure: BaseException) -> None:
    """An error and Ctrl-C leave no PENDING model, and the reason in a tag."""
    with pytest.raises(type(failure)), logged_model(run, "prices", {}):
        raise failure

    (failed,) = stored(run)
    assert failed.status == "FAILED"
    assert failed.tags["kedro_autolog_pipeline.failure"] == f"{type(failure).__name__}: no"


def test_a_model_that_another_process_took_for_abandoned_has_no_failure_when_it_is_ready(run: TrackedRun) -> None:
    """A container that does not see this process may mark its model FAILED meanwhile."""
    client = run.store.client()

    with logged_model(run, "prices", {}) as model:
        client.set_logged_model_tags(model.model_id, {FAILURE_TAG: "The process that packaged it ended."})
        client.finalize_logged_model(model.model_id, LoggedModelStatus.FAILED)

    (ready,) = stored(run)
    assert ready.status == "READY"
    assert FAILURE_TAG not in ready.tags


def test_two_models_of_a_run_have_its_metrics_each(run: TrackedRun) -> None:
    """A metric that is linked to one model is linked once to the next, with the same value."""
    run.store.client().log_metric(run.run_id, "score", 0.7)

    for name in ("prices", "costs"):
        with logged_model(run, name, {}):
            pass

    assert [[metric.value for metric in model.metrics or ()] for model in stored(run)] == [[0.7], [0.7]]


def test_the_first_error_is_the_one_that_is_raised(run: TrackedRun, caplog: pytest.LogCaptureFixture) -> None:
    """A store that does not take the failure either does not hide what failed."""

    def fail_on_a_model_that_is_gone() -> None:
        with logged_model(run, "prices", {}) as model:
            run.store.client().delete_logged_model(model.model_id)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail_on_a_model_that_is_gone()

    assert "cannot be marked FAILED: " in caplog.text


def store_directory(run: TrackedRun) -> Path:
    """Give the directory of the one logged model in the store."""
    (model,) = stored(run)
    return Path(model.artifact_location.removeprefix("file://"))


def upload(run: TrackedRun, package: Path) -> Path:
    """Upload a package; gives the directory of its model in the store."""
    with logged_model(run, "prices", {}) as model:
        model.upload(package)
    return store_directory(run)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Give a package with one artifact."""
    (tmp_path / "package" / "artifacts" / "model").mkdir(parents=True)
    (tmp_path / "package" / "artifacts" / "model" / "model.pkl").write_bytes(b"content")
    return tmp_path / "package"


ARTIFACT = Path("artifacts", "model", "model.pkl")


def test_a_store_on_the_same_disk_gets_the_package_itself(run: TrackedRun, package: Path) -> None:
    """Nothing is written again, and what looks for the artifact where it was still finds it."""
    inode = (package / ARTIFACT).stat().st_ino

    directory = upload(run, package)

    assert inode == (directory / ARTIFACT).stat().st_ino
    assert b"content" == (directory / ARTIFACT).read_bytes()
    assert 1 == (directory / ARTIFACT).stat().st_nlink
    assert package.is_symlink()
    assert (package / ARTIFACT).samefile(directory / ARTIFACT)


def test_what_a_package_is_removed_with_stays_in_the_store(run: TrackedRun, package: Path) -> None:
    """The staging directory goes, and of the package the link alone goes with it."""
    staging = package.parent / "staging"
    staging.mkdir()
    staged = package.rename(staging / "package")

    directory = upload(run, staged)
    shutil.rmtree(staging)

    assert b"content" == (directory / ARTIFACT).read_bytes()


def test_a_file_that_has_another_name_is_copied(run: TrackedRun, tmp_path: Path) -> None:
    """What is written through the other name does not reach the store."""
    (tmp_path / "package").mkdir()
    (tmp_path / "model.pkl").write_bytes(b"content")
    os.link(tmp_path / "model.pkl", tmp_path / "package" / "model.pkl")

    directory = upload(run, tmp_path / "package")
    (tmp_path / "model.pkl").write_bytes(b"changed")

    assert b"content" == (directory / "model.pkl").read_bytes()


def test_another_disk_gets_copies(run: TrackedRun, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a package cannot be moved, it is copied, and stays."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "rename", refuse)

    directory = upload(run, package)

    assert b"content" == (directory / ARTIFACT).read_bytes()
    assert not (package / ARTIFACT).samefile(directory / ARTIFACT)


def test_a_disk_without_links_gets_the_package_all_the_same(
    run: TrackedRun, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A retry then takes the artifacts from the catalog."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)

    directory = upload(run, package)

    assert b"content" == (directory / ARTIFACT).read_bytes()
    assert not package.exists()


@pytest.mark.skipif(not hasattr(os, "chown"), reason="Windows knows no groups of directories.")
def test_a_store_that_hands_down_its_group_gets_directories_of_its_own(run: TrackedRun, package: Path) -> None:
    """What others of the group may do with the store, they may do with the model."""
    with logged_model(run, "prices", {}) as model:
        parent = store_directory(run).parent
        parent.mkdir(parents=True)
        parent.chmod(parent.stat().st_mode | stat.S_ISGID)
        model.upload(package)

    assert not package.is_symlink()
    assert not (package / ARTIFACT).samefile(store_directory(run) / ARTIFACT)


MEGABYTE = 10**6


@pytest.fixture
def slow_server() -> Iterator[tuple[str, Event]]:
    """Give the address of a server that takes a megabyte of each file, and the rest when the event is set."""
    goes_on = Event()

    class Slow(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            """Take a file."""
            size = int(self.headers["Content-Length"])
            first = len(self.rfile.read(min(size, MEGABYTE)))
            assert goes_on.wait(60)
            self.rfile.read(size - first)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/api/2.0/mlflow-artifacts/artifacts/model", goes_on
        server.shutdown()
        serving.join()


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux tells how far a file is read.")
def test_an_upload_that_takes_long_tells_how_far_it_is(
    run: TrackedRun, tmp_path: Path, slow_server: tuple[str, Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in the middle of one large file, of which MLflow says nothing."""
    monkeypatch.setattr(progress, "BAR_AFTER", 0.0)
    monkeypatch.setattr(progress, "LINE_EVERY", 0.01)
    address, goes_on = slow_server
    said: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            """Let the server go on when something is told of what it has not got yet."""
            said.append(record.getMessage())
            if "0 bytes" not in said[-1]:
                goes_on.set()

    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "weights").write_bytes(b"x" * 40 * MEGABYTE)
    logger, listening = logging.getLogger("kedro_autolog_pipeline"), Listening()
    monkeypatch.setattr(logger, "level", logging.INFO)
    logger.addHandler(listening)
    try:
        ModelToUpload("m-1", "prices", run, address).upload(tmp_path / "package")
    finally:
        logger.removeHandler(listening)

    far = re.search(r"Uploading 'prices': ([\d.]+) [kM]B of 40\.0 MB, \d+ s", "\n".join(said))
    assert far is not None
    assert 0 < float(far[1])
