"""Find where the inference pipeline makes other values of the rows that training has seen than training did."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from kedro_autolog_pipeline.datasets.noted_rows import NotedRows
from kedro_autolog_pipeline.errors import PackagingError
from kedro_autolog_pipeline.loggers import get_logger
from kedro_autolog_pipeline.pairing.counterparts import NO_COUNTERPART, Counterpart
from kedro_autolog_pipeline.rehearsal.live_pipeline import Written

if TYPE_CHECKING:
    import pandas as pd

_LOGGER = get_logger(__name__)

_Matched: TypeAlias = tuple[Any, Any]
"""The same rows as the inference pipeline and as training made them."""

_LABELS = ("inference", "training")


@attrs.frozen
class Divergence:
    """The first output of the inference pipeline that holds other values than training's.

    Attributes:
        counterpart: The output, and training's.
        difference: In what they differ, a clause that begins with the place in the output.
    """

    counterpart: Counterpart
    difference: str

    def __str__(self) -> str:
        """Say it as a sentence."""
        each = self.counterpart
        return (
            f"On rows of the training, node '{each.node}' gives other values in '{each.output}' than training's node "
            f"'{each.training_node}' has given in '{each.training_output}': {self.difference}."
        )


@attrs.frozen
class SkewReport:
    """What a comparison with training has shown.

    Attributes:
        compared: Outputs of the inference pipeline that were compared, in the order of its nodes, up to the one that
            diverges.
        divergence: The first that diverges; None when none does.
        why_nothing: Why nothing was compared, one sentence; None when something was.
    """

    compared: tuple[str, ...] = ()
    divergence: Divergence | None = None
    why_nothing: str | None = None

    def __str__(self) -> str:
        """Say it in a sentence or two."""
        if self.divergence is not None:
            return str(self.divergence)
        if self.why_nothing is not None:
            return f"Nothing was compared with training: {self.why_nothing}"
        names = ", ".join(f"'{name}'" for name in self.compared)
        return f"None: on rows of the training, {names} holds what training made of them."


def find_skew(
    counterparts: Sequence[Counterpart],
    noted: Mapping[str, NotedRows],
    request: Any,
    rehearse: Callable[[Any], Mapping[str, Written]],
) -> SkewReport:
    """Compare what inference makes of rows that training has seen with what training made of them.

    An output is as training's when it is so for one of its counterparts, and for one of the datasets that training
    made this of: a function may have other uses in training, and a request may begin after training's first steps.
    What does not give the same twice is not compared.

    Args:
        counterparts: What the two pipelines have in common.
        noted: Rows that training had, by dataset name.
        request: Request data of the run, which tell the columns of a request.
        rehearse: Calls the inference pipeline on a request, and gives what each node has written by dataset name.
    """
    if not counterparts:
        return SkewReport(why_nothing=NO_COUNTERPART)
    # What is noted of training is pandas' and NumPy's.
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(request, pandas.DataFrame) or not request.columns.is_unique:
        return SkewReport(why_nothing="the request is no pandas table whose columns have names of their own.")
    comparison = _Comparison(noted, request.columns, rehearse)
    compared: list[str] = []
    for output, group in groupby(counterparts, key=lambda each: each.output):
        divergences = list(comparison.divergences(group))
        is_same = None in divergences
        if is_same or (divergences and comparison.repeats(output)):
            compared.append(output)
            if not is_same:
                return SkewReport(tuple(compared), divergences[0])
    if not compared:
        names = ", ".join(f"'{name}'" for name in dict.fromkeys(each.output for each in counterparts))
        return SkewReport(why_nothing=f"no rows of training could be matched with what is in {names}.")
    return SkewReport(tuple(compared))


class _Comparison:
    """Calls the inference pipeline once for each dataset of training that its rows may come from.

    Args:
        noted: Rows that training had, by dataset name.
        columns: Those of a request.
        rehearse: Calls the inference pipeline on a request.
    """

    def __init__(
        self, noted: Mapping[str, NotedRows], columns: pd.Index, rehearse: Callable[[Any], Mapping[str, Written]]
    ) -> None:
        self._noted = noted
        self._columns = columns
        self._rehearse = rehearse
        self._written: dict[str, Mapping[str, Written]] = {}
        self._again: dict[str, Mapping[str, Written]] = {}

    def divergences(self, counterparts: Iterable[Counterpart]) -> Iterator[Divergence | None]:
        """Compare an output with its counterparts, once for each source whose rows can be matched.

        Yields:
            None where it is the same, which is the last then.
        """
        for each in counterparts:
            for difference in self._differences(each):
                yield None if difference is None else Divergence(each, difference)
                if difference is None:
                    return

    def repeats(self, output: str) -> bool:
        """Tell whether an output has the same values when inference is called again on the same rows."""
        # It imports pandas, which the user's pipeline need not do.
        from kedro_autolog_pipeline.rehearsal.comparison import first_difference

        name, written = next((name, written) for name, written in self._written.items() if output in written)
        if name not in self._again:
            self._again[name] = self._tried(self._noted[name])
        again = self._again[name].get(output)
        return again is not None and first_difference(written[output].value, again.value) is None

    def _differences(self, counterpart: Counterpart) -> Iterator[str | None]:
        training = self._noted.get(counterpart.training_output)
        for name in counterpart.sources if training is not None else ():
            source = self._noted.get(name)
            written = None if source is None else self._of(name, source).get(counterpart.output)
            if source is None or written is None or training is None:
                continue
            matched = _match(written.value, source, training)
            if matched is not None:
                left_out = set(source.rows.columns) - set(self._columns)
                yield _difference(*matched, left_out=left_out)

    def _of(self, name: str, source: NotedRows) -> Mapping[str, Written]:
        """Give what inference makes of rows of a dataset; empty where they are no request."""
        if name not in self._written:
            self._written[name] = self._tried(source)
        return self._written[name]

    def _tried(self, source: NotedRows) -> Mapping[str, Written]:
        columns = getattr(source.rows, "columns", None)
        if columns is None or not columns.is_unique or not self._columns.isin(columns).all():
            return {}
        try:
            return self._rehearse(source.rows[list(self._columns)])
        except PackagingError:
            _LOGGER.debug("The inference pipeline does not take rows of the training.", exc_info=True)
            return {}


def _match(inferred: Any, source: NotedRows, training: NotedRows) -> _Matched | None:
    """Find the same rows in both: by a key, by the labels of an index, or by position.

    Returns:
        None where nothing tells which are the same, or the two are of other kinds.
    """
    rows = training.rows
    if type(inferred) is not type(rows) or getattr(inferred, "ndim", 0) != rows.ndim:
        return None
    if hasattr(rows, "columns") and not _are_comparable(inferred, rows):
        return None
    return (
        _by_key(inferred, source, rows)
        or _by_label(inferred, source, training)
        or _by_position(inferred, source, training)
    )


def _are_comparable(inferred: pd.DataFrame, training: pd.DataFrame) -> bool:
    if not inferred.columns.is_unique or not training.columns.is_unique:
        return False
    return bool(inferred.columns.isin(training.columns).any())


def _by_key(inferred: Any, source: NotedRows, training: Any) -> _Matched | None:
    """Match by a column of names or numbers that are all different, and that inference leaves as they are."""
    for name in getattr(training, "columns", ()):
        if name not in inferred.columns or name not in source.rows.columns:
            continue
        ours, theirs, given = inferred[name], training[name], source.rows[name]
        is_key = ours.dtype.kind in "iuO" and ours.is_unique and theirs.is_unique and ours.isin(given).all()
        if is_key and theirs.isin(ours).any():
            known = theirs[theirs.isin(ours)]
            # The key stays a column, and is compared too.
            first, second = (each.set_index(name, drop=False) for each in (inferred, training))
            return first.loc[list(known)].reset_index(drop=True), second.loc[list(known)].reset_index(drop=True)
    return None


def _by_label(inferred: Any, source: NotedRows, training: NotedRows) -> _Matched | None:
    rows = training.rows
    if not hasattr(rows, "index"):
        return None
    # An index that was made anew tells of the same rows only where there are as many.
    is_kept = training.has_labels or (not source.has_labels and training.length == source.length)
    labels = rows.index[rows.index.isin(inferred.index)]
    if not is_kept or labels.empty or not inferred.index.is_unique or not rows.index.is_unique:
        return None
    if not inferred.index.isin(source.rows.index).all():
        return None
    return inferred.loc[labels], rows.loc[labels]


def _by_position(inferred: Any, source: NotedRows, training: NotedRows) -> _Matched | None:
    if training.length != source.length or len(inferred) != len(source.positions):
        return None
    ours = {position: number for number, position in enumerate(source.positions)}
    theirs = [number for number, position in enumerate(training.positions) if position in ours]
    own = [ours[training.positions[number]] for number in theirs]
    if not theirs:
        return None
    if not hasattr(inferred, "iloc"):
        return inferred[own], training.rows[theirs]
    return inferred.iloc[own].reset_index(drop=True), training.rows.iloc[theirs].reset_index(drop=True)


def _difference(inferred: Any, training: Any, left_out: set[Any]) -> str | None:
    """Compare the same rows, column by column; what only training has, such as the label, does not count.

    Args:
        inferred: As inference made them.
        training: As training made them.
        left_out: Columns of training's rows that a request does not have.
    """
    # It imports pandas, which the user's pipeline need not do.
    from kedro_autolog_pipeline.rehearsal.comparison import first_difference

    if not hasattr(training, "columns"):
        return first_difference(inferred, training, _LABELS)
    ours = list(inferred.columns)
    theirs = [name for name in training.columns if name in ours or name not in left_out]
    for name in theirs:
        if name not in ours:
            return f"column {name!r} is missing in inference"
    for position, name in enumerate(ours):
        if name not in theirs:
            return f"column {name!r} is not there in training"
        if name != theirs[position]:
            return f"column {name!r} is at position {position} in inference and at {theirs.index(name)} in training"
    return first_difference(inferred, training[theirs], _LABELS)
