"""Tests of serving.runners; that a runner answers as the executor does is tested with the model."""

from __future__ import annotations

import pytest
from kedro.pipeline import Pipeline, node
from kedro.runner import SequentialRunner, ThreadRunner

from kedro_autolog_pipeline.errors import ModelDefinitionError
from kedro_autolog_pipeline.serving.copying import CopyMode
from kedro_autolog_pipeline.serving.runners import RunnerExecutor, resolve_runner


def test_a_runner_is_found_by_its_name_or_path() -> None:
    """The names are those of ``kedro run --runner``."""
    assert SequentialRunner is resolve_runner("SequentialRunner")
    assert ThreadRunner is resolve_runner("kedro.runner.ThreadRunner")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("SequentialRuner", r"there is no runner 'SequentialRuner' \(.*\)\. Did you mean 'SequentialRunner'\?"),
        ("shop.Runner", r"there is no runner 'shop.Runner' \(No module named 'shop'\)\."),
        ("pathlib.Path", r"'pathlib\.Path' is no subclass of kedro\.runner\.AbstractRunner\."),
        ("ParallelRunner", r"'ParallelRunner' starts processes .* Use 'ThreadRunner'\."),
        (SequentialRunner(), r"the runner is a 'SequentialRunner'\. Give its name, or the dotted path of its class\."),
    ],
    ids=["misspelt", "no module", "no runner", "processes", "an object"],
)
def test_what_is_no_runner_is_told(name: object, message: str) -> None:
    """The error names the nearest runner of Kedro's."""
    with pytest.raises(ModelDefinitionError, match=message):
        resolve_runner(name)


def test_an_intermediate_is_copied_as_copy_mode_says() -> None:
    """A node that changes an assigned intermediate changes it for the next reader, which otherwise has a copy."""

    def change(values: list[int]) -> list[int]:
        values.append(1)
        return [len(values)]

    pipeline = Pipeline(
        [
            node(lambda x: [x], "x", "values", name="make"),
            node(change, "values", "changed", name="change"),
            node(lambda values, changed: len(values) + len(changed), ["values", "changed"], "y", name="count"),
        ]
    )

    def answer(modes: dict[str, CopyMode | None]) -> int:
        run = RunnerExecutor(pipeline, SequentialRunner, constants={}, outputs=["y"], copy_modes=modes)
        length: int = run({"x": 0})["y"]
        return length

    assert 2 == answer({})
    assert 3 == answer({"values": CopyMode.ASSIGN})
