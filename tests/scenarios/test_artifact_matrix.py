"""What becomes of each kind of dataset in a package, on a real project and real backends."""

from __future__ import annotations

import gzip
import json
import logging
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import mlflow
import pandas as pd
import pytest
from kedro.framework.startup import bootstrap_project
from kedro.runner import AbstractRunner, ParallelRunner, SequentialRunner, ThreadRunner
from mlflow import MlflowClient
from mlflow.entities import LoggedModel

from kedro_project import KedroProject, write_project
from s3_server import SECRET, s3_server

PASSWORD = "database-password-7Gk2"

NODES = '''
import json
from pathlib import Path

import numpy as np
import pandas as pd
from kedro.pipeline import Pipeline, node

TRAINED = [{trained}]
REFERENCES = [{references}]

class Encoder:
    """Neither a frame, an array, nor plain data."""

    def __init__(self, codes):
        self.codes = codes

    def __repr__(self):
        return f"Encoder({{self.codes}})"

def clean(raw):
    return raw.dropna()

def request(table):
    return table.drop(columns="label")

def fit(table):
    mean = float(table["x"].mean())
    values = dict.fromkeys(TRAINED, {{"mean": mean}})
    values["partitions"] = {{"a": {{"mean": mean}}, "b": {{"mean": -mean}}}}
    values["remote_partitions"] = values["partitions"]
    values["counts@csv"] = pd.DataFrame({{"n": [1, 2]}})
    values["memory_frame"] = pd.DataFrame({{"c": pd.Categorical(["u", "v"], ["v", "u"])}}, index=[3, 5])
    values["memory_array"] = np.arange(3, dtype="int16")
    values["memory_object"] = Encoder([1, 2])
    return [values[name] for name in TRAINED]

def weigh(local):
    return local

def intrude(versioned):
    """Another process saves a newer version before the run has ended."""
    folder = Path({path!r}) / "data" / "versioned.json" / "2999-01-01T00.00.00.000Z"
    folder.mkdir(parents=True)
    (folder / "versioned.json").write_text(json.dumps({{"mean": "foreign"}}))

def seen(value):
    if isinstance(value, dict):
        value = {{key: part() if callable(part) else part for key, part in value.items()}}
    if isinstance(value, pd.DataFrame):
        value = (value.to_dict("list"), value.dtypes.astype(str).to_dict(), value.index.tolist())
    return repr(value)

def predict(instances, *artifacts):
    return pd.DataFrame({{"seen": [seen(artifact) for artifact in artifacts]}})
'''

TRAINING = """
from kedro.pipeline import Pipeline, node
from {package}.nodes import TRAINED, fit, intrude, weigh

def create_pipeline(**kwargs):
    weighing = Pipeline([node(weigh, "local", "weights")], namespace="shop", inputs="local")
    return Pipeline([node(fit, "table", TRAINED){intruder}]){weigh}
"""

INFERENCE = """
from kedro.pipeline import Pipeline, node
from {package}.nodes import REFERENCES, TRAINED, predict

READ = {{"counts@csv": "counts@text"}}

def create_pipeline(**kwargs):
    outside = ["instances", *(READ.get(name, name) for name in TRAINED + REFERENCES)]
    predicting = node(predict, [*outside{inside}], "predictions")
    return Pipeline([predicting], namespace="shop", inputs=set(outside), outputs="predictions")
"""

DATASETS = """
from kedro.io import AbstractDataset

class Service(AbstractDataset):
    \"\"\"Loads what a service answers.\"\"\"

    def __init__(self, answer, credentials=None):
        self._answer = answer

    def load(self):
        return self._answer

    def save(self, data):
        raise NotImplementedError

    def _describe(self):
        return {}
"""

JSON = {"type": "json.JSONDataset"}

NAMESPACED = {"shop.weights"}

MEMORY = ["memory_declared", "memory_frame", "memory_array", "memory_object"]


