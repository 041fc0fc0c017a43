"""Tests of by_hand: what is made of a live pipeline and its catalog, and what its pickle holds."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import pickle
import textwrap
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle
import polars as pl
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline import KedroPipelineModel, log_pipeline
from kedro_autolog_pipeline.errors import ModelDefinitionError, ModelLoadError, PackagingError
from kedro_autolog_pipeline.serving.inference_pipeline import InferencePipeline
from kedro_autolog_pipeline.serving.manifest import FORMAT_VERSION
from kedro_autolog_pipeline.serving.model import PickledPipelineModel, restore_pickled_model
from kedro_project import KEDRO_VERSION

OFFSET = 3
SHIFT = lambda y: y + OFFSET  # noqa: E731 - a function without an import path is what is tested

PIPELINE = Pipeline(
    [
        node(lambda x, scaler, factor: factor * (x - scaler["mean"]), ["x", "scaler", "params:factor"], "scaled"),
        node(SHIFT, "scaled", "y"),
    ]
)


POLARS = Pipeline([node(lambda x: x.with_columns(pl.col("x") * 2), "x", "y")])


@pytest.fixture
def catalog(tmp_path: Path) -> DataCatalog:
    """Return a catalog as Kedro makes it, with a secret in it."""
    (tmp_path / "scaler.json").write_text(json.dumps({"mean": 10}))
    made = DataCatalog.from_config(
        {
            "scaler": {"type": "json.JSONDataset", "filepath": f"{tmp_path}/scaler.json", "credentials": "key"},
            "x": {"type": "json.JSONDataset", "filepath": f"{tmp_path}/x.json"},
            "unwritten": {"type": "json.JSONDataset", "filepath": f"{tmp_path}/unwritten.json"},
            "memory": {"type": "MemoryDataset"},
        },
        credentials={"key": {"skip_instance_cache": "SECRET"}},
    )
    made["params:factor"] = MemoryDataset(2.0)
    return made


def predict(model: PickledPipelineModel, data: Any, artifacts: dict[str, str]) -> Any:
    """Load a model as MLflow does, and call it."""
    context: Any = SimpleNamespace(artifacts=artifacts)
    model.load_context(context)
    return model.predict(context, data)


def test_a_model_by_hand_predicts_and_survives_its_pickle(catalog: DataCatalog, tmp_path: Path) -> None:
    """What cloudpickle gives back answers as the model did, from artifacts that are elsewhere by then."""
    model = KedroPipelineModel(pipeline=PIPELINE, catalog=catalog, input_name="x")
    artifacts = model.extract_pipeline_artifacts()
    assert {"scaler": f"{tmp_path}/scaler.json"} == artifacts
    assert 23.0 == predict(model, 20, artifacts)
    moved = tmp_path / "elsewhere.json"
    Path(artifacts["scaler"]).rename(moved)

    restored = pickle.loads(cloudpickle.dumps(model))

    assert type(restored) is PickledPipelineModel
    assert 23.0 == predict(restored, 20, {"scaler": str(moved)})


def test_the_pickle_holds_no_catalog_secret_or_path(catalog: DataCatalog, tmp_path: Path) -> None:
    """A model that was pickled, also after it has loaded and predicted, holds functions and plain data."""
    model = KedroPipelineModel(pipeline=PIPELINE, catalog=catalog, input_name="x")
    predict(model, 20, model.extract_pipeline_artifacts())

    pickled = cloudpickle.dumps(model)

    # Where our own code is would be in it with that code, which another version of Python cannot run.
    own = inspect.getfile(PickledPipelineModel)
    for secret in ("SECRET", str(tmp_path), "DataCatalog", "credentials", own):
        assert secret.encode() not in pickled


@pytest.mark.skipif(KEDRO_VERSION < (1, 6), reason="This Kedro has no validators.")
def test_a_model_by_hand_validates_what_its_nodes_hand_on(catalog: DataCatalog) -> None:
    """A validator of the catalog is applied where it saves, and after a pickle too."""
    entry = {"type": "MemoryDataset", "validator": {"class": "builtins.abs", "on": ["save"]}}
    validating = DataCatalog.from_config({"scaled": entry})
    for name in ("x", "scaler", "params:factor"):
        validating[name] = catalog[name]
    model = KedroPipelineModel(pipeline=PIPELINE, catalog=validating, input_name="x")
    artifacts = model.extract_pipeline_artifacts()

    assert 23.0 == predict(model, 0, artifacts)
    assert 23.0 == predict(pickle.loads(cloudpickle.dumps(model)), 0, artifacts)


def test_parameters_are_kept_as_values(catalog: DataCatalog) -> None:
    """What JSON cannot hold is kept too, since the model is pickled; a type that Kedro made is made anew."""

    @dataclass
    class Options:
        depth: int

    day = dt.date(2026, 1, 1)
    values = {"day": day, "options": Options(3), "nested": {"options": Options(4)}}
    for name, value in values.items():
        catalog[f"params:{name}"] = MemoryDataset(value)
    read = [f"params:{name}" for name in values]
    pipeline = Pipeline([node(lambda *given: given[1:], ["x", *read], "y")])

    model = KedroPipelineModel(pipeline=pipeline, catalog=catalog, input_name="x")

    assert (day, {"depth": 3}, {"options": {"depth": 4}}) == predict(model, 1, {})


@pytest.mark.skipif(KEDRO_VERSION < (1, 3), reason="This Kedro has no typed parameters.")
def test_a_pydantic_parameter_is_made_anew(catalog: DataCatalog) -> None:
    """A node that asks for a pydantic model gets one, of the values that the catalog's had."""
    pydantic = pytest.importorskip("pydantic")
    options = pydantic.create_model("Options", depth=(int, ...))

    def depth(x: int, options: Any) -> Any:
        return options

    depth.__annotations__["options"] = options
    catalog["params:options"] = MemoryDataset(options(depth=3))
    pipeline = Pipeline([node(depth, ["x", "params:options"], "y")])

    assert options(depth=3) == predict(KedroPipelineModel(pipeline, catalog, "x"), 1, {})


