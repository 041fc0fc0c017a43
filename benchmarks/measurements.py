"""Repeated measurements come in, their medians, spreads and ratios go out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from statistics import median, quantiles

import attrs


@attrs.frozen
class Summary:
    """The middle half of what was measured.

    Attributes:
        median: The middle, in the unit of the measurements.
        low: A quarter of the measurements is below it.
        high: A quarter is above it.
    """

    median: float
    low: float
    high: float

    def scaled(self, factor: float) -> Summary:
        """Give the same in another unit, one of which is 1 / ``factor`` of the old."""
        return Summary(self.median * factor, self.low * factor, self.high * factor)


def summarise(values: Sequence[float]) -> Summary:
    """Summarise measurements; of a single one, that is the one.

    Raises:
        ValueError: When there are none.
    """
    if len(values) == 1:
        return Summary(values[0], values[0], values[0])
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return Summary(middle, low, high)


def typical_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Give the median of the ratios turn by turn, which neither a drift of the machine nor one burst of load moves.

    Raises:
        ValueError: When one of them was measured more often.
    """
    return median(mine / other for mine, other in zip(ours, theirs, strict=True))


def interleaved(
    measures: Mapping[str, Callable[[], float]], turns: int, before: Callable[[], object] | None = None
) -> dict[str, list[float]]:
    """Let several things be measured in turn, each one first as often as any other.

    Args:
        measures: What measures once, by name.
        turns: How often each is called, after one call that does not count; before a single turn, for a quick look,
            there is none.
        before: What is done before each call, and is not measured; None for nothing.

    Returns:
        Measurements by name, in the order of the turns.
    """
    measured: dict[str, list[float]] = {name: [] for name in measures}

    def measure(name: str) -> float:
        if before is not None:
            before()
        return measures[name]()

    for name in measures if turns > 1 else ():
        measure(name)
    names = list(measures)
    for turn in range(turns):
        first = turn % len(names)
        for name in chain(names[first:], names[:first]):
            measured[name].append(measure(name))
    return measured


def line_through(points: Mapping[int, float]) -> tuple[float, float]:
    """Fit a line by the median of all slopes, which one bad point does not bend (Theil and Sen).

    Args:
        points: At least two values by position.

    Returns:
        The value at position 0, and the slope.
    """
    items = sorted(points.items())
    slope = median(
        (above - below) / (right - left) for i, (left, below) in enumerate(items) for right, above in items[i + 1 :]
    )
    return median(value - slope * position for position, value in items), slope
