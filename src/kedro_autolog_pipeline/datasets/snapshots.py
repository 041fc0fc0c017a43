"""Write a value that no dataset keeps in a file, so that the same value is read back."""

from __future__ import annotations

import json
import pickle
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle

from kedro_autolog_pipeline.datasets.locations import public_uri
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.secret_values import is_doubtful
from kedro_autolog_pipeline.serving.snapshots import SnapshotFormat, read_snapshot

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_LOGGER = get_logger(__name__)

_MODULES = {
    SnapshotFormat.PARQUET: ["pandas", "pyarrow"],
    SnapshotFormat.JSON: [],
    SnapshotFormat.NPY: ["numpy"],
    SnapshotFormat.PICKLE: ["cloudpickle"],
}

_SCALARS = (type(None), bool, int, str, bytes)


def snapshot_modules(form: SnapshotFormat) -> list[str]:
    """Return the modules that reading a snapshot needs, beside those that a pickle refers to."""
    return _MODULES[form]


def write_snapshot(name: str, value: Any, directory: Path) -> tuple[Path, SnapshotFormat]:
    """Write a value: a pandas DataFrame as Parquet, an array as NPY, plain data as JSON, all else by cloudpickle.

    What does not come back from its plain format as it was, in every type, index and category, is pickled.

    Args:
        name: Its dataset's name, for messages.
        value: What to write.
        directory: Where; it exists.

    Raises:
        Exception: What pickling raises for a value that cannot be pickled.
    """
    form = _plain_format(value)
    if form is not None:
        file = _file(directory, form)
        if _survives(value, file, form):
            return file, form
        file.unlink(missing_ok=True)
    file = _file(directory, SnapshotFormat.PICKLE)
    with file.open("wb") as stream:
        _Pickler(stream).dump(value)
    _LOGGER.info(
        "'%s' is pickled: it has no file to copy, and no plain format holds this %s.",
        name,
        type(value).__qualname__,
    )
    return file, SnapshotFormat.PICKLE


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it ships no types
    """Keeps what a server has answered without the request that asked it, which has the credentials."""

    def reducer_override(self, obj: Any) -> Any:
        requests = sys.modules.get("requests")
        if requests is None or not isinstance(obj, requests.Response):
            return super().reducer_override(obj)
        function, arguments, state, *_ = obj.__reduce_ex__(pickle.DEFAULT_PROTOCOL)
        answer = {
            **state,
            "request": None,
            "history": [],
            "cookies": type(obj.cookies)(),
            "headers": type(obj.headers)({key: value for key, value in obj.headers.items() if not is_doubtful(key)}),
            "url": None if obj.url is None else public_uri(obj.url),
        }
        return function, arguments, answer


def _file(directory: Path, form: SnapshotFormat) -> Path:
    return directory / f"snapshot.{form.value}"


def _plain_format(value: Any) -> SnapshotFormat | None:
    import numpy as np
    import pandas as pd

    # A subclass has what its plain format has not.
    if type(value) is pd.DataFrame:
        return SnapshotFormat.PARQUET
    if type(value) is np.ndarray:
        return SnapshotFormat.NPY
    return SnapshotFormat.JSON if type(value) in {*_SCALARS, float, list, dict} else None


def _survives(value: Any, file: Path, form: SnapshotFormat) -> bool:
    with warnings.catch_warnings():
        # What a library only warns of, the comparison finds.
        warnings.simplefilter("ignore")
        try:
            _write(value, file, form)
            return _is_same(value, read_snapshot(file, form))
        except Exception:  # noqa: BLE001 - each library refuses in a way of its own what it cannot hold
            return False


def _write(value: Any, file: Path, form: SnapshotFormat) -> None:
    import numpy as np

    if form is SnapshotFormat.PARQUET:
        value.to_parquet(file, engine="pyarrow")
    elif form is SnapshotFormat.NPY:
        np.save(file, value, allow_pickle=False)
    else:
        with file.open("w", encoding="utf-8") as stream:
            json.dump(value, stream)


def _is_same(left: Any, right: Any) -> bool:
    """Tell whether two values cannot be told apart; False for what is neither plain data, an array nor a frame."""
    import numpy as np
    import pandas as pd

    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        # The order of its keys is part of a dictionary.
        return _is_same(list(left), list(right)) and _is_same(list(left.values()), list(right.values()))
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_is_same, left, right))
    if isinstance(left, float):
        return bool(left.hex() == right.hex())
    if isinstance(left, np.ndarray | pd.DataFrame):
        return _is_same_array(left, right) if isinstance(left, np.ndarray) else _is_same_frame(left, right)
    return type(left) in _SCALARS and bool(left == right)


def _is_same_array(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    if left.dtype.hasobject:
        return _is_same(left.tolist(), right.tolist())
    # Equal by bytes: NaN is NaN, and a negative zero no positive one.
    return left.dtype.metadata == right.dtype.metadata and left.tobytes() == right.tobytes()


def _is_same_frame(left: pd.DataFrame, right: pd.DataFrame) -> bool:
    return (
        _is_same(left.attrs, right.attrs)
        and left.flags.allows_duplicate_labels == right.flags.allows_duplicate_labels
        and _is_same_index(left.columns, right.columns)
        and _is_same_index(left.index, right.index)
        and all(_is_same_column(left.iloc[:, i], right.iloc[:, i]) for i in range(left.shape[1]))
    )


def _is_same_index(left: pd.Index[Any], right: pd.Index[Any]) -> bool:
    if left.nlevels > 1:
        return left.identical(right) and all(
            _is_same_index(left.get_level_values(i), right.get_level_values(i)) for i in range(left.nlevels)
        )
    return left.identical(right) and _is_same_column(_labels(left), _labels(right))


def _labels(index: pd.Index[Any]) -> pd.Series[Any]:
    labels = index.to_series()
    if labels.dtype != object:
        return labels
    # SQLAlchemy names columns by a subclass of str, which is nothing that a model should have to import.
    return labels.map(lambda label: str(label) if isinstance(label, str) else label).astype(object)


def _is_same_column(left: pd.Series[Any], right: pd.Series[Any]) -> bool:
    import numpy as np

    if left.dtype != right.dtype:
        return False
    if isinstance(left.dtype, np.dtype):
        return _is_same_array(left.to_numpy(), right.to_numpy())
    return bool(left.array.equals(right.array))