def test_several_inputs_are_a_list(catalog: DataCatalog) -> None:
    """With a list, also of one, the request has these datasets."""
    model = KedroPipelineModel(pipeline=PIPELINE, catalog=catalog, input_name=["x", "scaler"])

    assert {} == model.extract_pipeline_artifacts()
    assert 23.0 == predict(model, {"x": 20, "scaler": {"mean": 10}}, {})


def test_copy_mode_and_runner_reach_the_model(catalog: DataCatalog) -> None:
    """One copy mode is that of every dataset but parameters and outputs; by name, None is as Kedro infers."""

    def changed(data: list[int]) -> list[int]:
        data.append(0)
        return data

    pipeline = Pipeline([node(changed, "x", "z"), node(len, "z", "y")])
    data = [1]

    for runner in (None, "ThreadRunner"):
        assert 2 == predict(KedroPipelineModel(pipeline, catalog, "x", copy_mode={"x": None}, runner=runner), data, {})
        assert [1] == data
    assert 2 == predict(KedroPipelineModel(pipeline, catalog, "x", copy_mode="assign", runner="ThreadRunner"), data, {})
    assert [1, 0] == data


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_name": "xx"}, "input_name is 'xx', which is no input of the pipeline. Did you mean 'x'?"),
        ({"input_name": "params:factor"}, "input_name is 'params:factor', which is no input of the pipeline. "),
        ({"input_name": []}, "input_name names no dataset. There are: 'scaler', 'x'."),
        ({"copy_mode": "assing"}, "'assing' is no copy mode. Did you mean 'assign'?"),
        ({"copy_mode": {"scaler": "deep"}}, "'deep' is no copy mode. "),
        (
            {"copy_mode": {"scalar": "copy"}},
            "copy_mode names 'scalar', which is no dataset of the pipeline. Did you mean 'scaler'?",
        ),
        ({"copy_mode": 1346}, "1346 is no copy mode. "),
        ({"runner": "ThreadRuner"}, "there is no runner 'ThreadRuner'"),
    ],
    ids=str,
)
def test_an_argument_that_does_not_fit_is_told(catalog: DataCatalog, arguments: dict[str, Any], message: str) -> None:
    """The error names what was meant."""
    with pytest.raises(ModelDefinitionError) as raised:
        KedroPipelineModel(**{"pipeline": PIPELINE, "catalog": catalog, "input_name": "x", **arguments})
    assert str(raised.value).startswith(f"Cannot make a KedroPipelineModel: {message}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("memory", "'memory' is in memory, and no node of this run writes it. "),
        ("absent", "'absent' is not in the catalog, "),
        ("params:absent", "the catalog has no 'params:absent'. Did you mean 'params:factor'?"),
    ],
)
def test_an_input_without_a_file_is_told(catalog: DataCatalog, tmp_path: Path, name: str, message: str) -> None:
    """An input that is neither a request, a parameter nor a file is named with the reason."""
    pipeline = Pipeline([node(lambda *given: given, ["x", name], "y")])

    with pytest.raises(ModelDefinitionError) as raised:
        KedroPipelineModel(pipeline=pipeline, catalog=catalog, input_name="x")
    assert raised.value.args[0].startswith(f"Cannot make a KedroPipelineModel: {message.format(path=tmp_path)}")


