"""Tests of serving.manifest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedro_autolog_pipeline.errors import ModelLoadError
from kedro_autolog_pipeline.serving.manifest import (
    FORMAT_VERSION,
    ArtifactEntry,
    CodeEntry,
    InputEntry,
    Manifest,
    Names,
    NodeEntry,
    Origin,
    Provenance,
    RequirementEntry,
    read_manifest,
    write_manifest,
)

PROVENANCE = Provenance("r", "training", "inference", "k", None, "2026-01-01T00:00:00+00:00", {"python": "3.11"})


def manifest(inputs: Names = "instances", outputs: Names = "predictions") -> Manifest:
    """Give a manifest with an entry of each kind."""
    return Manifest(
        format_version=FORMAT_VERSION,
        name="prices",
        nodes=[NodeEntry("predict", "shop.nodes:predict", is_pickled=False, inputs=inputs, outputs=outputs)],
        inputs=[InputEntry("instances", Origin.REQUEST), InputEntry("model", Origin.TRAINED)],
        outputs=["predictions"],
        parameters={"params:threshold": 0.5, "parameters": {"nested": [1, None, "text"]}},
        artifacts=[
            ArtifactEntry("model", Origin.TRAINED, "artifacts/model/m", {"type": "t"}, 3, "ab", from_this_run=True)
        ],
        requirements=[RequirementEntry("kedro==1.0", ["the model itself"])],
        code=[CodeEntry("shop", "code/shop", ["function of node 'predict'"])],
        notes=["A note."],
        provenance=PROVENANCE,
    )


names = st.text(min_size=1)
forms = st.none() | names | st.lists(names) | st.dictionaries(names, names)


@given(inputs=forms, outputs=forms)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, inputs: Names, outputs: Names) -> None:
    """A manifest survives its file, whatever form its nodes' inputs and outputs have."""
    package = tmp_path_factory.mktemp("package")
    written = manifest(inputs, outputs)

    write_manifest(written, package)

    assert written == read_manifest(package)


def test_the_request_inputs_are_those_given_at_predict_time() -> None:
    """What training, the catalog and the parameters provide is no request."""
    assert manifest().request_inputs == ["instances"]


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"], ids=["missing", "cut off", "a list", "empty"])
def test_an_unreadable_manifest_is_told(tmp_path: Path, content: str | None) -> None:
    """A package whose manifest is missing or damaged says so."""
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)

    with pytest.raises(ModelLoadError) as caught:
        read_manifest(tmp_path)

    assert str(caught.value).startswith(f"Cannot load the model in '{tmp_path}': its manifest.json cannot be read (")
    assert str(caught.value).endswith("Log the model again, or fetch its files again.")


def test_a_newer_format_is_refused_with_what_to_upgrade(tmp_path: Path) -> None:
    """What a newer version of this package wrote is not read by guessing."""
    write_manifest(manifest(), tmp_path)
    content = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**content, "format_version": FORMAT_VERSION + 1}))

    with pytest.raises(ModelLoadError) as caught:
        read_manifest(tmp_path)

    assert str(caught.value) == (
        f"Cannot load the model in '{tmp_path}': it has format version {FORMAT_VERSION + 1}, and this "
        f"kedro-autolog-pipeline reads up to {FORMAT_VERSION}. Upgrade kedro-autolog-pipeline to the version named in "
        "its requirements.txt."
    )
