"""What a run has saved is what is packaged, whoever else writes to the same place, on a real project."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.core import url_to_fs
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog
from kedro.runner import AbstractRunner, ParallelRunner, SequentialRunner, ThreadRunner
from kedro_datasets.json import JSONDataset
from kedro_datasets.partitions import PartitionedDataset
from mlflow import MlflowClient

from kedro_autolog_pipeline.errors import NotPackagedError
from kedro_autolog_pipeline.lifecycle.repackaging import Request, repackage
from kedro_autolog_pipeline.run.early_copies import NO_EARLY_COPIES
from kedro_autolog_pipeline.run.journal import Journal
from kedro_autolog_pipeline.run.saved_state import how_changed
from kedro_autolog_pipeline.run.saves import SaveNotes, tap_saves
from kedro_autolog_pipeline.run.writers import WriterNotes
from kedro_autolog_pipeline.serving.manifest import WritingRun
from kedro_project import CATALOG, INFERENCE, KEDRO_VERSION, MODEL, TRAINING, KedroProject
from mlflow_store import models
from s3_server import s3_server

INTRUDER = """
import pickle
import fsspec

def intrude(table, scaler, model):
    \"\"\"Write what another run would, when no node of this one is to read the model any more.\"\"\"
    evaluate(table, scaler, model)
    with fsspec.open({url!r}, "wb", **{options!r}) as stream:
        pickle.dump({{"slope": -1.0}}, stream)
"""

FOREIGN = {"slope": -1.0}

RUN = WritingRun("4f1d03ab", "2026-11-26T10:00:00+00:00")


def write(project: KedroProject, model: dict[str, Any], url: str, **options: Any) -> None:
    """Write the project with this entry of its catalog, and a last node that writes to ``url``."""
    intruder = INTRUDER.format(url=url, options=options)
    project.write_pipeline("training", intruder + TRAINING.replace("node(evaluate", "node(intrude"))
    project.write_config("catalog", {**CATALOG, "model": model})
    project.write_models({"prices": {**MODEL, "verify": False}})
    # ParallelRunner starts a process at once, which must find the project.
    bootstrap_project(project.path)


RUNNERS: dict[str, Callable[[], AbstractRunner]] = {
    "SequentialRunner": SequentialRunner,
    "SequentialRunner async": lambda: SequentialRunner(is_async=True),
    "ThreadRunner": ThreadRunner,
    "ParallelRunner": ParallelRunner,
}


@pytest.mark.parametrize("name", RUNNERS)
def test_what_another_run_wrote_is_not_packaged(project: KedroProject, client: MlflowClient, name: str) -> None:
    """The error names the dataset, its file and what happened to it; the model is FAILED, its run FINISHED."""
    file = project.path / "data" / "model.pkl"
    write(project, {"type": "pickle.PickleDataset", "filepath": "data/model.pkl"}, str(file))
    runner = RUNNERS[name]()

    with pytest.raises(NotPackagedError) as raised:
        project.run(runner=runner)

    assert FOREIGN == pickle.loads(file.read_bytes())
    cause = raised.value.failures["prices"].removeprefix("Cannot package 'prices': ")
    assert cause.startswith(f"'model' is no longer what this run saved: '{file}' was written again at ")
    assert cause.endswith("Version the dataset, or give each run a path of its own, and run again.")
    (model,) = models(client)
    assert "FAILED" == model.status
    assert "FINISHED" == client.get_run(model.source_run_id or "").info.status


def test_of_a_versioned_dataset_the_runs_own_version_is_packaged(project: KedroProject, client: MlflowClient) -> None:
    """A newer version of another run does it no harm, although Kedro would load that one."""
    url = str(project.path / "data" / "model.pkl" / "2999-01-01T00.00.00.000Z" / "model.pkl")
    Path(url).parent.mkdir(parents=True)
    write(project, {"type": "pickle.PickleDataset", "filepath": "data/model.pkl", "versioned": True}, url)

    project.run()

    (model,) = models(client)
    assert "READY" == model.status
    package = Path(model.artifact_location.removeprefix("file://"))
    (entry,) = [
        entry for entry in json.loads((package / "manifest.json").read_text())["artifacts"] if entry["name"] == "model"
    ]
    assert FOREIGN != pickle.loads((package / entry["path"]).read_bytes())


@pytest.fixture
def s3() -> Iterator[dict[str, Any]]:
    """Give credentials of an S3 server of the test's own."""
    with s3_server() as credentials:
        yield credentials