def test_data_may_be_saved_after_the_model_is_made(catalog: DataCatalog, tmp_path: Path) -> None:
    """Artifacts are looked for when they are asked for, in any folder that kedro-mlflow's users name."""
    pipeline = Pipeline([node(lambda x, unwritten: x + unwritten, ["x", "unwritten"], "y")])
    model = KedroPipelineModel(pipeline=pipeline, catalog=catalog, input_name="x")

    with pytest.raises(ModelDefinitionError) as raised:
        model.extract_pipeline_artifacts()
    catalog.save("unwritten", 2)
    artifacts = model.extract_pipeline_artifacts(parameters_saving_folder=tmp_path / "folder")

    assert str(raised.value) == (
        f"Cannot make a KedroPipelineModel: 'unwritten' has no data at '{tmp_path}/unwritten.json'. "
        "Run the pipeline that writes it."
    )
    assert {"unwritten": f"{tmp_path}/unwritten.json"} == artifacts
    assert not (tmp_path / "folder").exists()
    assert 3 == predict(model, 1, artifacts)


def test_a_version_may_be_saved_after_the_model_is_made(tmp_path: Path) -> None:
    """The version is the one that Kedro loads when the artifacts are asked for."""
    entry = {"type": "json.JSONDataset", "filepath": f"{tmp_path}/v.json", "versioned": True}
    catalog = DataCatalog.from_config({"v": entry}, save_version="1")
    pipeline = Pipeline([node(lambda x, v: x + v, ["x", "v"], "y")])
    model = KedroPipelineModel(pipeline=pipeline, catalog=catalog, input_name="x")

    with pytest.raises(ModelDefinitionError, match=r"'v' has no data \("):
        model.extract_pipeline_artifacts()
    catalog.save("v", 2)

    assert {"v": f"{tmp_path}/v.json/1/v.json"} == model.extract_pipeline_artifacts()


def test_a_wrong_copy_mode_is_told_before_missing_data(catalog: DataCatalog) -> None:
    """What the user wrote is judged before what is not there."""
    pipeline = Pipeline([node(lambda *given: given, ["x", "memory"], "y")])

    with pytest.raises(ModelDefinitionError, match="'assing' is no copy mode"):
        KedroPipelineModel(pipeline=pipeline, catalog=catalog, input_name="x", copy_mode="assing")


def test_a_pickle_of_a_newer_format_is_refused_with_what_to_upgrade(catalog: DataCatalog) -> None:
    """A pickle tells its format as a package does."""
    state = KedroPipelineModel(pipeline=PIPELINE, catalog=catalog, input_name="x").__reduce__()[1][0]

    assert InferencePipeline.from_state(state).to_state() == state
    with pytest.raises(ModelLoadError, match="Upgrade kedro-autolog-pipeline"):
        PickledPipelineModel.from_state({**state, "format_version": FORMAT_VERSION + 1})


JSON = "kedro_datasets.json.json_dataset.JSONDataset"