@attrs.frozen
class Packaged:
    """A project that has been run once.

    Attributes:
        project: The project.
        model: Its one logged model.
        path: The model's package in the artifact store.
        manifest: The package's manifest.
        messages: What our package logged.
    """

    project: KedroProject
    model: LoggedModel
    path: Path
    manifest: dict[str, Any]
    messages: list[str]

    def artifact(self, name: str) -> dict[str, Any]:
        """Give the manifest's entry of an artifact."""
        (entry,) = [entry for entry in self.manifest["artifacts"] if entry["name"] == name]
        return dict(entry)

    def file(self, name: str) -> Path:
        """Give the file or directory of an artifact."""
        return self.path / str(self.artifact(name)["path"])

    def seen(self) -> list[str]:
        """Give what the model sees of each artifact, as text."""
        mlflow.set_tracking_uri(f"sqlite:///{self.project.path / 'mlflow.db'}")
        answer = mlflow.pyfunc.load_model(f"models:/{self.model.model_id}").predict(pd.DataFrame({"x": [1]}))
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # None unsets it
        return list(answer["seen"])


class _Messages(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record.getMessage())


def write_matrix(
    directory: Path,
    database: Path,
    trained: dict[str, Any],
    references: dict[str, Any],
    credentials: dict[str, Any] | None = None,
) -> KedroProject:
    """Write a project whose training writes some datasets, and whose inference reads these and others.

    Args:
        directory: Where.
        database: A prepared database of MLflow's.
        trained: Configuration by dataset name; None for a dataset that is not in the catalog.
        references: Configuration by dataset name.
        credentials: The content of credentials.yml.
    """
    project = write_project(directory)
    shutil.copy(database, directory / "mlflow.db")
    project.write(
        "nodes.py",
        NODES.format(
            trained=", ".join(repr(name) for name in trained if name not in NAMESPACED),
            references=", ".join(map(repr, references)),
            path=str(directory),
        ),
    )
    project.write("datasets.py", DATASETS)
    intruder = ', node(intrude, "versioned", None)' if "versioned" in trained else ""
    weigh = " + weighing" if NAMESPACED & trained.keys() else ""
    project.write_pipeline("training", TRAINING.format(package=project.package, intruder=intruder, weigh=weigh))
    inside = ', "weights"' if NAMESPACED & trained.keys() else ""
    project.write_pipeline("inference", INFERENCE.format(package=project.package, inside=inside))
    shop = {
        "raw": {"type": "pandas.CSVDataset", "filepath": "data/raw.csv"},
        "table": {"type": "pandas.CSVDataset", "filepath": "data/table.csv", "save_args": {"index": False}},
        "instances": {"type": "pandas.CSVDataset", "filepath": "data/instances.csv", "save_args": {"index": False}},
    }
    declared = {name: config for name, config in (trained | references).items() if config is not None}
    project.write_config("catalog", shop | declared)
    project.write_config("credentials", credentials or {}, env="local")
    return project