def test_an_object_that_another_run_wrote_is_not_packaged(
    project: KedroProject, client: MlflowClient, s3: dict[str, Any]
) -> None:
    """A store that keeps no times of ours is asked for its tag, and not what it has answered before."""
    url = "s3://shop/model.pkl"
    project.write_config("credentials", {"key": s3}, env="local")
    write(
        project,
        {"type": "pickle.PickleDataset", "filepath": url, "credentials": "key"},
        url,
        skip_instance_cache=True,
        **s3,
    )

    with pytest.raises(NotPackagedError, match=r"'model' is no longer what this run saved: 'shop/model\.pkl' "):
        project.run()

    (model,) = models(client)
    assert "FAILED" == model.status


def test_a_partition_that_another_run_wrote_is_seen(tmp_path: Path, s3: dict[str, Any]) -> None:
    """A directory of a store is compared as it is now; others whose names begin likewise are none of it."""
    parts = PartitionedDataset(path="s3://shop/parts", dataset=JSONDataset, credentials=s3, filename_suffix=".json")
    tap_saves(
        ["parts"],
        DataCatalog({"parts": parts}),
        SaveNotes(
            Journal(tmp_path / "journal"), tmp_path / "saving", NO_EARLY_COPIES, WriterNotes(tmp_path / "written"), RUN
        ),
    )
    parts.save({"a": [1], "deep/b": [2]})
    state = Journal(tmp_path / "journal").read().saves["parts"]
    filesystem, _ = url_to_fs("s3://shop", **s3)
    stranger, _ = url_to_fs("s3://shop", skip_instance_cache=True, **s3)
    stranger.pipe("shop/parts_of_another/c.json", b"[3]")

    assert ["a.json", "deep/b.json"] == sorted(state.files or {})
    assert how_changed(state, filesystem) is None
    stranger.pipe("shop/parts/deep/b.json", b"[\n  3\n]")
    assert "has changed: 'deep/b.json' was written again" == how_changed(state, filesystem)


def test_a_dataset_that_its_node_gave_nothing_for_is_not_packaged(project: KedroProject, client: MlflowClient) -> None:
    """A node without a single chunk leaves what an earlier run had saved."""
    fit_model = "def fit_model(table, scaler, factor):\n"
    write(project, CATALOG["scaler"] | {"filepath": "data/model.pkl"}, str(project.path / "data" / "other.pkl"))
    (project.path / "data" / "model.pkl").write_bytes(pickle.dumps(FOREIGN))
    project.write_pipeline("training", TRAINING.replace(fit_model, f"{fit_model}    yield from ()\n"))

    with pytest.raises(NotPackagedError, match=r"this run was not seen to save 'model': its node gave no data"):
        project.run()

    (model,) = models(client)
    assert "FAILED" == model.status


def test_a_reference_that_the_run_wrote_is_its_own(project: KedroProject, client: MlflowClient) -> None:
    """What another pipeline of the run has saved is of this run, too."""
    project.write_pipeline(
        "inference",
        INFERENCE.replace("(instances, scaler)", "(instances, scaler, table)").replace(
            '["instances", "scaler"]', '["instances", "scaler", "table"]'
        ),
    )
    project.write_models({"prices": {**MODEL, "verify": False}})

    project.run()

    (model,) = models(client)
    package = Path(model.artifact_location.removeprefix("file://"))
    artifacts = json.loads((package / "manifest.json").read_text())["artifacts"]
    assert {"model": "trained", "scaler": "trained", "table": "reference"} == {
        entry["name"]: entry["origin"] for entry in artifacts
    }
    assert all(entry["from_this_run"] for entry in artifacts)


HALVES = """
import json
import os
import subprocess
import sys
from pathlib import Path

from kedro.io import AbstractDataset

class HalvesDataset(AbstractDataset):
    \"\"\"Saves in two halves, between which another training may run.\"\"\"

    def __init__(self, filepath):
        self._filepath = Path(filepath)

    def _describe(self):
        return {}

    def load(self):
        return json.loads(self._filepath.read_text())

    def save(self, data):
        content = json.dumps(data)
        with self._filepath.open("w") as stream:
            stream.write(content[: len(content) // 2])
            stream.flush()
            between = os.environ.pop("BETWEEN_HALVES", None)
            if between:
                subprocess.run(between, check=True, shell=True)
            stream.write(content[len(content) // 2 :])
"""