# What pickles hold that were made while these formats were the newest: plain data, by the names of that time.
STATES: dict[int, dict[str, Any]] = {
    1: {"frames": [], "datasets": {"scaler": {"type": JSON}}},
    2: {"frames": {}, "datasets": {"scaler": ({"type": JSON}, "filepath", None)}},
}


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_a_pickle_of_every_format_stays_loadable(tmp_path: Path, version: int) -> None:
    """Raising FORMAT_VERSION needs the state of the new format here."""
    (tmp_path / "scaler.json").write_text('{"mean": 10}')
    state = {
        "format_version": version,
        "steps": [
            ("scale", lambda x, scaler, factor: factor * (x - scaler["mean"]), ["x", "scaler", "params:factor"], "y")
        ],
        "request": ["x"],
        "outputs": ["y"],
        "parameters": {"params:factor": 2.0},
        "copy_modes": {"scaler": "copy"},
        "runner": None,
        "validators": {},
        **STATES[version],
    }

    model = restore_pickled_model(state)

    assert 20.0 == predict(model, 20, {"scaler": f"{tmp_path / 'scaler.json'}"})


def test_a_model_without_its_artifacts_names_what_is_missing(catalog: DataCatalog) -> None:
    """A model that was logged without ``artifacts`` says so when it is loaded."""
    model = KedroPipelineModel(pipeline=PIPELINE, catalog=catalog, input_name="x")

    with pytest.raises(ModelLoadError, match=r"Cannot load the model in 'a pickled .*': the artifact 'scaler' is not"):
        predict(model, 1, {})


def test_without_data_a_model_by_hand_has_the_parameters_alone_in_its_signature(catalog: DataCatalog) -> None:
    """With data, its columns too; and it takes tables of their kind from then on."""
    table = pl.DataFrame({"x": [1.0]})
    model = KedroPipelineModel(PIPELINE, catalog, "x")

    empty = model.rehearse(catalog, {}).signature
    full = KedroPipelineModel(POLARS, catalog, "x").rehearse(catalog, {"x": table}).signature

    assert empty is not None
    assert full is not None
    assert (None, "factor") == (empty.inputs, empty.params.params[0].name)
    assert ["x"] == full.inputs.input_names() == full.outputs.input_names()


def test_a_model_by_hand_that_would_hold_a_secret_is_not_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names each place, in a function, an artifact and a requirement, and where the secret comes from."""
    monkeypatch.setenv("SHOP_TOKEN", "S3CRET-1")
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "a.json").write_text('{"note": "S3CRET-2"}')
    catalog = DataCatalog.from_config(
        {
            "table": {
                "type": "partitions.PartitionedDataset",
                "path": f"{tmp_path}/table",
                "dataset": "json.JSONDataset",
            },
            "far": {"type": "json.JSONDataset", "filepath": "s3://b/far.json", "credentials": "s3"},
        },
        credentials={"s3": {"secret": "S3CRET-2"}},
    )
    collect: Any = partial(textwrap.indent, prefix="S3CRET-1")
    collect.__name__ = "collect"
    pipeline = Pipeline([node(collect, {"text": "x", "predicate": "table"}, "y")])

    with pytest.raises(PackagingError) as caught:
        log_pipeline(
            pipeline,
            catalog,
            input_name="x",
            name="prices",
            extra_pip_requirements=["--extra-index-url https://u:S3CRET-3@h/simple"],
        )

    assert (
        f"'{tmp_path}/table/a.json' holds the secret of the catalog: far.credentials.secret.",
        "'python_model.pkl' holds the secret of the environment variable SHOP_TOKEN.",
        "'requirements.txt' holds the secret of the requirements.",
    ) == tuple(sorted(caught.value.causes[:-1]))
    assert "S3CRET" not in str(caught.value)


def test_an_artifact_that_is_elsewhere_is_fetched_with_the_credentials_of_its_dataset(tmp_path: Path) -> None:
    """One on this machine stays where it is."""
    (tmp_path / "near.json").write_text("1")
    MemoryFileSystem().pipe("/table.json", b"2")
    catalog = DataCatalog.from_config(
        {
            "near": {"type": "json.JSONDataset", "filepath": f"{tmp_path}/near.json"},
            "far": {"type": "json.JSONDataset", "filepath": "memory://far/table.json"},
        }
    )
    model = KedroPipelineModel(Pipeline([node(max, ["x", "near", "far"], "y")]), catalog, "x")

    fetched = model.fetch_artifacts(tmp_path / "artifacts")

    assert f"{tmp_path}/near.json" == fetched["near"]
    assert (b"2", "table.json") == (Path(fetched["far"]).read_bytes(), Path(fetched["far"]).name)
