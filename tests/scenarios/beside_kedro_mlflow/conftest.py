"""These tests need kedro-mlflow, and run by `make test-beside`: where it is installed, its hook is in every Kedro run."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("kedro_mlflow") else ["test_*.py"]
