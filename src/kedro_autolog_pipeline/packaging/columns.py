"""A pipeline to ask and a table that it answers come in, the columns that it can do without go out."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any, TypeAlias

import attrs

CALLS = 500
"""How often a pipeline is asked: enough to settle any table of 250 columns."""

SECONDS = 5.0
"""How long a pipeline is asked."""

Differ: TypeAlias = Callable[[Any, Any], str | None]
"""Tells how two values differ; None when they are the same."""

_QUIET_LOCK = threading.Lock()


@attrs.frozen
class OptionalColumns:
    """What asking a pipeline has told.

    Attributes:
        names: Columns without which, all of them, the pipeline answers the same; in the order of the table.
        note: Why there may be more of them, one sentence; None when every column is settled.
    """

    names: tuple[str, ...]
    note: str | None


def find_optional_columns(
    table: Any,
    output: Any,
    ask: Callable[[Any], Any],
    differ: Differ,
    *,
    calls: int = CALLS,
    seconds: float = SECONDS,
) -> OptionalColumns:
    """Find the columns whose absence changes nothing.

    Columns are left out in groups, and a group that matters is halved: a table of 100 columns of which 5 matter takes
    some 40 calls instead of 100. What was found stays left out, so that the result holds for all of it together: of
    two columns that stand in for each other, one is optional.

    Args:
        table: A DataFrame of pandas, its columns' names unique.
        output: What the pipeline answered for it.
        ask: Answers a table; whatever it raises, the columns that it lacks are needed.
        differ: Tells whether two answers are the same.
        calls: How often to ask at most.
        seconds: When to begin no more calls.
    """
    search = _Search(table, output, ask, differ, calls, time.monotonic() + seconds)
    with _silence():
        if not search.is_unchanged([]):
            return OptionalColumns((), "Every column is required: the pipeline does not answer the same twice.")
        search.split(list(table.columns), is_needed=False)
    note = None
    if search.untried:
        note = (
            f"{search.untried} of {len(table.columns)} columns are required untried: it would have taken too many calls "
            "of the pipeline to tell whether it needs them. Set 'signature: full' to require every column."
        )
    return OptionalColumns(tuple(name for name in table.columns if name in search.optional), note)


class _Search:
    """What was found so far, and how much may still be asked."""

    def __init__(
        self, table: Any, output: Any, ask: Callable[[Any], Any], differ: Differ, calls: int, deadline: float
    ) -> None:
        self._table = table
        self._output = output
        self._ask = ask
        self._differ = differ
        self._calls = calls
        self._deadline = deadline
        self.optional: set[str] = set()
        self.untried = 0

    def is_unchanged(self, without: Sequence[str]) -> bool:
        """Tell whether the pipeline answers the same without these columns and those already found."""
        self._calls -= 1
        try:
            answer = self._ask(self._table.drop(columns=[*self.optional, *without]))
            return self._differ(self._output, answer) is None
        except Exception:  # noqa: BLE001 - a node that misses a column raises whatever it likes
            return False

    def split(self, group: list[str], *, is_needed: bool) -> bool:
        """Add to what was found all of a group that is optional.

        Args:
            group: Columns of which nothing is known; not empty.
            is_needed: Whether it is known that the group as a whole matters.

        Returns:
            Whether the whole group is optional.
        """
        if not is_needed:
            if self._calls <= 0 or time.monotonic() >= self._deadline:
                self.untried += len(group)
                return False
            if self.is_unchanged(group):
                self.optional.update(group)
                return True
        if len(group) == 1:
            return False
        half = len(group) // 2
        is_first_optional = self.split(group[:half], is_needed=False)
        # Where the group matters and its first half does not, its second half does.
        self.split(group[half:], is_needed=is_first_optional)
        return False


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what the nodes log, print and warn of to themselves: it is about requests that nobody has made."""
    with _QUIET_LOCK, warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        level = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(level)