def run(project: KedroProject, **arguments: Any) -> Packaged:
    """Run a project and find its model."""
    messages = _Messages()
    logger = logging.getLogger("kedro_autolog_pipeline")
    logger.addHandler(messages)
    try:
        project.run(**arguments)
    finally:
        logger.removeHandler(messages)
    client = MlflowClient(f"sqlite:///{project.path / 'mlflow.db'}")
    (model,) = client.search_logged_models([each.experiment_id for each in client.search_experiments()])
    assert model.status == "READY"
    assert model.tags["kedro_autolog_pipeline.verification"] == "reproduced"
    path = Path(model.artifact_location.removeprefix("file://"))
    return Packaged(project, model, path, json.loads((path / "manifest.json").read_text()), messages.kept)


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[Packaged]:
    """Give a package with an artifact of every kind."""
    directory = tmp_path_factory.mktemp("matrix") / "shop"
    store = directory / f"shop-{PASSWORD}.db"
    with s3_server() as credentials, pytest.MonkeyPatch.context() as patch:
        trained = {
            "local": {**JSON, "filepath": "data/local.json"},
            "versioned": {**JSON, "filepath": "data/versioned.json", "versioned": True},
            "in_memory_filesystem": {**JSON, "filepath": "memory://shop/model.json"},
            "on_s3": {**JSON, "filepath": "s3://shop/model.json", "versioned": True, "credentials": "s3"},
            "partitions": {
                "type": "partitions.PartitionedDataset",
                "path": "data/partitions",
                "dataset": "json.JSONDataset",
                "filename_suffix": ".json",
            },
            "remote_partitions": {
                "type": "partitions.PartitionedDataset",
                "path": "s3://shop/partitions",
                "dataset": {**JSON, "credentials": "s3"},
                "filename_suffix": ".json",
                "credentials": "s3",
            },
            "cached": {"type": "CachedDataset", "dataset": {**JSON, "filepath": "data/cached.json"}},
            "counts@csv": {
                "type": "pandas.CSVDataset",
                "filepath": "data/counts.csv",
                "save_args": {"index": False},
            },
            "shop.weights": {**JSON, "filepath": "data/weights.json"},
            "made_by_pattern": None,
            "Model": {**JSON, "filepath": "data/upper.json"},
            "model": {**JSON, "filepath": "data/lower.json"},
            "memory_declared": {"type": "MemoryDataset"},
            **dict.fromkeys(MEMORY[1:]),
        }
        references = {
            "table_in_database": {
                "type": "pandas.SQLTableDataset",
                "table_name": "prices",
                "credentials": "database",
            },
            "query": {"type": "pandas.SQLQueryDataset", "filepath": "data/query.sql", "credentials": "database"},
            "increments": {
                "type": "partitions.IncrementalDataset",
                "path": "data/increments",
                "dataset": "json.JSONDataset",
            },
        }
        project = write_matrix(
            directory,
            migrated_database,
            trained,
            references,
            {"s3": credentials, "database": {"con": f"sqlite:///{store}"}},
        )
        catalog = project.path / "conf" / "base" / "catalog.yml"
        catalog.write_text(
            catalog.read_text()
            + f"""
"made_{{how}}":
  type: json.JSONDataset
  filepath: data/made_{{how}}.json
"counts@text":
  type: text.TextDataset
  filepath: data/counts.csv
"service":
  type: {project.package}.datasets.Service
  answer: {{rates: [1, 2]}}
"""
        )
        nodes = project.path / "src" / project.package / "nodes.py"
        nodes.write_text(nodes.read_text().replace("REFERENCES = [", "REFERENCES = ['service', "))
        for year in range(2020, 2025):
            folder = directory / "data" / "versioned.json" / f"{year}-01-01T00.00.00.000Z"
            folder.mkdir(parents=True)
            (folder / "versioned.json").write_text('{"mean": "old"}')
        (directory / "data" / "increments").mkdir()
        (directory / "data" / "increments" / "a.json").write_text("[1]")
        (directory / "data" / "query.sql").write_text("select price * 2 as twice from prices")
        with sqlite3.connect(store) as connection:
            connection.execute("create table prices (price real)")
            connection.execute("insert into prices values (1.5)")
        connection.close()
        patch.chdir(directory)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield run(project)


def test_a_local_file_is_packaged_as_it_is(packaged: Packaged) -> None:
    """The bytes of the file are those in the package."""
    assert (packaged.project.path / "data" / "local.json").read_bytes() == packaged.file("local").read_bytes()


def test_of_a_versioned_dataset_the_one_version_of_this_run_is_packaged(packaged: Packaged) -> None:
    """Of five older versions and a newer foreign one nothing is there; what is, is a plain file."""
    assert packaged.file("versioned").is_file()
    assert json.loads(packaged.file("versioned").read_text()) == {"mean": 9.5}
    assert [packaged.file("versioned")] == list(packaged.file("versioned").parent.rglob("*"))
    assert "versioned" not in packaged.artifact("versioned")["dataset"]