@pytest.mark.parametrize("is_chunked", [False, True], ids=["within a save", "between two chunks"])
def test_a_mixture_of_what_two_runs_have_saved_is_not_packaged(
    project: KedroProject, client: MlflowClient, monkeypatch: pytest.MonkeyPatch, *, is_chunked: bool
) -> None:
    """A file of which another training has written a part is nobody's, although it looks whole."""
    project.write("halves.py", HALVES)
    project.write_config(
        "catalog", {**CATALOG, "model": {"type": f"{project.package}.halves.HalvesDataset", "filepath": "data/m.json"}}
    )
    other = f"{sys.executable} -c \"from pathlib import Path; Path('data/m.json').write_text('0')\""
    if is_chunked:
        fit = TRAINING.replace(
            '    return {"slope": factor',
            '    import os\n    yield {"slope": 0.0}\n    os.system(os.environ["BETWEEN"])\n    yield {"slope": factor',
        )
        # Before anything runs: Kedro 1.0 imports each pipeline for the first.
        project.write_pipeline("training", fit)
        monkeypatch.setenv("BETWEEN", other)
    else:
        option = "--pipelines" if KEDRO_VERSION >= (1, 2) else "--pipeline"
        monkeypatch.setenv("BETWEEN_HALVES", f"{sys.executable} -m kedro run {option} training || true")
    project.run(pipelines=["data_processing"])

    with pytest.raises(
        NotPackagedError, match=r"'model' is no longer what this run saved: .* was saved to by another run"
    ):
        project.run(pipelines=["training"])

    assert "READY" not in [model.status for model in models(client)]


CACHE = """
from kedro_datasets.json import JSONDataset

class CachedDataset(JSONDataset):
    \"\"\"Loading it writes to its own file, as a download does.\"\"\"

    def load(self):
        data = super().load()
        with open(self._filepath, "w") as stream:
            stream.write('{"slope":    %s}' % data["slope"])
        return data
"""


def test_a_dataset_whose_load_writes_to_its_own_file_is_packaged(project: KedroProject, client: MlflowClient) -> None:
    """It is the run itself that has written to the file, be it for a node or for another model."""
    project.write("cache.py", CACHE)
    project.write_config(
        "catalog", {**CATALOG, "model": {"type": f"{project.package}.cache.CachedDataset", "filepath": "data/m.json"}}
    )
    project.write_models({"prices": MODEL, "others": MODEL})

    project.run()

    assert ["READY", "READY"] == [model.status for model in models(client)]


ENCODING = """
from kedro.pipeline import Pipeline, node

def encode(factor):
    return {"slope": factor}

def create_pipeline(**kwargs):
    return Pipeline([node(encode, "params:training.factor", "encoder")])
"""


def with_encoder(project: KedroProject) -> None:
    """Write an inference pipeline that reads what a pipeline of its own has saved."""
    project.write_pipeline("encoding", ENCODING)
    project.write_config("catalog", {**CATALOG, "encoder": {**CATALOG["scaler"], "filepath": "data/encoder.pkl"}})
    project.write_pipeline(
        "inference",
        INFERENCE.replace("(scaled, model, offset)", "(scaled, model, offset, encoder)").replace(
            '"params:offset"]', '"params:offset", "encoder"]'
        ),
    )
    project.run(pipelines=["data_processing"])
    project.run(pipelines=["encoding"])


def test_a_reference_that_another_run_has_written_since_is_not_packaged_again(
    project: KedroProject, client: MlflowClient
) -> None:
    """A run's model is packaged once more of what it was packaged of, or not at all."""
    with_encoder(project)
    project.run(pipelines=["training"])
    (first,) = models(client)
    request = Request(str(first.source_run_id), project.path, models=("prices",))

    same = repackage(request)
    project.run(pipelines=["encoding"], runtime_params={"training": {"factor": 5.0}})
    other = repackage(request)

    assert same.failure is None
    assert other.failure is not None
    assert "'encoder' is not what run '" in str(other.failure)
    assert f"is not what run '{first.source_run_id}' was packaged with before" in str(other.failure)


def test_a_reference_that_is_written_while_a_run_trains_is_not_packaged(
    project: KedroProject, client: MlflowClient
) -> None:
    """The error names it, and what happened to it since the run began."""
    intruder = INTRUDER.format(url=str(project.path / "data" / "encoder.pkl"), options={})
    project.write_pipeline("training", intruder + TRAINING.replace("node(evaluate", "node(intrude"))
    with_encoder(project)

    with pytest.raises(NotPackagedError, match=r"'encoder' is no longer what this run read: .*encoder\.pkl' "):
        project.run(pipelines=["training"])

    assert ["FAILED"] == [model.status for model in models(client)]
