"""Tests of card.layout."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kedro_autolog_pipeline.card.layout import lay_out


def test_arrows_run_downwards_and_do_not_cross_where_that_can_be() -> None:
    """The boxes are given in an order in which they would cross; what nothing leads to stands near its reader."""
    layout = lay_out(
        dict.fromkeys(["a", "b", "right", "left", "end", "late"], 50.0),
        [("a", "left"), ("b", "right"), ("left", "end"), ("right", "end"), ("late", "end")],
    )

    assert {"a": 0, "b": 0, "left": 1, "right": 1, "late": 1, "end": 2} == {
        box: place.layer for box, place in layout.places.items()
    }
    x = {box: place.x for box, place in layout.places.items()}
    assert (x["a"] < x["b"]) == (x["left"] < x["right"])


def test_an_arrow_goes_around_the_boxes_that_it_passes() -> None:
    """It has a bend in each layer between, beside the box there."""
    layout = lay_out(dict.fromkeys("abcd", 100.0), [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")])

    bends = layout.bends["a", "d"]
    assert [1, 2] == [bend.layer for bend in bends]
    assert all(abs(bend.x - layout.places[box].x) > 50 for bend, box in zip(bends, "bc", strict=True))


@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30),
    st.lists(st.floats(1, 300), min_size=12, max_size=12),
)
def test_no_boxes_overlap_and_none_is_outside(pairs: list[tuple[int, int]], widths: list[float]) -> None:
    """Whatever the graph is."""
    arrows = sorted({(f"{min(pair)}", f"{max(pair)}") for pair in pairs if pair[0] != pair[1]})
    sizes = {f"{number}": width for number, width in enumerate(widths)}

    layout = lay_out(sizes, arrows)

    for layer in range(layout.layers):
        row = sorted((box for box in sizes if layout.places[box].layer == layer), key=lambda box: layout.places[box].x)
        edges = [
            edge
            for box in row
            for edge in (layout.places[box].x - sizes[box] / 2, layout.places[box].x + sizes[box] / 2)
        ]
        assert all(left <= right + 1e-6 for left, right in pairwise([0.0, *edges, layout.width]))
    assert all(layout.places[start].layer < layout.places[end].layer for start, end in arrows)


def test_nothing_is_laid_out_as_nothing() -> None:
    """A graph without boxes has no width."""
    layout = lay_out({}, [])

    assert (0.0, 0) == (layout.width, layout.layers)
