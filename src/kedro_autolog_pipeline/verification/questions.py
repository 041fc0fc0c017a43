"""Ask a loaded model what its users will ask it.

This file runs in the fresh process, by its path: it imports the standard library and MLflow alone.

Questions are asked in one process, one after the other. A fork for each would hang where a library's threads do not
survive it (OpenMP, as LightGBM and torch use it), and there is none on Windows.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import http
import io
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

_SHORTEST_LIMIT = 1.0
"""Seconds that any question may take: a pipeline that answers in no time may hesitate once."""

_PATIENCE = 20
"""How many times as long as the first call another one may take, before it counts as one that never ends."""

_MADE_UP = {
    "boolean": False,
    "integer": 1,
    "long": 1,
    "float": 1.0,
    "double": 1.0,
    "string": "text",
    "datetime": "2024-01-01T00:00:00",
}
"""A value that is nobody's, for each of MLflow's types of columns."""

SAME = "same"
"""An answer that is what it should be; any other says in a few words what it is instead."""


_FIRST = slice(0, 1)
"""The row that is asked with null in it."""

_OTHERS = slice(1, None)
"""The rows beside it, whose answers must stay."""


class Search(NamedTuple):
    """How columns are found.

    Attributes:
        find_optional: ``find_optional_columns``.
        find_columns: The function of this name.
    """

    find_optional: Callable[..., Any]
    find_columns: Callable[..., tuple[Sequence[str], int]]


class TooLongError(BaseException):
    """A question takes longer than it may. No ``except Exception`` of a node's keeps it from ending the call."""