@pytest.mark.parametrize("name", ["in_memory_filesystem", "on_s3", "cached", "shop.weights", "made_by_pattern"])
def test_the_file_is_packaged_wherever_it_is(packaged: Packaged, name: str) -> None:
    """Another file system, a cache, a namespace or a pattern make no difference."""
    assert json.loads(packaged.file(name).read_text()) == {"mean": 9.5}
    assert packaged.artifact(name)["dataset"]["type"] == "kedro_datasets.json.json_dataset.JSONDataset"


@pytest.mark.parametrize("name", ["partitions", "remote_partitions"])
def test_a_partitioned_dataset_is_its_directory(packaged: Packaged, name: str) -> None:
    """Each partition is there, and the configuration says nothing of how to get to it elsewhere."""
    files = sorted(packaged.file(name).iterdir())
    assert [json.loads(file.read_text()) for file in files] == [{"mean": 9.5}, {"mean": -9.5}]
    assert packaged.artifact(name)["argument"] == "path"
    assert packaged.artifact(name)["dataset"] == {
        "type": "kedro_datasets.partitions.partitioned_dataset.PartitionedDataset",
        "dataset": {"type": "kedro_datasets.json.json_dataset.JSONDataset"},
        "filename_suffix": ".json",
    }


def test_an_incremental_dataset_is_its_directory(packaged: Packaged) -> None:
    """What was not confirmed yet is still to come for the model, too."""
    assert [path.name for path in packaged.file("increments").iterdir()] == ["a.json"]


def test_a_transcoded_dataset_is_read_as_inference_reads_it(packaged: Packaged) -> None:
    """Training writes a table, inference reads text: the file of the one, the type of the other."""
    artifact = packaged.artifact("counts@text")
    assert packaged.file("counts@text").read_text() == "n\n1\n2\n"
    assert artifact["dataset"] == {"type": "kedro_datasets.text.text_dataset.TextDataset"}
    assert artifact["from_this_run"]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("table_in_database", "parquet"),
        ("query", "parquet"),
        ("service", "json"),
        ("memory_declared", "json"),
        ("memory_frame", "parquet"),
        ("memory_array", "npy"),
        ("memory_object", "pkl"),
    ],
)
def test_what_has_no_file_is_packaged_as_a_snapshot(packaged: Packaged, name: str, form: str) -> None:
    """A database, a service, and what the run only had in memory are kept in the plainest format that holds them."""
    artifact = packaged.artifact(name)
    assert artifact["snapshot"] == form
    assert artifact["path"] == f"artifacts/{name}/snapshot.{form}"
    assert artifact["dataset"] == {}
    assert artifact["from_this_run"] == name.startswith("memory")


def test_a_pickled_snapshot_is_named(packaged: Packaged) -> None:
    """One INFO names the object that no plain format holds."""
    assert [message for message in packaged.messages if "is pickled" in message] == [
        "'memory_object' is pickled: it has no file to copy, and no plain format holds this Encoder."
    ]


def test_names_that_differ_in_case_alone_have_directories_that_differ_in_more(packaged: Packaged) -> None:
    """On a file system that knows no upper case, one does not replace the other."""
    assert packaged.artifact("model")["path"] == "artifacts/model/lower.json"
    assert packaged.artifact("Model")["path"] == "artifacts/~4dodel/upper.json"


