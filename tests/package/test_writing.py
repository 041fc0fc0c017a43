"""Tests of package.writing: real packages, loaded by MLflow."""

from __future__ import annotations

import json
import logging
import re
import socket
import subprocess
import warnings
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import mlflow
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro_datasets.pickle import PickleDataset
from mlflow.types.schema import AnyType

from kedro_autolog_pipeline.config.schema import ModelConfig, SignatureConfig, SignatureMode
from kedro_autolog_pipeline.package.contents import Contents, gather_contents
from kedro_autolog_pipeline.package.finished_run import FinishedRun
from kedro_autolog_pipeline.package.sealing import seal_package
from kedro_autolog_pipeline.package.writing import ModelIdentity, amend_package, write_package
from kedro_autolog_pipeline.pairing.pair import resolve_pair
from kedro_autolog_pipeline.rehearsal.comparison import first_difference
from kedro_autolog_pipeline.rehearsal.signature import requiring_all_but
from kedro_autolog_pipeline.run.kedro_run import KedroRun
from kedro_autolog_pipeline.run.record import RunRecord
from kedro_autolog_pipeline.run.saved_state import SavedState
from kedro_autolog_pipeline.run.staging import StagingDirectory
from kedro_autolog_pipeline.serving.copying import CopyMode
from kedro_autolog_pipeline.serving.manifest import read_manifest

TABLE = pd.DataFrame({"x": [1, 2, 3, 4, 5, 6, 7], "label": list("abcabca")})

pytestmark = pytest.mark.usefixtures("clean_mlflow")


def echo(model: Any, *inputs: Any) -> Any:
    """Give back what reached the model; with parameters, those too."""
    del model
    return inputs[0] if len(inputs) == 1 else {"data": inputs[0], "parameters": list(inputs[1:])}


class Custom:
    """Data of the project's own type."""


def contents_of(
    project: Path,
    data: Any,
    *,
    function: Callable[..., Any] = echo,
    parameters: Mapping[str, Any] | None = None,
    **options: Any,
) -> Contents:
    """Gather the contents of a model of one node, whose run held ``data``, or none."""
    project.mkdir(parents=True, exist_ok=True)
    names = list(parameters or {})
    config = ModelConfig("model", "training", "inference", input_name=("instances",), **options)
    training = Pipeline([node(lambda raw: raw, "raw", "model")])
    inference = Pipeline([node(function, ["model", "instances", *names], "predictions", name="predict")])
    model = PickleDataset(filepath=str(project / "model.pkl"))
    model.save({"slope": 2})
    catalog = DataCatalog(
        {
            "model": model,
            **({} if data is None else {"instances": MemoryDataset(data, copy_mode="assign")}),
            "made_up": MemoryDataset(TABLE.assign(x=0)),
            **{name: MemoryDataset(value) for name, value in (parameters or {}).items()},
        }
    )
    pair, mistakes = resolve_pair(config, training, inference, catalog.__contains__)
    assert pair is not None, mistakes
    run = KedroRun("2026-01-01", ("training",), project, False, training, catalog)  # noqa: FBT003 - it has no keywords
    saves = {name: SavedState(None, None, None) for name in training.all_outputs()}
    record = RunRecord("", "2026-01-01", ["training"], None, {}, ["model"], dict(parameters or {}), saves=saves)
    finished = FinishedRun(run, record, StagingDirectory(project / "staging"), takes_unsaved=False, secrets=())
    return gather_contents(pair, finished, project / "staging" / uuid4().hex)


def written(directory: Path, contents: Contents, number: int = 0) -> Path:
    """Write a package."""
    package = directory / f"m-{number}" / "package"
    write_package(package, ModelIdentity(f"m-{number:032x}", f"{number + 7:032x}", "2026-01-01", None), contents)
    return package


