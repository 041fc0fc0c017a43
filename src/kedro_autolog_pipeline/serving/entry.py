"""Free what MLflow keeps of each model's entry, the file that it runs to make the model."""

from __future__ import annotations

import sys
from pathlib import Path

from mlflow.models import model as mlflow_model


def forget_entry(directory: Path, model: object | None = None) -> None:
    """Free an entry's module, and the last model that any entry has set.

    MLflow has no public way to either, and a process that packages or loads a model every hour would keep them all.

    Args:
        directory: Where the entry is.
        model: The model that it has set, so that another thread's is left alone; None frees whichever was set last.
    """
    if model is None or getattr(mlflow_model, "__mlflow_model__", None) is model:
        mlflow_model.__mlflow_model__ = None
    # A copy of the dictionary is made at once, while other threads import.
    for name, module in sys.modules.copy().items():
        file = getattr(module, "__file__", None) if name.startswith("code_model_") else None
        if file is not None and Path(file).absolute().parent == directory:
            sys.modules.pop(name, None)