class Interview:
    """The questions to one model, and its answers.

    Args:
        model: What ``mlflow.pyfunc.load_model`` has given.
        sample: What it was asked first.
        output: What it has answered.
        seconds: How long that took.
        budget: How long all questions together may take, in seconds.
        differ: Tells how two values differ; None when they are the same.
        digest: Digests all that makes up a value; None when it cannot be pickled.
        note: Keeps an answer under its name, for the case that the next question ends the process.
    """

    def __init__(  # noqa: PLR0913 - one for each thing that an interview needs
        self,
        model: Any,
        sample: Any,
        output: Any,
        *,
        seconds: float,
        budget: float,
        differ: Callable[[Any, Any], str | None],
        digest: Callable[[Any], bytes | None],
        note: Callable[[str, Any], None],
    ) -> None:
        self._model = model
        self._pipeline = model.unwrap_python_model()
        self._sample = sample
        self._output = output
        self._limit = max(_SHORTEST_LIMIT, _PATIENCE * seconds)
        self._end = time.monotonic() + budget + seconds
        self._differ = differ
        self._digest = digest
        self._note = note

    def ask(self, search: Search | None) -> None:
        """Ask all questions for which there is time.

        Args:
            search: How columns are found; None when every column is to be required, and to keep its type.
        """
        with _silence():
            copied, repeats = self._copied()
            self._note("copied", copied)
            self._note("repeats", repeats)
            if repeats:
                self._answer("http", self._http)
                self._answer("single_row", self._single_row)
                self._answer("empty", self._empty)
                self._note("example", self._example())
            if search is not None:
                self._ask_for_columns(search)
            if repeats:
                self._answer("parameters", self._parameters)
            if search is not None and repeats:
                self._ask_for_null(search)

    def raw(self, data: Any) -> Any:
        """Ask without the signature, which would keep away what it does not know.

        Raises:
            BaseException: Whatever the pipeline raises, or ``TooLongError``.
        """
        signature = self._model.metadata.signature
        self._model.metadata.signature = None
        try:
            with _limited(min(self._limit, max(self._end - time.monotonic(), 0.01))):
                return self._model.predict(data)
        finally:
            self._model.metadata.signature = signature

    def _answer(self, name: str, question: Callable[[], str | None]) -> None:
        if time.monotonic() < self._end:
            try:
                self._note(name, question())
            except BaseException as error:  # noqa: BLE001 - a node may raise anything, and end the process too
                self._note(name, f"fails: {described(error)}")

    def _copied(self) -> tuple[list[str], bool]:
        """Find what a call changes in place such that the next one answers otherwise.

        Returns:
            The artifacts and parameters to copy for each call, sorted, and whether the model repeats itself then.
        """
        try:
            if self._differ(self._output, self.raw(self._sample)) is None:
                return [], True
            self._pipeline.read_anew([])
            before = {name: self._digest(value) for name, value in self._pipeline.constants.items()}
            self.raw(self._sample)
            constants = self._pipeline.constants
            changed = sorted(name for name, was in before.items() if was and was != self._digest(constants[name]))
            if changed and self._repeats_with(changed):
                needed = list(changed)
                # A library may add to an artifact what it would compute again, and which changes no answer.
                for name in changed:
                    fewer = [each for each in needed if each != name]
                    if self._repeats_with(fewer):
                        needed = fewer
                self._pipeline.read_anew(needed)
                return needed, True
            self._pipeline.read_anew([])
        except BaseException:  # noqa: BLE001 - a second call may raise anything
            self._pipeline.read_anew([])
        return [], False

    def _repeats_with(self, copied: list[str]) -> bool:
        self._pipeline.read_anew(copied)
        first = self.raw(self._sample)
        return all(self._differ(first, self.raw(self._sample)) is None for _ in range(2))

    def _example(self) -> str | None:
        """Make up a request of one row that the model answers over HTTP; None where it answers none."""
        if time.monotonic() >= self._end:
            return None
        try:
            request = made_up_request(self._model.metadata.get_input_schema())
            return request if request is not None and self._invoke(request).status == http.HTTPStatus.OK else None
        except BaseException:  # noqa: BLE001 - a node may raise anything at values that no data held
            return None

    def _invoke(self, request: str) -> Any:
        """Have MLflow's scoring server parse a request and write the answer, without a socket."""
        from mlflow.pyfunc import scoring_server

        invoke: Any = scoring_server.invocations
        with _limited(min(self._limit, max(self._end - time.monotonic(), 0.01))):
            return invoke(request, "application/json", self._model, self._model.metadata.get_input_schema())

    def _http(self) -> str:
        """Ask for the sample as JSON has it."""
        from mlflow.pyfunc import scoring_server

        try:
            request = as_request(self._sample)
        except (TypeError, ValueError, OverflowError) as error:
            return f"cannot be asked: JSON has no form for its input ({described(error)})"
        expected = io.StringIO()
        try:
            scoring_server.predictions_to_json(self._output, expected)  # type: ignore[no-untyped-call]  # MLflow's
        except Exception as error:  # noqa: BLE001 - MLflow and a class's own methods raise whatever they meet
            advice = "end the pipeline in one table, or in dictionaries and lists"
            return f"cannot be written: JSON has no form for its output ({described(error)}); {advice}"
        difference = self._differ(json.loads(expected.getvalue()), json.loads(self._invoke(request).response))
        return SAME if difference is None else f"differs: {difference}"

    def _single_row(self) -> str | None:
        """Ask for one row alone; None where an answer is no answer to each row."""
        if _row(self._sample, 0) is None or len(self._sample) < 2:  # noqa: PLR2004 - one row is all there is
            return None
        for place in (0, len(self._sample) - 1):
            among_others = _rows(self._output, slice(place, place + 1), len(self._sample))
            if among_others is None:
                return None
            alone = _rows(self.raw(_row(self._sample, place)), _FIRST, 1)
            difference = "there is no answer to it" if alone is None else self._differ(among_others, alone)
            if difference is not None:
                return f"differs: row {place}: {difference}"
        return SAME

    def _parameters(self) -> str | None:
        """Give each parameter the value that it has; None where a caller may give none."""
        declared = self._model.metadata.get_params_schema()
        if declared is None:
            return None
        for parameter in declared.params:
            if time.monotonic() >= self._end:
                return None
            try:
                with _limited(min(self._limit, max(self._end - time.monotonic(), 0.01))):
                    given = self._model.predict(self._sample, params={parameter.name: parameter.default})
            except Exception as error:  # noqa: BLE001 - MLflow and a node raise whatever they meet
                return f"'{parameter.name}' fails: {described(error)}"
            difference = self._differ(self._output, given)
            if difference is not None:
                return f"'{parameter.name}' differs: {difference}"
        return SAME

    def _empty(self) -> str | None:
        rows = _row(self._sample, slice(0, 0))
        if rows is None:
            return None
        self.raw(rows)
        return SAME

    def _ask_for_columns(self, search: Search) -> None:
        if not _names(self._sample):
            return
        found = search.find_optional(self._sample, self._output, self.raw, self._differ, seconds=self._seconds_left)
        self._note("optional", list(found.names))
        self._note("optional_note", found.note)

    def _ask_for_null(self, search: Search) -> None:
        """Ask which columns of integers take floats, and in which columns a row may have null.

        Null makes floats of a column's integers, in pandas and so in every request: where floats are answered
        otherwise, null may not stand.
        """
        names = _names(self._sample) if hasattr(self._sample, "iloc") else []
        before = _rows(self._output, _FIRST, len(self._sample)) if names else None
        if before is None or not _has_value(before) or time.monotonic() >= self._end:
            return
        integers = [name for name in names if _is_of(self._sample[name], "iu")]
        floats, _ = search.find_columns(integers, self._takes_floats, seconds=self._seconds_left)
        self._pipeline.restore({name: str(self._sample[name].dtype) for name in floats})
        may_be_null = [name for name in names if name in floats or name not in integers]
        nullable, _ = search.find_columns(may_be_null, self._takes_null, seconds=self._seconds_left)
        opened = set(nullable).intersection(_closed_to_null(self._model.metadata.get_input_schema()))
        if opened and not self._takes_null_over_http(opened):
            nullable = [name for name in nullable if name not in opened]
        self._note("nullable", list(nullable))

    def _takes_floats(self, names: Collection[str]) -> bool:
        try:
            answer = self.raw(self._sample.astype(dict.fromkeys(names, "float64")))
        except BaseException:  # noqa: BLE001 - a node may raise anything, and end the process too
            return False
        return self._has_same_rows(answer, slice(None))

    def _takes_null(self, names: Collection[str]) -> bool:
        """Tell whether a row with null in these columns gets an answer, and the others keep theirs."""
        try:
            answer = self.raw(_with_null(self._sample, names))
        except BaseException:  # noqa: BLE001 - see above
            return False
        return self._has_same_rows(answer, _OTHERS) and self._answers_null(answer, len(self._sample))

    def _takes_null_over_http(self, names: Collection[str]) -> bool:
        """Ask for null as a client does, among other rows and alone, where MLflow leaves these columns open."""
        metadata = self._model.metadata
        closed = metadata.signature
        if closed is None or closed.inputs is None:
            return True
        rows = _with_null(self._sample, names)
        metadata.signature = _opened(closed, names)
        try:
            for asked in (rows, rows.iloc[_FIRST]):
                if time.monotonic() >= self._end:
                    return False
                response = self._invoke(as_request(asked))
                answer = json.loads(response.response)["predictions"] if response.status == http.HTTPStatus.OK else None
                if not self._answers_null(answer, len(asked)):
                    return False
        except BaseException:  # noqa: BLE001 - see above
            return False
        finally:
            metadata.signature = closed
        return True

    def _has_same_rows(self, answer: Any, rows: slice) -> bool:
        number = len(self._sample)
        return self._differ(_rows(self._output, rows, number), _rows(answer, rows, number)) is None

    def _answers_null(self, answer: Any, number: int) -> bool:
        """Tell whether the first of this number of rows is answered, and with no value lost."""
        row = _rows(answer, _FIRST, number)
        return row is not None and not _has_lost(_rows(self._output, _FIRST, len(self._sample)), row)

    @property
    def _seconds_left(self) -> float:
        return max(self._end - time.monotonic(), 0.0)


