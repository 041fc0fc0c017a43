"""Tests of tracking.records."""

from __future__ import annotations

import attrs
import pytest

from kedro_autolog_pipeline.tracking.records import keep_record, read_records
from kedro_autolog_pipeline.tracking.run import TrackedRun
from kedro_autolog_pipeline.tracking.store import Store
from kedro_autolog_pipeline.tracking.tags import failure_tag

UNREACHABLE = "http://127.0.0.1:9"


def test_records_and_tags_are_kept_in_a_run(run: TrackedRun) -> None:
    """Documents come back in the order of their names; a tag of None is removed if it is there."""
    assert [] == read_records(run)

    kept = [
        keep_record(run, "b/2", "{2}", {failure_tag("prices"): "x" * 9000, "other": None}),
        keep_record(run, "a/1", "{1}", {failure_tag("prices"): None}),
    ]

    assert [True, True] == kept
    assert ["{1}", "{2}"] == read_records(run)
    tags = run.store.client().get_run(run.run_id).data.tags
    assert [] == [tag for tag in tags if tag.startswith("kedro_autolog_pipeline.")]


@pytest.mark.parametrize("uri", [UNREACHABLE, None], ids=["gone", "refuses"])
def test_a_server_that_does_not_take_a_record_is_a_warning(
    run: TrackedRun, uri: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever has happened before is more important than the record of it."""
    other = attrs.evolve(run, run_id="nowhere") if uri is None else attrs.evolve(run, store=Store(uri, None, None))

    assert not keep_record(other, "name", "{}", {})

    assert caplog.messages[-1].startswith(f"Run '{other.run_id}' has no record of what it gave: ")
