"""Tests of run.command."""

from __future__ import annotations

from kedro_autolog_pipeline.run.command import run_options


def test_what_was_chosen_is_an_option_and_what_was_not_is_none() -> None:
    """In Kedro's own words, and for a run of an older Kedro by what that calls a pipeline."""
    chosen = {
        "pipeline_names": ["training", "scoring"],
        "env": "prod",
        "tags": ("fast",),
        "from_nodes": ["fit_model"],
        "load_versions": {"model": "2026-01-01T00.00.00.000Z"},
        "only_missing_outputs": True,
        "runtime_params": {"password": "hunter2"},
        "to_nodes": [],
        "namespaces": None,
    }

    assert (
        "--pipelines",
        "training,scoring",
        "--env",
        "prod",
        "--tags",
        "fast",
        "--from-nodes",
        "fit_model",
        "--load-versions",
        "model:2026-01-01T00.00.00.000Z",
        "--only-missing-outputs",
    ) == run_options(chosen)
    assert ("--pipeline", "training") == run_options({"pipeline_name": "training"})
    assert () == run_options({"pipeline_names": [], "env": None})
