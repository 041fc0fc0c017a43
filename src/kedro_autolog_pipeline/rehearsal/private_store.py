"""Keep what the user's code logs to MLflow during a rehearsal away from every server of the user's."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = threading.RLock()

_VARIABLES_OF_A_RUN = (
    "MLFLOW_ACTIVE_MODEL_ID",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_RUN_ID",
    "MLFLOW_TRACKING_URI",
)
"""What leads MLflow to a store, and to a run in it."""


@contextmanager
def private_store(directory: Path) -> Iterator[None]:
    """Have MLflow use an empty database in the block.

    MLflow makes the database when it is first asked anything. Its active run is each thread's own, and not changed.

    Args:
        directory: Where the database is, with all that is logged to it; for the caller to remove.
    """
    import mlflow
    from mlflow.tracking import fluent

    with _LOCK:
        before = {name: os.environ.get(name) for name in _VARIABLES_OF_A_RUN}
        # MLflow can be told of another experiment, and not that it was told of none.
        experiment = fluent._active_experiment_id  # noqa: SLF001 - see above
        for name in before:
            os.environ.pop(name, None)
        fluent._active_experiment_id = None  # noqa: SLF001 - see above
        store = f"sqlite:///{(directory / 'mlflow.db').as_posix()}"
        mlflow.set_tracking_uri(store)
        mlflow.set_registry_uri(store)
        try:
            yield
        finally:
            mlflow.set_tracking_uri(before["MLFLOW_TRACKING_URI"])  # type: ignore[arg-type]  # None unsets it
            mlflow.set_registry_uri(before["MLFLOW_REGISTRY_URI"])  # type: ignore[arg-type]  # None unsets it
            fluent._active_experiment_id = experiment  # noqa: SLF001 - see above
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