@pytest.mark.filterwarnings("ignore:One or more dataset names contain:UserWarning")
def test_the_model_sees_what_the_run_left(packaged: Packaged) -> None:
    """Every artifact comes back equal, in a process where there is neither the server nor the run."""
    mean = repr({"mean": 9.5})
    parts = repr({"a": {"mean": 9.5}, "b": {"mean": -9.5}})
    expected = {
        "partitions": parts,
        "remote_partitions": parts,
        "counts@csv": repr("n\n1\n2\n"),
        "memory_frame": repr(({"c": ["u", "v"]}, {"c": "category"}, [3, 5])),
        "memory_array": "array([0, 1, 2], dtype=int16)",
        "memory_object": "Encoder([1, 2])",
    }
    seen = packaged.seen()
    assert mean in seen
    assert set(seen) == {
        mean,
        *expected.values(),
        repr({"rates": [1, 2]}),
        repr(({"price": [1.5]}, {"price": "float64"}, [0])),
        repr(({"twice": [3.0]}, {"twice": "float64"}, [0])),
        repr({"a.json": [1]}),
    }


def test_no_secret_and_no_path_of_this_machine_is_in_the_package(packaged: Packaged) -> None:
    """Neither the S3 credential nor the database's password is in any byte, compressed members included."""
    sought = [SECRET, PASSWORD, "AKIAIOSFODNN7EXAMPLE", str(packaged.project.path)]
    found = [
        (path.relative_to(packaged.path).as_posix(), secret)
        for path in packaged.path.rglob("*")
        # What another test has loaded from here, Python has compiled here.
        if path.is_file() and path.parent.name != "__pycache__"
        for content in contents_of(path)
        for secret in sought
        if secret.encode() in content
    ]
    nodes = f"code/{packaged.project.package}/nodes.py"  # this project's own code names the path
    assert [each for each in found if each[0] != nodes] == []


def contents_of(path: Path) -> Iterator[bytes]:
    """Give the bytes of a file, and those that are compressed in it."""
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    if path.suffix == ".gz":
        yield gzip.decompress(path.read_bytes())
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
        yield f"{frame.to_dict()} {frame.attrs}".encode()


@pytest.mark.parametrize("runner", [SequentialRunner, ThreadRunner, ParallelRunner])
def test_what_nobody_declared_survives_every_runner(
    tmp_path: Path, migrated_database: Path, clean_mlflow: None, runner: type[AbstractRunner]
) -> None:
    """Kedro releases what was read for the last time: the model has it all the same, and its request's sample."""
    project = write_matrix(tmp_path / "shop", migrated_database, dict.fromkeys(MEMORY), {})
    catalog = project.path / "conf" / "base" / "catalog.yml"
    catalog.write_text("raw:\n  type: pandas.CSVDataset\n  filepath: data/raw.csv\n")
    nodes = project.path / "src" / project.package / "pipelines" / "training" / "__init__.py"
    nodes.write_text(
        nodes.read_text().replace(
            "TRAINED)]", 'TRAINED), node(repr, "memory_object", "text"), node(len, "instances", "number")]'
        )
    )
    # ParallelRunner starts a process at once, which must find the project.
    bootstrap_project(project.path)

    packaged = run(project, runner=runner())

    assert packaged.seen() == [
        repr({"mean": 9.5}),
        repr(({"c": ["u", "v"]}, {"c": "category"}, [3, 5])),
        "array([0, 1, 2], dtype=int16)",
        "Encoder([1, 2])",
    ]
    assert packaged.manifest["notes"] == []


def test_of_a_reference_the_version_that_the_run_loads_is_packaged(
    tmp_path: Path, migrated_database: Path, clean_mlflow: None
) -> None:
    """`--load-versions` names an older version: training and the model read that one."""
    reference = {**JSON, "filepath": "data/words.json", "versioned": True}
    project = write_matrix(tmp_path / "shop", migrated_database, {"local": None}, {"words": reference})
    for year in (2024, 2025, 2026):
        folder = project.path / "data" / "words.json" / f"{year}-01-01T00.00.00.000Z"
        folder.mkdir(parents=True)
        (folder / "words.json").write_text(f"[{year}]")

    packaged = run(project, load_versions={"words": "2025-01-01T00.00.00.000Z"})

    assert json.loads(packaged.file("words").read_text()) == [2025]
