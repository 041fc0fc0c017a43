"""Tests of ``verification/optional_columns.py``."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedro_autolog_pipeline.rehearsal.comparison import first_difference
from kedro_autolog_pipeline.verification.optional_columns import MOST_CALLS, OptionalColumns, find_optional_columns

NAMES = [f"c{number}" for number in range(100)]


class Counted:
    """A pipeline that counts its calls."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self.answer = answer
        self.calls = 0

    def __call__(self, table: Any) -> Any:
        """Answer, and count."""
        self.calls += 1
        return self.answer(table)


def table_of(names: list[str]) -> pd.DataFrame:
    """Give two rows with a different number in each cell."""
    return pd.DataFrame({name: [2 * place, 2 * place + 1] for place, name in enumerate(names)})


def found(answer: Callable[[Any], Any], names: list[str], **budget: Any) -> OptionalColumns:
    """Ask a pipeline about a table with columns of these names."""
    table = table_of(names)
    return find_optional_columns(table, answer(table), answer, first_difference, **{"seconds": 600.0, **budget})


@settings(deadline=None)
@given(names=st.lists(st.sampled_from(NAMES), min_size=1, unique=True), data=st.data())
def test_exactly_the_columns_that_the_pipeline_reads_are_required(names: list[str], data: st.DataObject) -> None:
    """Whatever is read, by its name or only where it is there, is required, and the rest is optional."""
    read = data.draw(st.lists(st.sampled_from(names), unique=True))
    looked_at = data.draw(st.lists(st.sampled_from(names), unique=True))

    def answer(table: Any) -> Any:
        return table[read].sum(axis=1) + sum(table[name] for name in looked_at if name in table)

    expected = tuple(name for name in names if name not in {*read, *looked_at})
    assert OptionalColumns(expected, None) == found(answer, names)


def test_few_calls_settle_many_columns() -> None:
    """Of 100 columns, five that matter are found in 50 calls; where all matter, there are two for each."""
    few = Counted(lambda table: table[["c3", "c20", "c21", "c77", "c99"]])
    all_of_them = Counted(lambda table: table)

    assert len(found(few, NAMES).names) == 95
    assert found(all_of_them, NAMES).names == ()
    assert few.calls < 50
    assert all_of_them.calls <= 201


def test_thousands_of_columns_take_no_more_calls_than_are_allowed() -> None:
    """Where few of 5,000 matter they are found in 60 calls; where all of 1,000 do, a note says how many are untried."""
    names = [f"c{number}" for number in range(5_000)]
    few = Counted(lambda table: table[["c3", "c2500", "c4999"]])
    all_of_them = Counted(lambda table: table.to_numpy().sum())

    assert OptionalColumns(tuple(name for name in names if name not in {"c3", "c2500", "c4999"}), None) == found(
        few, names
    )
    assert few.calls <= 60
    untried = found(all_of_them, names[:1_000])
    assert all_of_them.calls <= MOST_CALLS + 2
    assert untried.note is not None
    assert " of 1000 columns are required without a test: " in untried.note


class Name(str):
    """A column's name that counts how often it is compared."""

    __slots__ = ()
    __hash__ = str.__hash__
    compared = 0

    def __eq__(self, other: object) -> bool:
        Name.compared += 1
        return str.__eq__(self, other)


class Table:
    """A table of no rows, whose names are the very objects that it was made of."""

    def __init__(self, columns: list[str]) -> None:
        self.columns = columns

    def __getitem__(self, names: list[str]) -> Table:
        """Give the table of some columns."""
        return Table(names)


def test_no_call_compares_each_column_with_all_others() -> None:
    """Of 5,000 columns, that took most of the time."""
    table = Table([Name(f"c{number}") for number in range(200)])

    def differ(_: Any, answer: Table) -> str | None:
        return None if table.columns[7] in answer.columns[:8] else "it is missing"

    found = find_optional_columns(table, table, lambda asked: asked, differ, seconds=600.0)

    assert 199 == len(found.names)
    assert Name.compared <= len(table.columns)


def test_of_columns_that_stand_in_for_each_other_one_is_required() -> None:
    """What is optional may all be left out at once."""

    def answer(table: Any) -> Any:
        return len(table[["a"]]) if "a" in table else len(table[["b"]])

    assert len(found(answer, ["a", "b"]).names) == 1


def test_a_pipeline_that_does_not_agree_with_itself_keeps_all_columns() -> None:
    """A random answer tells nothing, so that it is not asked again."""
    counter = itertools.count()
    pipeline = Counted(lambda table: table.assign(call=next(counter)))

    optional = found(pipeline, ["a", "b"])

    assert optional == OptionalColumns((), "Every column is required: the pipeline does not answer the same twice.")
    assert pipeline.calls == 2


@pytest.mark.parametrize("budget", [{"calls": 4}, {"seconds": -1.0}], ids=["calls", "seconds"])
def test_what_the_budget_does_not_allow_to_try_stays_required(budget: dict[str, Any]) -> None:
    """A pipeline that is slow, or has many columns, is asked no longer than allowed, and a note says so."""
    pipeline = Counted(lambda table: table)

    optional = found(pipeline, NAMES, **budget)

    assert pipeline.calls <= 6
    assert optional.names == ()
    assert optional.note is not None
    assert optional.note.endswith(
        " of 100 columns are required without a test: to test whether the pipeline needs them takes too many calls "
        "of it. Set 'signature: full' to require every column."
    )
