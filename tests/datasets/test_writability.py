"""Tests of packaging.targets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kedro_autolog_pipeline.datasets.writability import why_not_filled, why_not_writable


def test_what_can_be_made_can_be_written(tmp_path: Path) -> None:
    """A file that is there, one that is not, and one below directories that are not can be written; none is."""
    (tmp_path / "there").touch()

    assert why_not_writable(tmp_path / "there") is None
    assert why_not_writable(tmp_path / "new") is None
    assert why_not_writable(tmp_path / "new" / "newer") is None
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_nothing_can_be_made_below_a_file(tmp_path: Path) -> None:
    """A file where a directory must be is named."""
    (tmp_path / "file").touch()

    assert why_not_writable(tmp_path / "file" / "a" / "b") == f"'{tmp_path / 'file'}' is no directory"
    assert why_not_filled(tmp_path / "file") == f"'{tmp_path / 'file'}' is no directory"
    assert why_not_filled(tmp_path / "new") is None


def test_what_must_not_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest directory that is there must let us search it and make files; a file must let us write it."""
    (tmp_path / "file").touch()
    refused = {os.fspath(tmp_path): os.X_OK, os.fspath(tmp_path / "file"): os.W_OK}
    # Root may do everything.
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & refused.get(os.fspath(path), 0))

    assert why_not_writable(tmp_path / "a" / "b") == f"'{tmp_path}' cannot be written"
    assert why_not_writable(tmp_path / "file") == f"'{tmp_path / 'file'}' cannot be written"
