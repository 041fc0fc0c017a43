"""Tests of tracking.run_parameters."""

from __future__ import annotations

from kedro_autolog_pipeline.tracking.run import TrackedRun
from kedro_autolog_pipeline.tracking.run_parameters import log_parameters


def test_parameters_are_logged_flat_and_once(run: TrackedRun) -> None:
    """Nested parameters have dotted names, odd characters are replaced, and what is there already stays."""
    client = run.store.client()
    client.log_param(run.run_id, "kept", "1")

    log_parameters(run, {"kept": 2, "model": {"depth": 3, "empty": {}}, "a+b": [1], **{f"p{i}": i for i in range(150)}})

    params = client.get_run(run.run_id).data.params
    assert params["kept"] == "1"
    assert params["model.depth"] == "3"
    assert params["model.empty"] == "{}"
    assert params["a_b"] == "[1]"
    assert len(params) == 154


def test_a_parameter_whose_path_is_no_legal_name_is_logged_under_one(run: TrackedRun) -> None:
    """Keys that MLflow takes for other files, or for too long ones, lose no parameter and stop nothing."""
    odd = {
        "s3://bucket/x": 1,
        "data/": 2,
        "/abs": 3,
        "..": 4,
        "": 5,
        ".": 6,
        "..a": 7,
        "a/../b": 8,
        "x" * 300: 9,
        "x" * 299 + "y": 10,
        "a+b": 11,
        "a?b": 12,
        "a_b": 13,
        "line\nbreak\x00": 14,
        "größe": 15,
    }

    log_parameters(run, odd)
    log_parameters(run, {"urls": odd})

    params = run.store.client().get_run(run.run_id).data.params
    assert sorted([*odd.values()] * 2) == sorted(int(value) for value in params.values())
    assert ("1", "2", "13", "15") == tuple(params[name] for name in ("s3:/_/bucket/x", "data/_", "a_b", "urls.größe"))