def load(package: Path) -> Any:
    """Load a package as MLflow does; what the libraries warn of is not about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mlflow.pyfunc.load_model(str(package))


DATA = {
    "table": TABLE,
    "table with an index": TABLE.set_axis([9, 8, 7, 6, 5, 4, 3]),
    "missing values": TABLE.assign(x=[1.5, None, 2.0, 3.0, None, 1.0, 1.0], label=[None, *"bcabca"]),
    "categories": TABLE.assign(label=pd.Categorical(TABLE["label"])),
    "time zone": TABLE.assign(time=pd.Series(range(7), dtype="datetime64[ns, UTC]")),
    "nullable integers": TABLE.assign(x=pd.array([1, 2, None, 4, 5, 6, 7], dtype="Int64")),
    "small integers": TABLE.assign(x=TABLE["x"].astype("uint8")),
    "MultiIndex columns": TABLE.set_axis(pd.MultiIndex.from_tuples([("a", "x"), ("a", "label")]), axis="columns"),
    "numbered columns": TABLE.set_axis([0, 1], axis="columns"),
    "mixed column": TABLE.assign(label=[1, "a", None, 2.5, "b", 3, 4]),
    "lists in cells": TABLE.assign(tags=[["a"], ["b"], ["a", "b"], [], ["c"], ["d"], ["e"]]),
    "series": TABLE["x"],
    "array": np.eye(7),
    "array of one dimension": np.arange(7),
    "dictionary of arrays": {"a": np.eye(7), "b": np.arange(7)},
    "dictionary of tables": {"a": TABLE, "b": TABLE},
    "dictionary": {"x": 1, "label": "a"},
    "dictionary of lists": {"x": [1, 2], "label": ["a", "b"]},
    "records": [{"x": 1, "label": "a"}, {"x": 2, "label": "b"}],
    "texts": ["one", "two"],
    "text": "one",
    "bytes": b"one",
    "number": 3,
    "tuple": (1, "a"),
    "set": {1, 2},
    "custom object": Custom(),
}


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_data_of_the_run_reaches_the_loaded_model_as_it_is(
    data: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the data, the model has a schema that passes it on unchanged, or none; MLflow says nothing of it."""
    logging.getLogger("mlflow").addHandler(caplog.handler)
    contents = contents_of(tmp_path / "project", data, signature=SignatureConfig(SignatureMode.FULL))
    package = written(tmp_path, contents)
    logging.getLogger("mlflow").removeHandler(caplog.handler)

    reached = load(package).predict(data)

    assert type(data) is type(reached)
    assert isinstance(data, Custom) or first_difference(data, reached) is None
    assert [record for record in caplog.records if record.name.startswith("mlflow")] == []
    inputs = None if contents.signature is None else contents.signature.inputs
    is_typed = inputs is not None and not any(isinstance(kind, AnyType) for kind in inputs.input_types())
    assert is_typed != any("The signature has no outputs" not in note for note in contents.notes)


@pytest.mark.parametrize("kind", ["polars", "lazy", "arrow"])
def test_a_table_of_another_library_is_described_by_its_columns(tmp_path: Path, kind: str) -> None:
    """The pipeline gets what it got in the run, its caller sends and gets tables of pandas'."""
    eager = pl.DataFrame({"x": pl.Series([*range(100), None] * 4, dtype=pl.Int8), "day": [date(2026, 1, 1)] * 404})
    table = {"polars": eager, "lazy": eager.lazy(), "arrow": eager.to_arrow()}[kind]

    def echo(model: Any, table: Any) -> Any:
        assert isinstance(table, {"polars": pl.DataFrame, "lazy": pl.LazyFrame, "arrow": pa.Table}[kind])
        return table

    contents = contents_of(tmp_path / "project", table, function=echo)

    sent = eager[:300].to_pandas()
    assert contents.rehearsal is not None
    assert contents.signature is not None
    assert ["x", "day"] == contents.signature.inputs.input_names() == contents.signature.outputs.input_names()
    pd.testing.assert_frame_equal(sent, contents.rehearsal.model_input)
    pd.testing.assert_frame_equal(sent, load(written(tmp_path, contents)).predict(sent))


def test_what_the_proof_has_shown_is_written_into_the_package(tmp_path: Path) -> None:
    """A column that inference does without is no longer required; copies and notes are in the manifest."""
    contents = contents_of(tmp_path / "project", TABLE, function=lambda model, table: table["x"] * model["slope"])
    package = written(tmp_path, contents)
    with pytest.raises(mlflow.MlflowException, match=r"missing inputs \['label'\]"):
        load(package).predict(TABLE[["x"]])
    assert contents.signature is not None

    signature = requiring_all_but(["label"], contents.signature)
    amend_package(package, signature=signature, copied=["model"], notes=["Seen."], column_types={"x": "int64"})
    seal_package(package)

    model = load(package)
    assert model.predict(TABLE[["x"]]).tolist() == [2, 4, 6, 8, 10, 12, 14]
    assert model.metadata.get_input_schema().input_names() == ["x", "label"]
    with pytest.raises(mlflow.MlflowException, match=r"missing inputs \['x'\]"):
        model.predict(TABLE[["label"]])
    manifest = read_manifest(package)
    assert ({"model": CopyMode.DEEPCOPY}, ["Seen."]) == (manifest.copy_modes, manifest.notes)


