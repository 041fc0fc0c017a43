"""Tests of card.picture."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from kedro_autolog_pipeline.card.picture import MOST_INPUTS, MOST_NODES, Kind, draw_pipeline
from kedro_autolog_pipeline.serving.manifest import InputEntry, Manifest, NodeEntry, Origin
from model_package import PROVENANCE


def manifest_of(nodes: list[NodeEntry], inputs: list[InputEntry], outputs: list[str]) -> Manifest:
    """Make the manifest of a package with these nodes."""
    return Manifest(2, "prices", nodes, inputs, outputs, {}, [], [], [], [], PROVENANCE)


def boxes(svg: Element) -> dict[str, str]:
    """Give the kind of each box by what is written in it."""
    return {f"{box.findtext('text')}": box.attrib["class"].removeprefix("box ") for box in svg.iter("g")}


def arrows(svg: Element) -> list[Element]:
    """Give the arrows."""
    return [path for path in svg.iter("path") if path.get("class", "").startswith("flow")]


def test_data_flow_from_every_origin_through_the_nodes_to_the_outputs() -> None:
    """Each dataset is one box, under whatever transcoding suffix; each reading and writing is one arrow."""
    manifest = manifest_of(
        [
            NodeEntry(
                "scale", "m:scale", is_pickled=False, inputs=["rows", "scaler@pickle", "words"], outputs="scaled"
            ),
            NodeEntry("ask", "m:ask", is_pickled=False, inputs={"x": "scaled", "t": "params:t"}, outputs=["answer"]),
        ],
        [
            InputEntry("rows", Origin.REQUEST),
            InputEntry("scaler@pickle", Origin.TRAINED),
            InputEntry("words", Origin.REFERENCE),
            InputEntry("params:t", Origin.PARAMETER),
        ],
        ["answer"],
    )

    picture = draw_pipeline(manifest)

    assert {
        "rows": "request",
        "scaler": "artifact",
        "words": "artifact",
        "params:t": "parameter",
        "scale": "node",
        "scaled": "dataset",
        "ask": "node",
        "answer": "output",
    } == boxes(picture.svg)
    assert 7 == len(arrows(picture.svg))
    assert set(Kind) == picture.kinds
    assert picture.left_out is None


def test_a_large_pipeline_is_cut_and_says_so() -> None:
    """The first nodes are drawn."""
    nodes = [NodeEntry(f"n{i}", "m:f", is_pickled=False, inputs=f"d{i}", outputs=f"d{i + 1}") for i in range(40)]

    picture = draw_pipeline(manifest_of(nodes, [InputEntry("d0", Origin.REQUEST)], ["d40"]))

    assert MOST_NODES == list(boxes(picture.svg).values()).count("node")
    assert f"The picture shows the first {MOST_NODES} of 40 nodes." == picture.left_out


def test_many_inputs_of_one_node_share_a_box() -> None:
    """Unless another node reads them too; what is in it is said where a pointer rests on it."""
    names = [f"a{i}" for i in range(20)]
    manifest = manifest_of(
        [
            NodeEntry("first", "m:f", is_pickled=False, inputs=names, outputs="x"),
            NodeEntry("second", "m:f", is_pickled=False, inputs=["x", "a19"], outputs=None),
        ],
        [InputEntry(name, Origin.TRAINED) for name in names],
        [],
    )

    svg = draw_pipeline(manifest).svg

    drawn = boxes(svg)
    assert {*names[:MOST_INPUTS], "a19", f"{19 - MOST_INPUTS} more artifacts"} == {
        name for name, kind in drawn.items() if kind == "artifact"
    }
    assert any("a4, a5" in f"{title.text}" for title in svg.iter("title"))


def test_boxes_have_room_for_their_names() -> None:
    """A long one is shortened, and the letters of some languages are twice as wide."""

    def width(name: str) -> float:
        node = NodeEntry(name, "m:f", is_pickled=False, inputs=None, outputs=None)
        (rect,) = draw_pipeline(manifest_of([node], [], [])).svg.iter("rect")
        return float(rect.attrib["width"])

    assert width("x" * 27) == width("x" * 2700) == width("x" * 26)
    assert width("価" * 10) == width("x" * 20)
