"""Draw an inference pipeline: what flows from the request, the artifacts and the parameters through its nodes."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from itertools import pairwise
from xml.etree.ElementTree import Element

import attrs

from kedro_autolog_pipeline.card.elements import element, shortened
from kedro_autolog_pipeline.card.layout import Layout, Place, lay_out
from kedro_autolog_pipeline.pairing.pair import dataset_of
from kedro_autolog_pipeline.serving.manifest import Manifest, Names, NodeEntry, Origin

MOST_NODES = 16
"""Most nodes that are drawn: a picture of more cannot be read."""

MOST_INPUTS = 4
"""Inputs of one kind that are drawn beside a node when it alone reads them; the others share a box."""

# Pixels.
_HEIGHT = 34.0
_BETWEEN = 40.0
_CHARACTER = 7.3
_PADDING = 24.0
_MARGIN = 8.0

# A picture of at most this width is scaled down to a phone, and can still be read there.
_SMALL = 480.0

_LONGEST_NAME = 26
_LONGEST_TITLE = 100


class Kind(Enum):
    """What a box stands for; the value is its class in the style sheet."""

    REQUEST = "request"
    ARTIFACT = "artifact"
    PARAMETER = "parameter"
    NODE = "node"
    DATASET = "dataset"
    OUTPUT = "output"


_KINDS = {
    Origin.REQUEST: Kind.REQUEST,
    Origin.TRAINED: Kind.ARTIFACT,
    Origin.REFERENCE: Kind.ARTIFACT,
    Origin.PARAMETER: Kind.PARAMETER,
}

_PLURALS = {Kind.REQUEST: "request inputs", Kind.ARTIFACT: "artifacts", Kind.PARAMETER: "parameters"}


@attrs.frozen
class Box:
    """One box.

    Attributes:
        kind: What it stands for.
        name: What is written in it, before it is shortened.
        title: What is said of it where a pointer rests on it.
    """

    kind: Kind
    name: str
    title: str

    @property
    def label(self) -> str:
        """What is written in it."""
        return shortened(self.name, _LONGEST_NAME)

    @property
    def width(self) -> float:
        """Its pixels from left to right."""
        wide = sum(unicodedata.east_asian_width(each) in {"W", "F"} for each in self.label)
        return (len(self.label) + wide) * _CHARACTER + _PADDING


@attrs.frozen
class Picture:
    """An inference pipeline as a picture.

    Attributes:
        svg: The picture.
        kinds: What its boxes stand for.
        left_out: What it does not show, as a sentence; None when it shows all.
    """

    svg: Element
    kinds: frozenset[Kind]
    left_out: str | None


def draw_pipeline(manifest: Manifest) -> Picture:
    """Draw the pipeline of a package.

    Args:
        manifest: What the package says of itself.
    """
    nodes = manifest.nodes[:MOST_NODES]
    kinds = {dataset_of(entry.name): _KINDS[entry.origin] for entry in manifest.inputs}
    kinds |= {dataset_of(name): Kind.OUTPUT for name in manifest.outputs}
    shared = _shared(nodes, kinds)
    boxes: dict[str, Box] = {}
    arrows: dict[tuple[str, str], None] = {}
    for number, node in enumerate(nodes):
        key = f"node {number}"
        for name in datasets_of(node.inputs):
            source = shared.get(name, f"dataset {name}")
            kind = kinds.get(name, Kind.DATASET)
            boxes.setdefault(source, _box(name, kind) if name not in shared else _shared_box(source, kind, shared))
            arrows[source, key] = None
        boxes[key] = Box(Kind.NODE, node.name, f"node {node.name}: {node.function}")
        for name in datasets_of(node.outputs):
            boxes.setdefault(f"dataset {name}", _box(name, kinds.get(name, Kind.DATASET)))
            arrows[key, f"dataset {name}"] = None
    layout = lay_out({key: box.width for key, box in boxes.items()}, list(arrows))
    more = len(manifest.nodes) - len(nodes)
    left_out = f"The picture shows the first {len(nodes)} of {len(manifest.nodes)} nodes." if more else None
    return Picture(_svg(boxes, list(arrows), layout), frozenset(box.kind for box in boxes.values()), left_out)


def datasets_of(names: Names) -> list[str]:
    """Return the datasets of a node's inputs or outputs, each once, without transcoding suffixes."""
    if names is None:
        return []
    listed = [names] if isinstance(names, str) else list(names.values()) if isinstance(names, dict) else names
    return list(dict.fromkeys(map(dataset_of, listed)))


