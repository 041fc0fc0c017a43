"""These tests need kedro-mlflow and run by `make test-beside`: its hook would be in the runs of all other tests."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("kedro_mlflow") else ["test_*.py"]
