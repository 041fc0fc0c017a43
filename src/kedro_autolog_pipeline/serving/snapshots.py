"""Read the files that hold values which no dataset keeps in a file."""

from __future__ import annotations

import json
import pickle
from enum import Enum
from pathlib import Path
from typing import Any


class SnapshotFormat(Enum):
    """How a value is kept that no dataset keeps in a file; the value of each is the file's suffix."""

    PARQUET = "parquet"
    """A pandas DataFrame."""
    JSON = "json"
    """Plain data."""
    NPY = "npy"
    """A numpy array."""
    PICKLE = "pkl"
    """Any other object."""


def read_snapshot(file: Path, form: SnapshotFormat) -> Any:
    """Read a value.

    Raises:
        Exception: Whatever reading the file, or importing what it needs, raises.
    """
    match form:
        case SnapshotFormat.PARQUET:
            import pandas as pd

            return pd.read_parquet(file, engine="pyarrow")
        case SnapshotFormat.JSON:
            return json.loads(file.read_text(encoding="utf-8"))
        case SnapshotFormat.NPY:
            import numpy as np

            return np.load(file, allow_pickle=False)
        case _:
            with file.open("rb") as stream:
                return pickle.load(stream)  # noqa: S301 - the package's own object
