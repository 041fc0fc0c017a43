"""Tests of tracking.run_inputs."""

from __future__ import annotations

import logging

import attrs
import mlflow

from kedro_autolog_pipeline.config.schema import TrackingConfig
from kedro_autolog_pipeline.tracking.run import RunStatus, TrackedRun, close_run, open_run
from kedro_autolog_pipeline.tracking.run_inputs import RunInput, log_inputs
from kedro_autolog_pipeline.tracking.store import Store

RAW = RunInput("raw", "1a2b", "local", '{"uri": "data/raw.csv"}', None, None, "training")


def _opened(store: Store) -> TrackedRun:
    return open_run(store, TrackingConfig(), default_experiment="shop", default_name="training", tags={})


def test_what_was_read_is_in_the_run_once_whoever_has_logged_it(store: Store) -> None:
    """A second packaging, and another plugin's or a node's log_input, leave one entry; other data are another one."""
    run = _opened(store)
    log_inputs(run, [RAW])
    log_inputs(run, [RAW, attrs.evolve(RAW, digest="3c4d"), attrs.evolve(RAW, name="test", context="eval")])
    log_inputs(run, [])
    close_run(run, RunStatus.FINISHED)

    inputs = store.client().get_run(run.run_id).inputs
    assert inputs is not None
    assert {("raw", "1a2b", "training"), ("raw", "3c4d", "training"), ("test", "1a2b", "eval")} == {
        (each.dataset.name, each.dataset.digest, each.tags[0].value) for each in inputs.dataset_inputs
    }
    assert 3 == len(inputs.dataset_inputs)
    # MLflow knows how to load such a source.
    assert "data/raw.csv" == mlflow.data.get_source(inputs.dataset_inputs[0].dataset).to_dict()["uri"]


def test_a_server_that_does_not_take_them_is_a_warning(store: Store, records: list[logging.LogRecord]) -> None:
    """What is trained is packaged all the same; a silent server is not asked for minutes."""
    run = _opened(store)
    unknown = attrs.evolve(run, run_id="f" * 32)
    log_inputs(unknown, [RAW])
    silent = attrs.evolve(unknown, store=Store("http://user:secret@127.0.0.1:9", None, None))
    log_inputs(silent, [RAW])
    close_run(run, RunStatus.FINISHED)

    first, second = (record.getMessage() for record in records if record.levelno == logging.WARNING)
    assert first.startswith(f"Run '{'f' * 32}' does not list what it read: ")
    assert f"Run '{'f' * 32}' does not list what it read: 'http://127.0.0.1:9' is silent." == second
