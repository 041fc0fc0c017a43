"""Place the boxes of a graph in layers, so that its arrows run downwards, seldom cross, and go around boxes."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import TypeAlias

import attrs

_Point: TypeAlias = str | tuple[tuple[str, str], int]
"""The key of a box, or an arrow and a layer that it passes."""

_Joined: TypeAlias = Mapping[_Point, tuple[list[_Point], list[_Point]]]
"""What each point is joined to, above and below."""

_GAP = 18.0
"""Pixels between two boxes of a layer."""

_SWEEPS = 8
"""Passes over the layers, down and up. More passes give no visible change."""


@attrs.frozen
class Place:
    """Where a box is.

    Attributes:
        x: The middle of the box, in pixels from the left.
        layer: Its layer, from 0 at the top.
    """

    x: float
    layer: int


@attrs.frozen
class Layout:
    """A graph with a place for everything.

    Attributes:
        places: Where each box is.
        bends: For each arrow that passes layers, where it does, from the top down.
        width: Pixels from the left edge to the right one.
        layers: How many layers there are.
    """

    places: Mapping[str, Place]
    bends: Mapping[tuple[str, str], Sequence[Place]]
    width: float
    layers: int


def lay_out(widths: Mapping[str, float], arrows: Sequence[tuple[str, str]]) -> Layout:
    """Place the boxes of a graph without cycles.

    It is Sugiyama's way: boxes get layers, arrows get a bend in each layer that they pass, the order in the layers is
    improved by the mean place of what a box is joined to, and so are the places.

    Args:
        widths: Pixels of each box, by its key, in the order in which they stand where nothing else decides.
        arrows: Pairs of keys, each pair once.
    """
    layer_of = _layers(widths, arrows)
    bends = {arrow: range(layer_of[arrow[0]] + 1, layer_of[arrow[1]]) for arrow in arrows}
    # A bend is known by its arrow and its layer, and has no width.
    sizes: dict[_Point, float] = dict(widths.items())
    sizes |= {(arrow, layer): 0.0 for arrow in arrows for layer in bends[arrow]}
    rows: list[list[_Point]] = [[] for _ in range(1 + max(layer_of.values(), default=-1))]
    joined: dict[_Point, tuple[list[_Point], list[_Point]]] = {}
    for point in sizes:
        rows[layer_of[point] if isinstance(point, str) else point[1]].append(point)
        joined[point] = [], []
    for arrow in arrows:
        chain: list[_Point] = [arrow[0], *((arrow, layer) for layer in bends[arrow]), arrow[1]]
        for above, below in pairwise(chain):
            joined[above][1].append(below)
            joined[below][0].append(above)
    rows = _in_order(rows, joined)
    middles = _middles(rows, joined, sizes)
    left = min((middles[each] - sizes[each] / 2 for each in sizes), default=0.0)
    right = max((middles[each] + sizes[each] / 2 for each in sizes), default=0.0)
    return Layout(
        {box: Place(middles[box] - left, layer_of[box]) for box in widths},
        {arrow: [Place(middles[arrow, layer] - left, layer) for layer in bends[arrow]] for arrow in arrows},
        right - left,
        len(rows),
    )


def _layers(boxes: Iterable[str], arrows: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Put each box below all boxes that lead to it, and a box without any just above the first one it leads to."""
    before: dict[str, set[str]] = {box: set() for box in boxes}
    after: dict[str, set[str]] = {box: set() for box in before}
    for start, end in arrows:
        before[end].add(start)
        after[start].add(end)
    layers: dict[str, int] = {}
    for box in TopologicalSorter(before).static_order():
        layers[box] = max((layers[each] + 1 for each in before[box]), default=0)
    for box, following in after.items():
        if following and not before[box]:
            layers[box] = min(layers[each] for each in following) - 1
    return layers


def _in_order(rows: list[list[_Point]], joined: _Joined) -> list[list[_Point]]:
    """Sort each layer by the mean place of what its boxes are joined to above, then below, and keep the best."""
    best, fewest = rows, _crossings(rows, joined)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        side = sweep % 2
        rows = [list(row) for row in rows]
        sequence = range(1, len(rows)) if side == 0 else range(len(rows) - 2, -1, -1)
        for number in sequence:
            other = {each: place for place, each in enumerate(rows[number - 1 if side == 0 else number + 1])}
            here = {each: place for place, each in enumerate(rows[number])}
            means = {
                each: sum(other[end] for end in ends) / len(ends) if ends else float(place)
                for each, place in here.items()
                for ends in [joined[each][side]]
            }
            rows[number].sort(key=means.__getitem__)
        count = _crossings(rows, joined)
        if count < fewest:
            best, fewest = rows, count
    return best


def _crossings(rows: Sequence[Sequence[_Point]], joined: _Joined) -> int:
    count = 0
    for above, below in pairwise(rows):
        places = {each: place for place, each in enumerate(below)}
        passed: list[int] = []
        for each in above:
            for place in sorted(places[end] for end in joined[each][1]):
                count += len(passed) - bisect_right(passed, place)
                insort(passed, place)
    return count


def _middles(rows: Sequence[Sequence[_Point]], joined: _Joined, sizes: Mapping[_Point, float]) -> dict[_Point, float]:
    """Place the boxes of each layer, which keep their order, as near as can be to what they are joined to."""
    middles: dict[_Point, float] = {}
    offsets = {}
    for row in rows:
        place = 0.0
        for each in row:
            offsets[each] = place + sizes[each] / 2
            place += sizes[each] + _GAP
        for each in row:
            middles[each] = offsets[each] - place / 2
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wishes = []
            for each in row:
                ends = [middles[end] for side in joined[each] for end in side] or [middles[each]]
                wishes.append(sum(ends) / len(ends) - offsets[each])
            for each, place in zip(row, _rising(wishes), strict=True):
                middles[each] = place + offsets[each]
    return middles


def _rising(wishes: Iterable[float]) -> list[float]:
    """Return the non-decreasing numbers nearest to the wanted ones, by least squares (isotonic regression)."""
    blocks: list[tuple[float, int]] = []
    for wish in wishes:
        mean, count = wish, 1
        while blocks and blocks[-1][0] > mean:
            other, number = blocks.pop()
            mean, count = (other * number + mean * count) / (number + count), number + count
        blocks.append((mean, count))
    return [mean for mean, count in blocks for _ in range(count)]