def test_no_signature_is_no_signature(tmp_path: Path) -> None:
    """`signature: none` stores none, an example or not."""
    contents = contents_of(
        tmp_path / "project", TABLE, signature=SignatureConfig(SignatureMode.NONE), input_example=True
    )

    assert load(written(tmp_path, contents)).metadata.signature is None


@pytest.mark.parametrize(("wanted", "expected"), [(True, [1, 2, 3, 4, 5]), ("made_up", [0, 0, 0, 0, 0])])
def test_an_input_example_is_five_rows(wanted: bool | str, expected: list[int], tmp_path: Path) -> None:  # noqa: FBT001 - as configured
    """They are the first rows of the input, or of the dataset that is named; the live pipeline is not asked for it."""
    contents = contents_of(tmp_path / "project", TABLE, input_example=wanted)
    package = written(tmp_path, contents)

    example = load(package).input_example
    assert expected == example["x"].tolist()
    assert (package / "serving_input_example.json").is_file()


def test_no_input_example_is_stored_unless_it_is_asked_for(tmp_path: Path) -> None:
    """It may hold personal data."""
    package = written(tmp_path, contents_of(tmp_path / "project", TABLE))
    assert [file.name for file in package.rglob("*input_example*")] == []


@pytest.mark.parametrize("data", [Custom(), {"a": TABLE}], ids=["custom object", "tables"])
def test_an_example_that_cannot_be_stored_is_noted(data: Any, tmp_path: Path) -> None:
    """It does not fail the package."""
    contents = contents_of(tmp_path / "project", data, input_example=True)

    assert contents.input_example is None
    assert "There is no input example: MLflow cannot store it, or the signature does not accept it." in contents.notes


def test_an_example_needs_data(tmp_path: Path) -> None:
    """Where the run held no data for its input, there is no example either."""
    contents = contents_of(tmp_path / "project", None, input_example=True)

    assert contents.input_example is None
    assert contents.notes == (
        "The signature has no inputs: the run held no data for its input.",
        "There is no input example: the run held no data for its input.",
    )


def test_a_value_for_a_parameter_is_for_one_call(tmp_path: Path) -> None:
    """Parameters are typed one by one, `parameters` as a whole works too, and an odd value stays what it was."""
    contents = contents_of(
        tmp_path / "project",
        np.arange(2),
        parameters={"params:depth": 3, "params:none": None, "parameters": {"depth": 3, "model": {"rate": 0.5}}},
    )
    model = load(written(tmp_path, contents))

    def parameters_of(params: dict[str, Any]) -> Any:
        return model.predict(np.arange(2), params=params)["parameters"]

    assert contents.fixed_parameters == ("none",)
    assert parameters_of({"depth": 4}) == [4, None, {"depth": 4, "model": {"rate": 0.5}}]
    whole = {"depth": 5, "model": {"rate": 0.1}}
    assert parameters_of({"parameters": whole}) == [5, None, whole]
    assert parameters_of({}) == [3, None, {"depth": 3, "model": {"rate": 0.5}}]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(values=st.lists(JSON, max_size=3))