def _shared(nodes: Sequence[NodeEntry], kinds: Mapping[str, Kind]) -> dict[str, str]:
    """Return the key of the box of each input that shares one with others."""
    readers = Counter(name for node in nodes for name in datasets_of(node.inputs))
    found = {}
    for number, node in enumerate(nodes):
        own: dict[Kind, list[str]] = defaultdict(list)
        for name in datasets_of(node.inputs):
            if readers[name] == 1 and kinds.get(name) in _PLURALS:
                own[kinds[name]].append(name)
        for kind, names in own.items():
            # A box for one more would take the place of that one.
            if len(names) > MOST_INPUTS + 1:
                found.update(dict.fromkeys(names[MOST_INPUTS:], f"more {number} {kind.value}"))
    return found


def _shared_box(key: str, kind: Kind, shared: Mapping[str, str]) -> Box:
    names = [name for name, its_key in shared.items() if its_key == key]
    return Box(kind, f"{len(names)} more {_PLURALS[kind]}", ", ".join(names))


def _box(name: str, kind: Kind) -> Box:
    return Box(kind, name, f"{kind.value} {name}")


def _svg(boxes: Mapping[str, Box], arrows: Sequence[tuple[str, str]], layout: Layout) -> Element:
    width, height = layout.width + 2 * _MARGIN, layout.layers * (_HEIGHT + _BETWEEN) - _BETWEEN + 2 * _MARGIN
    tip = element("path", d="M0 0L8 4L0 8z")
    marker = element("marker", tip, id="tip", viewBox="0 0 8 8", refX="7", refY="4", orient="auto-start-reverse")
    marker.attrib.update(markerWidth="8", markerHeight="8", markerUnits="userSpaceOnUse")
    lines = [
        element(
            "path", d=_path(layout, arrow), marker_end="url(#tip)", class_=f"flow from-{boxes[arrow[0]].kind.value}"
        )
        for arrow in arrows
    ]
    return element(
        "svg",
        element("defs", marker),
        *lines,
        *(_drawn(box, layout.places[key]) for key, box in boxes.items()),
        role="img",
        aria_label="The pipeline as a picture. The table below it says the same.",
        viewBox=f"0 0 {width:.0f} {max(height, 1):.0f}",
        width=f"{width:.0f}",
        height=f"{max(height, 1):.0f}",
        class_="small" if width <= _SMALL else "large",
    )


def _drawn(box: Box, place: Place) -> Element:
    x, y = _MARGIN + place.x, _top(place)
    radius = 5 if box.kind is Kind.NODE else _HEIGHT / 2
    return element(
        "g",
        element("title", shortened(box.title, _LONGEST_TITLE)),
        element(
            "rect",
            x=f"{x - box.width / 2:.1f}",
            y=f"{y:.1f}",
            width=f"{box.width:.1f}",
            height=f"{_HEIGHT:g}",
            rx=f"{radius:g}",
        ),
        element("text", box.label, x=f"{x:.1f}", y=f"{y + _HEIGHT / 2:.1f}"),
        class_=f"box {box.kind.value}",
    )


def _path(layout: Layout, arrow: tuple[str, str]) -> str:
    """Return the way of an arrow: down between layers, and straight past the boxes of a layer."""
    points = list(_points(layout, arrow))
    parts = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for number, ((x, y), (next_x, next_y)) in enumerate(pairwise(points)):
        middle = (y + next_y) / 2
        curve = f"C{x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} {next_y:.1f}"
        parts.append(curve if number % 2 == 0 else f"V{next_y:.1f}")
    return "".join(parts)


def _points(layout: Layout, arrow: tuple[str, str]) -> Iterator[tuple[float, float]]:
    start, end = (layout.places[key] for key in arrow)
    yield _MARGIN + start.x, _top(start) + _HEIGHT
    for bend in layout.bends[arrow]:
        yield _MARGIN + bend.x, _top(bend)
        yield _MARGIN + bend.x, _top(bend) + _HEIGHT
    yield _MARGIN + end.x, _top(end) - 1


def _top(place: Place) -> float:
    return _MARGIN + place.layer * (_HEIGHT + _BETWEEN)
