"""Files that are rewritten in place come in, a logged model whose bytes stay as they were proven goes out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from kedro_autolog_pipeline.run import early_copies
from kedro_project import CATALOG, INFERENCE, KedroProject, training_until_a_copy_is_begun

# What follows the end of a pickle is not read.
REWRITE = """
from pathlib import Path

def rewrite(folder):
    for file in Path(folder).rglob("*.pkl"):
        if file.is_file():
            with file.open("ab") as stream:
                stream.write(b"more")
"""


def digests(client: MlflowClient) -> list[tuple[str, str]]:
    """Give, of each artifact of each model of a store, the digest in its manifest and that of its bytes."""
    models = client.search_logged_models([each.experiment_id for each in client.search_experiments()])
    packages = [Path(model.artifact_location.removeprefix("file://")) for model in models]
    return [
        (entry["sha256"], hashlib.sha256((package / entry["path"]).read_bytes()).hexdigest())
        for package in packages
        for entry in json.loads((package / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    ]


@pytest.mark.parametrize("versioned", [False, True], ids=["one file", "versions"])
def test_what_is_rewritten_in_place_afterwards_does_not_reach_a_model(
    project: KedroProject, client: MlflowClient, *, versioned: bool
) -> None:
    """Neither by hand, nor by the next run."""
    project.write_config("catalog", {**CATALOG, "scaler": {**CATALOG["scaler"], "versioned": versioned}})
    project.run()
    for file in (project.path / "data").rglob("*.pkl"):
        if file.is_file():
            with file.open("r+b") as stream:
                stream.write(b"rewritten")

    project.run()

    assert 4 == len(digests(client))
    assert all(manifest == stored for manifest, stored in digests(client))


@pytest.mark.parametrize("versioned", [False, True], ids=["one file", "versions"])
def test_what_is_rewritten_in_place_while_it_is_packaged_does_not_reach_the_model(
    project: KedroProject, client: MlflowClient, *, versioned: bool
) -> None:
    """The model holds what was staged and proven, whatever somebody does to the run's own file in the meantime."""
    project.write_config("catalog", {**CATALOG, "scaler": {**CATALOG["scaler"], "versioned": versioned}})
    # The signature is inferred when the artifacts are staged, and before they are uploaded.
    rewriting = f"def scale(instances, scaler):\n    rewrite({str(project.path / 'data')!r})\n"
    project.write_pipeline("inference", REWRITE + INFERENCE.replace("def scale(instances, scaler):\n", rewriting))
    project.write_models({"prices": {"training": "training", "inference": "inference", "input_name": "instances"}})

    project.run(pipelines=["data_processing"])
    project.run(pipelines=["training"])

    assert 2 == len(digests(client))
    assert all(manifest == stored for manifest, stored in digests(client))


def test_a_large_file_is_copied_while_the_training_goes_on(
    project: KedroProject, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is there before the next node ends, holds what was saved, and is gone when that is stored."""
    monkeypatch.setattr(early_copies, "LARGE", 1)
    staging = project.path / ".autolog_pipeline"
    project.write_pipeline("training", training_until_a_copy_is_begun(project))

    project.run()

    assert 2 == len(digests(client))
    assert all(manifest == stored for manifest, stored in digests(client))
    assert {".gitignore", "written"} == {path.name for path in staging.iterdir()}