def as_request(data: Any) -> str:
    """Write data as the body of a request to MLflow's scoring server.

    Raises:
        TypeError: When JSON has no form for it.
    """
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        split = data.to_dict(orient="split")
        content: dict[str, Any] = {"dataframe_split": {"columns": split["columns"], "data": split["data"]}}
    else:
        content = {"inputs": _frames_as_columns(data)}
    return json.dumps(_plain(content), allow_nan=False)


def made_up_request(schema: Any) -> str | None:
    """Make up the body of a request, one row of a table.

    Args:
        schema: MLflow's schema of the inputs; None means that there is none.

    Returns:
        None where the schema names no columns, or one of a type that has no simple value.
    """
    if schema is None or not schema.has_input_names() or schema.is_tensor_spec():
        return None
    # A column that is left open takes a number as well as anything else.
    row = [_MADE_UP.get(getattr(column.type, "name", ""), 1) for column in schema.inputs]
    return json.dumps({"dataframe_split": {"columns": schema.input_names(), "data": [row]}})


def _frames_as_columns(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {name: _frames_as_columns(value) for name, value in data.items()}
    return data.to_dict(orient="list") if hasattr(data, "iloc") and hasattr(data, "columns") else data


def _plain(value: Any) -> Any:  # noqa: PLR0911 - one for each kind of value
    """Return what JSON has for a value: null for one that is missing, ISO 8601 for a date.

    Raises:
        TypeError: When it has none.
    """
    import numpy as np
    import pandas as pd

    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            msg = "a key is no text"
            raise TypeError(msg)
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, str | int | float):
        return value
    if hasattr(value, "__float__"):
        return float(value)
    msg = f"a value is of type {type(value).__name__}"
    raise TypeError(msg)


def _row(data: Any, place: int | slice) -> Any:
    """Return one row, or some rows, of a table as a table; None for what is no table."""
    rows = slice(place, place + 1) if isinstance(place, int) else place
    if hasattr(data, "iloc") and hasattr(data, "columns"):
        return data.iloc[rows]
    if type(data).__module__.partition(".")[0] == "numpy" and getattr(data, "ndim", 0) > 0:
        return data[rows]
    return None