def test_plain_parameters_survive_packaging(values: list[Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any JSON-like value is what the loaded model's nodes get, whether or not MLflow has a type for it."""
    directory = tmp_path_factory.mktemp("parameters")
    parameters = {f"params:p{number}": value for number, value in enumerate(values)}
    contents = contents_of(
        directory / "project", np.arange(2), parameters=parameters, function=lambda _, __, *given: {"given": given}
    )

    (given,) = load(written(directory, contents)).predict(np.arange(2)).values()

    assert repr(values) == repr(list(given))


def test_packaging_starts_no_process_and_reaches_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_mlflow: None
) -> None:
    """Neither requirements that MLflow would let pip compare nor a uv project where the process is change that."""
    for name in ("uv.lock", "pyproject.toml", ".python-version"):
        Path(name).write_text("from the project", encoding="utf-8")

    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("It must not do that.")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    contents = contents_of(
        tmp_path / "project", TABLE, extra_pip_requirements=("Kedro>=1", "mlflow[extras]", "numpy<9", "numpy>1")
    )
    package = written(tmp_path, contents)

    requirements = (package / "requirements.txt").read_text().splitlines()
    names = [re.match(r"[\w.-]+", line)[0].lower() for line in requirements]  # type: ignore[index]  # each has a name
    assert len(set(names)) == len(names)
    assert {"Kedro>=1", "numpy<9,>1", f"mlflow[extras]=={mlflow.__version__}"} <= set(requirements)
    assert not {"uv.lock", "pyproject.toml", ".python-version"} & {file.name for file in package.iterdir()}
    assert [entry["requirement"] for entry in json.loads((package / "manifest.json").read_text())["requirements"]] == (
        requirements
    )


def test_each_requirement_is_written_as_it_is(tmp_path: Path) -> None:
    """A pin of any length, with extras or an epoch, and a range are the same in both of MLflow's files."""
    lines = [
        f"mlflow=={mlflow.__version__}",
        *(f"{'long-' * length}name=={'1.' * length}0" for length in range(1, 20)),
        "with[an,extra]==1!2.0",
        "kedro>=1",
    ]
    package = written(tmp_path, contents_of(tmp_path / "project", TABLE, pip_requirements=tuple(lines)))

    assert lines == (package / "requirements.txt").read_text().splitlines()
    conda = yaml.safe_load((package / "conda.yaml").read_text())
    assert lines == conda["dependencies"][-1]["pip"]


def test_files_of_constraints_travel_with_the_model(tmp_path: Path) -> None:
    """Their lines are in one file of the package, which the requirements name in the place of where they were."""
    for number in (1, 2):
        (tmp_path / "project").mkdir(exist_ok=True)
        (tmp_path / "project" / f"limits-{number}.txt").write_text(f"numpy<{number + 8}\n")
    lines = ("-c limits-1.txt", "-c limits-2.txt", "mlflow", "numpy")
    package = written(tmp_path, contents_of(tmp_path / "project", TABLE, pip_requirements=lines))

    expected = ["mlflow", "numpy", "-c constraints.txt"]
    assert expected == (package / "requirements.txt").read_text().splitlines()
    assert expected == yaml.safe_load((package / "conda.yaml").read_text())["dependencies"][-1]["pip"]
    assert ["numpy<9", "numpy<10"] == (package / "constraints.txt").read_text().splitlines()
    manifest = (package / "manifest.json").read_text()
    assert expected == [entry["requirement"] for entry in json.loads(manifest)["requirements"]]
    assert str(tmp_path) not in manifest


def test_mlflow_compares_no_requirement_with_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For that it would read the metadata of everything that is installed here."""

    def refuse() -> None:
        pytest.fail("It must not do that.")

    monkeypatch.setattr("mlflow.utils.requirements_utils._init_packages_to_modules_map", refuse)

    package = written(tmp_path, contents_of(tmp_path / "project", TABLE, extra_pip_requirements=("kedro>=1",)))

    assert "kedro>=1" in (package / "requirements.txt").read_text().splitlines()


def test_the_users_conda_environment_is_the_models(tmp_path: Path) -> None:
    """MLflow keeps it, and makes requirements.txt of its part for pip."""
    environment = {"name": "birds", "dependencies": ["python=3.11", "pip", {"pip": ["scikit-learn==1.5.0"]}]}
    package = written(tmp_path, contents_of(tmp_path / "project", TABLE, conda_env={**environment, "prefix": "/x"}))

    conda = yaml.safe_load((package / "conda.yaml").read_text())
    pip = [f"mlflow=={mlflow.__version__}", "scikit-learn==1.5.0"]
    assert conda == {**environment, "dependencies": ["python=3.11", "pip", {"pip": pip}]}
    assert (package / "requirements.txt").read_text().splitlines() == pip


def test_the_same_model_is_packaged_to_the_same_bytes(tmp_path: Path) -> None:
    """Two packages from the same inputs, made in places of their own, differ in their ids and times alone."""
    made = [
        written(
            tmp_path / place, contents_of(tmp_path / place, TABLE, parameters={"params:b": 1, "params:a": {}}), number
        )
        for number, place in enumerate(("one", "two"))
    ]
    first, second = ({file.relative_to(package): _timeless(file) for file in package.rglob("*")} for package in made)

    assert first == second


def _timeless(file: Path) -> bytes | None:
    """Give the content of a file without ids and times; None for a directory."""
    if file.is_dir():
        return None
    content = file.read_bytes()
    if file.name in {"MLmodel", "manifest.json"}:
        content = re.sub(rb'"MLmodel": \{.*?\}', b"<file with ids and times>", content, flags=re.DOTALL)
        content = re.sub(rb"'?(m-)?[0-9a-f]{32}'?", b"<id>", content)
        content = re.sub(rb"\d{4}-\d\d-\d\d[T ][\d:.+]{8,}", b"<time>", content)
        content = re.sub(rb"model_size_bytes: \d+", b"<size>", content)
    return content


def test_a_path_may_have_spaces_and_letters_of_any_alphabet(tmp_path: Path) -> None:
    """A package that is made and loaded there answers."""
    directory = tmp_path / "Größe und 模型"
    package = written(directory, contents_of(directory / "mein Projekt", TABLE))

    assert load(package).predict(TABLE).equals(TABLE)
