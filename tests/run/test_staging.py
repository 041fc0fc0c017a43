"""Tests of run.staging."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kedro_autolog_pipeline.run.staging import StagingDirectory


def test_a_runs_directory_is_its_owners_and_unseen_by_git_and_goes_as_a_whole(tmp_path: Path) -> None:
    """It is made when it is needed; its siblings stay when it is removed."""
    staging, other = (StagingDirectory.of(tmp_path, run_id) for run_id in ("one", "two"))
    assert [] == staging.models
    assert not (tmp_path / ".autolog_pipeline").exists()

    staging.make()
    other.make()
    staging.make()
    staging.record.write_text("{}")
    mode = staging.path.stat().st_mode
    staging.remove()

    assert "*\n" == (tmp_path / ".autolog_pipeline" / ".gitignore").read_text()
    assert sys.platform == "win32" or 0o700 == mode & 0o777
    assert not staging.path.exists()
    assert other.path.exists()


def test_the_newest_model_comes_first(tmp_path: Path) -> None:
    """Files beside the models are none."""
    staging = StagingDirectory.of(tmp_path, "one")
    staging.make()
    staging.journal.write_text("")
    for age, name in enumerate(["c", "a", "b"]):
        staging.model(name).mkdir()
        os.utime(staging.model(name), (1000 - age, 1000 - age))

    assert ["c", "a", "b"] == [path.name for path in staging.models]
