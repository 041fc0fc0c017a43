"""Tests of serving.model: packages come in, answers go out."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pandas as pd
import pytest
from kedro.pipeline import Pipeline, node

from kedro_autolog_pipeline.errors import ModelLoadError, PredictionError
from kedro_autolog_pipeline.package.writing import ENTRY
from kedro_autolog_pipeline.serving.copying import CopyMode
from kedro_autolog_pipeline.serving.manifest import FORMAT_VERSION, MANIFEST_FILE
from kedro_autolog_pipeline.serving.model import KedroPipelineModel, PackagedPipelineModel
from model_package import predictor, write_model_package

THREADS = 32
CALLS_OF_A_THREAD = 200

PACKAGES = Path(__file__).parent.parent / "data" / "packages"

RUNNERS = [None, "SequentialRunner", "ThreadRunner", "kedro.runner.sequential_runner.SequentialRunner"]


def _scale(x: float, scaler: dict[str, float], factor: float) -> float:
    return factor * (x - scaler["mean"])


def _shift(scaled: float, offset: float) -> float:
    return scaled + offset


SCALING = Pipeline(
    [node(_scale, ["x", "scaler", "params:factor"], "scaled"), node(_shift, ["scaled", "params:offset"], "y")]
)
VALUES: dict[str, Any] = {
    "parameters": {"params:factor": 2.0, "params:offset": 1.0},
    "artifacts": {"scaler": {"mean": 10}},
}


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_package_predicts_the_same_each_time(tmp_path: Path, runner: str | None) -> None:
    """Three calls give three equal answers, whatever runs the pipeline, and a parameter changes one call alone."""
    predict = predictor(write_model_package(tmp_path / "package", SCALING, runner=runner, **VALUES))

    assert [21.0, 21.0] == [predict(20), predict(20)]
    assert 11.0 == predict(20, {"factor": 1.0})
    assert 21.0 == predict(20)


def test_a_model_loads_itself_when_it_is_first_asked(tmp_path: Path) -> None:
    """What is not loaded by MLflow, such as an unwrapped model, reads its package at the first call."""
    package = write_model_package(tmp_path / "package", SCALING, **VALUES)

    assert 21.0 == PackagedPipelineModel.from_package(package).predict(None, 20)  # type: ignore[arg-type]  # MLflow's


def test_threads_get_their_own_answers(tmp_path: Path) -> None:
    """32 threads call one model 200 times each, with their own data and parameters, and get their own answers."""
    predict = predictor(write_model_package(tmp_path / "package", SCALING, **VALUES))

    def ask(thread: int) -> list[bool]:
        return [
            predict(call, {"factor": float(thread), "offset": float(call)}) == thread * (call - 10.0) + call
            for call in range(CALLS_OF_A_THREAD)
        ]

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [right for rights in pool.map(ask, range(THREADS)) for right in rights]

    assert THREADS * CALLS_OF_A_THREAD == sum(answers)


def test_threads_get_their_own_answers_from_a_runner(tmp_path: Path) -> None:
    """With one of Kedro's runners in the place of the executor, nothing of a call is seen by another either."""
    predict = predictor(write_model_package(tmp_path / "package", SCALING, runner="SequentialRunner", **VALUES))

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda call: predict(call, {"offset": float(call)}), range(THREADS * 5)))

    assert [2 * (call - 10.0) + call for call in range(THREADS * 5)] == answers


def _append(x: int, seen: list[int], options: dict[str, list[int]]) -> int:
    seen.append(x)
    options["seen"].append(x)
    return 10 * len(seen) + len(options["seen"])


APPENDING = Pipeline([node(_append, ["x", "seen", "params:options"], "y")])


