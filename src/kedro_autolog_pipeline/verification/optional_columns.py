"""Find the columns of which something holds, such as that a pipeline can do without them, by asking it.

This file runs in the fresh process, by its path: it imports the standard library and attrs alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

Differ: TypeAlias = Callable[[Any, Any], str | None]
"""Tells how two values differ; None when they are the same."""

MOST_CALLS = 500
"""How often a pipeline is asked at most; it settles any table of 250 columns."""


@attrs.frozen
class OptionalColumns:
    """What asking a pipeline has told.

    Attributes:
        names: Columns without which, all of them, the pipeline answers the same; in the order of the table.
        note: Why there may be more of them, one sentence; None when every column is settled.
    """

    names: tuple[str, ...]
    note: str | None


def find_optional_columns(  # noqa: PLR0913 - what is asked, how, and how much
    table: Any,
    output: Any,
    ask: Callable[[Any], Any],
    differ: Differ,
    *,
    seconds: float,
    calls: int = MOST_CALLS,
) -> OptionalColumns:
    """Find the columns whose absence changes nothing.

    Columns are left out in groups, and a group that matters is halved: a table of 100 columns of which 5 matter takes
    some 40 calls instead of 100. What was found stays left out, so that the result holds for all of it together: of
    two columns that stand in for each other, one is optional.

    Args:
        table: A DataFrame of pandas or Polars, its columns' names unique.
        output: What the pipeline answered for it.
        ask: Answers a table; whatever it raises, the columns that it lacks are needed.
        differ: Tells whether two answers are the same.
        seconds: When no more calls are begun.
        calls: How often to ask at most.
    """

    def is_unchanged_without(columns: set[str]) -> bool:
        try:
            return differ(output, ask(table[[name for name in table.columns if name not in columns]])) is None
        except BaseException:  # noqa: BLE001 - a node that misses a column raises whatever it likes, or ends Python
            return False

    if not is_unchanged_without(set()):
        return OptionalColumns((), "Every column is required: the pipeline does not answer the same twice.")
    found, untried = find_columns(list(table.columns), is_unchanged_without, seconds=seconds, calls=calls)
    note = None
    if untried:
        note = (
            f"{untried} of {len(table.columns)} columns are required without a test: to test whether the "
            "pipeline needs them takes too many calls of it. Set 'signature: full' to require every column."
        )
    return OptionalColumns(found, note)


def find_columns(
    names: list[str], holds: Callable[[set[str]], bool], *, seconds: float, calls: int = MOST_CALLS
) -> tuple[tuple[str, ...], int]:
    """Find the columns of which something holds, of all that are found together.

    Args:
        names: The columns.
        holds: Tells whether it holds of some of them together.
        seconds: When no more calls are begun.
        calls: How often to ask at most.

    Returns:
        The columns in their order, and how many were not tried.
    """
    search = _Search(holds, calls, seconds)
    if names:
        search.split(names, is_refuted=False)
    return tuple(name for name in names if name in search.found), search.untried


class _Search:
    """What was found so far, and how much may still be asked."""

    def __init__(self, holds: Callable[[set[str]], bool], calls: int, seconds: float) -> None:
        self._holds = holds
        self._calls = calls
        self._deadline = time.monotonic() + seconds
        self.found: set[str] = set()
        self.untried = 0

    def split(self, group: list[str], *, is_refuted: bool) -> bool:
        """Add to what was found all of a group of which it holds.

        Args:
            group: Columns of which nothing is known; not empty.
            is_refuted: Whether it is known not to hold of the group as a whole.

        Returns:
            Whether it holds of the whole group.
        """
        if not is_refuted:
            if self._calls <= 0 or time.monotonic() >= self._deadline:
                self.untried += len(group)
                return False
            self._calls -= 1
            if self._holds({*self.found, *group}):
                self.found.update(group)
                return True
        if len(group) == 1:
            return False
        half = len(group) // 2
        is_first_whole = self.split(group[:half], is_refuted=False)
        # Where it does not hold of the group and it does of the first half, it does not hold of the second half.
        self.split(group[half:], is_refuted=is_first_whole)
        return False
