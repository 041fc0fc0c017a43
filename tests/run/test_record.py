"""Tests of run.record."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from kedro_autolog_pipeline.run.file_state import FileState
from kedro_autolog_pipeline.run.record import RunRecord, merged
from kedro_autolog_pipeline.run.saved_state import SavedState
from kedro_autolog_pipeline.tracking.run import RunStatus

STATE = SavedState("data/model.pkl", None, {"": FileState(12, 34, 56, 78)})

RECORD = RunRecord(
    run_id="abc",
    kedro_run_id="2026-01-01",
    pipelines=["training"],
    env=None,
    runtime_params={"factor": 2.0},
    models=["prices"],
    parameters={"params:offset": {"a": [1, None]}},
    saves={"model": STATE},
    digests={"model": "00ff"},
)


def test_a_record_comes_back_from_its_file(tmp_path: Path) -> None:
    """All of it survives, and no draft is left; where there is no file there is no record."""
    RECORD.write(tmp_path / "run.json")

    assert RECORD == RunRecord.read(tmp_path / "run.json")
    assert [tmp_path / "run.json"] == list(tmp_path.iterdir())
    assert RunRecord.read(tmp_path / "none.json") is None


def test_a_document_says_how_the_run_ends_in_mlflows_words() -> None:
    """A record that another version of this package has written is read."""
    text = attrs.evolve(RECORD, ends_as=RunStatus.FAILED).to_json()

    assert '"ends_as": "FAILED"' in text
    assert RunStatus.FAILED is RunRecord.from_json(text).ends_as


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"run_id": "abc"}'])
def test_what_is_no_record_is_refused(text: str) -> None:
    """Half a document and another one raise what says so."""
    with pytest.raises(ValueError, match=r"."):
        RunRecord.from_json(text)


def test_the_retry_command_names_the_run_and_its_environment() -> None:
    """It can be copied into a shell as it is."""
    assert RECORD.retry_command == "kedro autolog package --run-id abc"
    assert attrs.evolve(RECORD, env="a b").retry_command == "kedro autolog package --run-id abc --env 'a b'"
    elsewhere = attrs.evolve(RECORD, package="shop", conf_source="conf", withheld=["db.word", "b"])
    assert elsewhere.retry_command == (
        "python -m kedro_autolog_pipeline.cli --package-name shop package --run-id abc --conf-source conf "
        "--params db.word=...,b=..."
    )


def test_what_several_processes_did_is_put_together() -> None:
    """The last one counts; a digest of what another process saved anew is forgotten, one's own stays."""
    second = attrs.evolve(
        RECORD,
        kedro_run_id="2026-01-02",
        pipelines=["inference", "training"],
        runtime_params={"offset": 1},
        models=["costs"],
        parameters={"params:other": 1},
        saves={"model": attrs.evolve(STATE, version="v")},
        digests={"scaler": "11"},
        ends_as=RunStatus.FINISHED,
    )

    both = merged([attrs.evolve(RECORD, digests={"model": "00ff", "words": "22"}, closes_run=True), second])

    assert both == RunRecord(
        run_id="abc",
        kedro_run_id="2026-01-02",
        pipelines=["training", "inference"],
        env=None,
        runtime_params={"factor": 2.0, "offset": 1},
        models=["prices", "costs"],
        parameters={"params:offset": {"a": [1, None]}, "params:other": 1},
        ends_as=RunStatus.FINISHED,
        closes_run=True,
        saves={"model": attrs.evolve(STATE, version="v")},
        digests={"words": "22", "scaler": "11"},
    )
    assert merged([RECORD, attrs.evolve(RECORD, digests={})]).digests == {"model": "00ff"}
