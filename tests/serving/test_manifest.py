"""Tests of serving.manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
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


UNREADABLE = {
    "missing": None,
    "cut off": "{",
    "a list": "[]",
    "empty": "{}",
    "nothing else": f'{{"format_version": {FORMAT_VERSION}}}',
    "a text as version": f'{{"format_version": "{FORMAT_VERSION}"}}',
    "nested": "[" * 10**5,
    "nested in a key": '{"format_version": 1, "parameters": ' + '{"a":' * 10**5,
    "no text": "\udcff",
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_manifest_is_told(tmp_path: Path, content: str | None) -> None:
    """A package whose manifest is missing or damaged says so."""
    if content is not None:
        (tmp_path / "manifest.json").write_bytes(content.encode("utf-8", "surrogateescape"))

    with pytest.raises(ModelLoadError) as caught:
        read_manifest(tmp_path)

    assert str(caught.value).startswith(f"Cannot load the model in '{tmp_path}': its manifest.json cannot be read (")
    assert str(caught.value).endswith("Log the model again, or fetch its files again.")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
KEYS = sorted(attrs.fields_dict(Manifest))


@given(key=st.sampled_from(KEYS), inner=st.none() | st.integers(0, 20), value=JSON)
def test_whatever_a_manifest_holds_is_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, key: str, inner: int | None, value: Any
) -> None:
    """Any other value in any place of it is what a manifest may hold there, or a ModelLoadError."""
    package = tmp_path_factory.mktemp("package")
    write_manifest(manifest(), package)
    content = json.loads((package / "manifest.json").read_text())
    target, last = content, key
    if inner is not None and content[key] and isinstance(content[key], list) and isinstance(content[key][0], dict):
        target, last = content[key][0], sorted(content[key][0])[inner % len(content[key][0])]
    target[last] = value
    (package / "manifest.json").write_text(json.dumps(content))

    try:
        found = read_manifest(package)
    except ModelLoadError as error:
        assert len(str(error)) < 1000  # noqa: PT017 - either may be
    else:
        assert isinstance(found, Manifest)


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
