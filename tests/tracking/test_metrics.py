"""Tests of tracking.metrics."""

from __future__ import annotations

from kedro_autolog_pipeline.config.schema import TrackingConfig
from kedro_autolog_pipeline.tracking.logged_model import logged_model
from kedro_autolog_pipeline.tracking.metrics import MetricValue, log_metrics
from kedro_autolog_pipeline.tracking.run import RunStatus, close_run, open_run
from kedro_autolog_pipeline.tracking.run_inputs import RunInput, log_inputs
from kedro_autolog_pipeline.tracking.store import Store

TEST = RunInput("test", "1a2b", "code", '{"tags": {}}', None, '{"num_rows": 3}', "eval")


def test_each_model_of_a_run_has_its_own_metrics(store: Store) -> None:
    """Also under one name; the run has them all."""
    run = open_run(store, TrackingConfig(), default_experiment="shop", default_name="training", tags={})
    log_inputs(run, [TEST])
    with logged_model(run, "first", {}) as first:
        losses = [MetricValue("loss", 3.0, 0), MetricValue("loss", 2.0, 1)]
        log_metrics(first, [MetricValue("rmse", 0.1, 0), *losses], TEST)
    with logged_model(run, "second", {}, unlinked={"rmse", "loss"}) as second:
        log_metrics(second, [MetricValue("rmse", 0.2, 0), MetricValue("share", 0.5, 0)], None)
    close_run(run, RunStatus.FINISHED)

    client = store.client()
    logged = [client.get_logged_model(each.model_id).metrics or [] for each in (first, second)]
    assert [("loss", 2.0, "test", "1a2b"), ("loss", 3.0, "test", "1a2b"), ("rmse", 0.1, "test", "1a2b")] == sorted(
        (each.key, each.value, each.dataset_name, each.dataset_digest) for each in logged[0]
    )
    assert [("rmse", None), ("share", None)] == sorted((each.key, each.dataset_name) for each in logged[1])
    assert {"loss", "rmse", "share"} == client.get_run(run.run_id).data.metrics.keys()
    assert [0.1, 0.2] == [each.value for each in client.get_metric_history(run.run_id, "rmse")]