@pytest.mark.parametrize("runner", [None, "SequentialRunner"])
@pytest.mark.parametrize(
    ("copy_modes", "expected"),
    [
        ({}, [11, 21, 31]),
        ({"seen": CopyMode.DEEPCOPY}, [11, 11, 11]),
        ({"seen": CopyMode.COPY}, [11, 11, 11]),
        ({"seen": None}, [11, 11, 11]),
        ({"seen": CopyMode.ASSIGN, "params:options": CopyMode.ASSIGN}, [11, 22, 33]),
    ],
    ids=["default", "deepcopy", "copy", "inferred", "assign"],
)
def test_artifacts_are_shared_unless_copy_mode_says_otherwise(
    tmp_path: Path, runner: str | None, copy_modes: dict[str, CopyMode | None], expected: list[int]
) -> None:
    """An artifact is shared by calls, a parameter is not; what copy_mode says is so with and without a runner."""
    package = write_model_package(
        tmp_path / "package",
        APPENDING,
        parameters={"params:options": {"seen": []}},
        artifacts={"seen": []},
        copy_modes=copy_modes,
        runner=runner,
    )
    predict = predictor(package)

    assert expected == [predict(1), predict(2), predict(3)]


@pytest.mark.parametrize("runner", [None, "SequentialRunner"])
@pytest.mark.parametrize(("mode", "expected"), [(None, [1]), (CopyMode.ASSIGN, [1, 2])])
def test_the_callers_data_is_changed_only_where_copy_mode_says_so(
    tmp_path: Path, runner: str | None, mode: CopyMode | None, expected: list[int]
) -> None:
    """A node that appends to the request appends to a copy, unless the request is assigned."""
    pipeline = Pipeline([node(lambda x: [*x, x.append(2)][:1], "x", "y")])
    modes = {} if mode is None else {"x": mode}
    predict = predictor(write_model_package(tmp_path / "package", pipeline, copy_modes=modes, runner=runner))
    data = [1]

    assert [1] == predict(data)
    assert expected == data


def test_several_inputs_and_outputs_are_dictionaries(tmp_path: Path) -> None:
    """Several inputs are given, and several outputs returned, by dataset name, through MLflow too."""
    pipeline = Pipeline([node(lambda a, b: (a["v"].sum() + b["v"].sum(), len(b)), ["a", "b"], ["total", "rows"])])
    package = write_model_package(tmp_path / "package", pipeline, request=["a", "b"], frames=["a", "b"])
    predict = predictor(package)
    a, b = pd.DataFrame({"v": [1, 2]}), pd.DataFrame({"v": [3]})

    assert {"rows": 1, "total": 6} == predict({"a": a, "b": b})
    assert {"rows": 1, "total": 6} == predict({"a": {"v": [1, 2]}, "b": [{"v": 3}]})
    with pytest.raises(PredictionError) as raised:
        predict({"a": a})
    assert str(raised.value) == (
        "Cannot predict: the request does not give 'b'. Give a dictionary with the keys 'a', 'b'."
    )


def _edited(package: Path, **keys: Any) -> Path:
    content = json.loads((package / MANIFEST_FILE).read_text())
    (package / MANIFEST_FILE).write_text(json.dumps({**content, **keys}))
    return package


def test_a_package_that_lacks_an_artifact_names_it(tmp_path: Path) -> None:
    """The error says which artifact is not there, and what to do; a newer format lists it with its size."""
    package = _edited(write_model_package(tmp_path / "package", SCALING, **VALUES), format_version=1)
    (package / "scaler.json").unlink()

    with pytest.raises(ModelLoadError) as raised:
        predictor(package)
    assert str(raised.value) == (
        f"Cannot load the model in '{package}': the artifact 'scaler' is not in it. "
        "Log the model again, or fetch its files again."
    )


def test_a_package_with_a_broken_artifact_names_it_and_the_reason(tmp_path: Path) -> None:
    """The error says which artifact cannot be loaded, and what its dataset says."""
    package = _edited(write_model_package(tmp_path / "package", SCALING, **VALUES), format_version=1)
    (package / "scaler.json").write_text("{mean")

    with pytest.raises(ModelLoadError) as raised:
        predictor(package)
    assert raised.value.cause.startswith("the artifact 'scaler', scaler.json, cannot be loaded (DatasetError(")
    assert "Expecting property name" in raised.value.cause