def _rows(output: Any, rows: slice, number: int) -> Any:
    """Return the answers to some rows, without the form that depends on the others.

    Args:
        output: The answer.
        rows: Which ones.
        number: How many rows were asked together.

    Returns:
        None where there is none for each.
    """
    import numpy as np

    if isinstance(output, dict):
        found = {name: _rows(value, rows, number) for name, value in output.items()}
        return None if any(value is None for value in found.values()) else found
    try:
        if len(output) != number:
            return None
    except TypeError:
        return None
    if hasattr(output, "iloc"):
        found = output.iloc[rows]
        values = found.to_dict(orient="records") if hasattr(found, "columns") else found.tolist()
    elif isinstance(output, np.ndarray | list | tuple):
        values = output[rows].tolist() if isinstance(output, np.ndarray) else output[rows]
    else:
        return None
    return _as_numbers(values)


def _names(sample: Any) -> list[str]:
    """Return the names of a table's columns; empty where nothing can be asked of them.

    Of an empty table, most pipelines make the same whatever its columns.
    """
    names = list(getattr(sample, "columns", ()))
    is_plain = len(set(names)) == len(names) and all(isinstance(name, str) for name in names)
    return names if is_plain and len(sample) else []


def _is_of(column: Any, kinds: str) -> bool:
    """Tell whether NumPy has a column's type, and it is of one of these kinds."""
    import numpy as np

    return isinstance(column.dtype, np.dtype) and column.dtype.kind in kinds


def _with_null(table: Any, names: Collection[str]) -> Any:
    """Return a table with null in the first row of these columns, in the type that pandas has for that."""
    changed = {}
    for name in names:
        kind = "float64" if _is_of(table[name], "iu") else "object" if _is_of(table[name], "b") else table[name].dtype
        changed[name] = table[name].astype(kind).copy()
        changed[name].iloc[0] = None
    return table.assign(**changed)


def _closed_to_null(schema: Any) -> list[str]:
    """Name the columns in which MLflow refuses null; none without a schema of the inputs."""
    columns = [] if schema is None else schema.inputs
    return [column.name for column in columns if getattr(column.type, "name", "") in {"boolean", "integer", "long"}]


def _opened(signature: Any, names: Collection[str]) -> Any:
    """Return a signature that takes anything in these columns."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import AnyType

    make: Any = AnyType
    columns: list[Any] = [
        ColSpec(make() if column.name in names else column.type, column.name, required=column.required)
        for column in signature.inputs
    ]
    return ModelSignature(inputs=Schema(columns), outputs=signature.outputs, params=signature.params)


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value))


def _has_value(answer: Any) -> bool:
    if isinstance(answer, Mapping):
        return any(map(_has_value, answer.values()))
    return any(map(_has_value, answer)) if isinstance(answer, list | tuple) else not _is_missing(answer)


def _has_lost(before: Any, answer: Any) -> bool:
    """Tell whether an answer lacks what another one has: a key, an item or a value."""
    if isinstance(before, Mapping):
        return not isinstance(answer, Mapping) or any(
            key not in answer or _has_lost(value, answer[key]) for key, value in before.items()
        )
    if isinstance(before, list | tuple):
        is_shorter = not isinstance(answer, list | tuple) or len(answer) < len(before)
        return is_shorter or any(map(_has_lost, before, answer))
    return _is_missing(answer) and not _is_missing(before)


def _as_numbers(value: Any) -> Any:
    """Return a value with integers as floats: a column of them holds floats as soon as another row lacks one."""
    if isinstance(value, Mapping):
        return {key: _as_numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_numbers(item) for item in value]
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_integer and abs(value) < 2**53 else value


def described(error: BaseException) -> str:
    """Describe an error in one line, by what it was raised from, and without the data that MLflow adds to it."""
    if isinstance(error, TooLongError):
        return "it does not end"
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    text = str(error).rpartition("\nError: ")[2]
    first_line = next(iter(text.splitlines()), "")
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Have a call raise when it takes longer; where the system has no timer, the parent ends the process."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: Any) -> NoReturn:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    # Again and again: a node may catch whatever is raised, and go on.
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Write nothing: what nodes print of requests that nobody has made may be long, and would hide what matters."""
    kept = [os.dup(number) for number in (1, 2)]
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in (1, 2):
            os.dup2(nothing, number)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, before in zip((1, 2), kept, strict=True):
            os.dup2(before, number)
            os.close(before)
        os.close(nothing)
