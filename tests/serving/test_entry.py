"""Tests of serving.entry."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from mlflow.models import model as mlflow_model

from kedro_autolog_pipeline.serving.entry import forget_entry

# Where MLflow keeps the model that an entry has set: a private name, looked at here so that a change is seen.
KEPT = "__mlflow_model__"


@pytest.mark.parametrize(("named", "kept"), [("own", None), (None, None), ("others", "own")])
def test_an_entry_is_freed_with_the_model_that_it_has_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None, kept: str | None
) -> None:
    """The entries of other directories stay, and so does a model that another thread has set meanwhile."""
    assert hasattr(mlflow_model, KEPT)
    monkeypatch.setattr(mlflow_model, KEPT, "own")
    for name, directory in (("code_model_own", "own"), ("code_model_others", "others"), ("own_module", "own")):
        module = ModuleType(name)
        module.__file__ = str(tmp_path / directory / "model.py")
        monkeypatch.setitem(sys.modules, name, module)

    forget_entry(tmp_path / "own", named)

    assert kept == getattr(mlflow_model, KEPT)
    assert ["code_model_others", "own_module"] == [
        name for name in ("code_model_own", "code_model_others", "own_module") if name in sys.modules
    ]