def test_a_package_with_a_broken_function_names_its_node(tmp_path: Path) -> None:
    """A function whose pickle or module is not there is named with its node."""
    package = write_model_package(tmp_path / "package", Pipeline([node(abs, "x", "y", name="absolute")]))
    content = json.loads((package / MANIFEST_FILE).read_text())

    nodes = [{**content["nodes"][0], "function": "no_such_module:function", "is_pickled": False}]
    with pytest.raises(ModelLoadError) as raised:
        predictor(_edited(package, nodes=nodes))
    assert raised.value.cause == (
        "the function of node 'absolute', no_such_module:function, cannot be loaded "
        "(ModuleNotFoundError(\"No module named 'no_such_module'\"))."
    )
    predict = predictor(_edited(package, nodes=[{**nodes[0], "function": "builtins:abs"}]))
    assert 3 == predict(-3)


def test_a_package_of_a_newer_format_is_refused_with_what_to_upgrade(tmp_path: Path) -> None:
    """The error names both versions."""
    package = write_model_package(tmp_path / "package", Pipeline([node(abs, "x", "y")]))

    with pytest.raises(ModelLoadError) as raised:
        predictor(_edited(package, format_version=FORMAT_VERSION + 1))
    assert raised.value.cause == (
        f"it has format version {FORMAT_VERSION + 1}, and this kedro-autolog-pipeline reads up to {FORMAT_VERSION}."
    )
    assert "Upgrade kedro-autolog-pipeline" in str(raised.value)


def test_a_directory_without_a_manifest_is_no_package(tmp_path: Path) -> None:
    """The error names the file that cannot be read."""
    with pytest.raises(ModelLoadError, match=r"its manifest\.json cannot be read \(FileNotFoundError"):
        predictor(tmp_path)


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_a_package_of_every_format_stays_loadable(version: int) -> None:
    """What was ever logged loads and predicts; raising FORMAT_VERSION needs a package of the new format here."""
    package = PACKAGES / f"format_{version}"
    assert version == json.loads((package / MANIFEST_FILE).read_text())["format_version"]

    model = mlflow.pyfunc.load_model(str(package), suppress_warnings=True)

    assert {"prediction": [-28.0, -25.0]} == model.predict(pd.DataFrame({"x": [0, 1]})).to_dict("list")
    assert {"prediction": [-28.5]} == model.predict(pd.DataFrame({"x": [0]}), params={"offset": 0.0}).to_dict("list")


@pytest.mark.parametrize(
    "changes",
    [
        {"nodes": []},
        {"outputs": ["nowhere"]},
        {"inputs": []},
        {"copy_modes": {"x": "no such mode"}},
        {"runner": "no.such.Runner"},
        {"parameters": {"params:": {}, "": []}},
        {"name": "\x1b[2J"},
    ],
    ids=str,
)
def test_a_manifest_that_describes_no_pipeline_is_told(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Whoever can write to the artifact store can make a manifest of anything: loading it is one kind of error."""
    package = write_model_package(tmp_path / "package", SCALING, **VALUES)
    content = json.loads((package / MANIFEST_FILE).read_text())
    (package / MANIFEST_FILE).write_text(json.dumps({**content, **changes}))

    with pytest.raises(ModelLoadError, match=r"its manifest.json cannot be read \(") as caught:
        PackagedPipelineModel.from_package(package).load_context(None)  # type: ignore[arg-type]  # MLflow's
    assert str(caught.value).isprintable()


def test_the_entry_of_every_package_finds_its_model() -> None:
    """Packages that are out there import it by a name of this module, so that name stays, and means what is served."""
    entries = [ENTRY, *(path.read_text() for path in sorted(PACKAGES.glob("*/model.py")))]

    for entry in entries:
        assert "from kedro_autolog_pipeline.serving.model import KedroPipelineModel\n" in entry
        assert "set_model(KedroPipelineModel.from_package(" in entry
    assert PackagedPipelineModel is KedroPipelineModel
