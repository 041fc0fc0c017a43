"""Tests of the benchmarks' arithmetic and of what they write; nothing here is timed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient

from benchmarks.chain_worker import ARTIFACT, our_predict
from benchmarks.chart import Bar, Group, draw
from benchmarks.framework_cost import write_chain
from benchmarks.growth import compared
from benchmarks.measured_project import Shape, write_measured_project
from benchmarks.measurements import Summary, interleaved, line_through, summarise, typical_ratio
from benchmarks.page_cache import PageCache
from benchmarks.report import Comparison, Section, Unit, replace_results, table
from benchmarks.whole_command import Command


def test_a_summary_is_the_median_and_the_quartiles() -> None:
    """One very slow turn does not move it; a single measurement is its own summary."""
    assert Summary(3.0, 2.0, 4.0) == summarise([1.0, 5000.0, 3.0, 2.0, 4.0])
    assert Summary(7.0, 7.0, 7.0) == summarise([7.0])
    assert Summary(7000.0, 7000.0, 7000.0) == summarise([7.0]).scaled(1e3)


def test_a_ratio_is_taken_turn_by_turn() -> None:
    """A machine that becomes ten times slower does so for both."""
    assert 2.0 == typical_ratio([2.0, 4.0, 60.0], [1.0, 2.0, 30.0])

    with pytest.raises(ValueError, match="zip"):
        typical_ratio([1.0], [1.0, 2.0])


def test_what_is_measured_takes_turns() -> None:
    """Each is called once for nothing, then each is first as often as the other."""
    calls: list[str] = []
    numbers = count()

    def measuring(name: str) -> Callable[[], float]:
        def measure() -> float:
            calls.append(name)
            return float(next(numbers))

        return measure

    measured = interleaved({"a": measuring("a"), "b": measuring("b")}, turns=2)

    assert ["a", "b", "a", "b", "b", "a"] == calls
    assert {"a": [2.0, 5.0], "b": [3.0, 4.0]} == measured


def test_what_is_done_before_a_measurement_is_done_before_each() -> None:
    """It is there for the first one as well, which does not count."""
    calls: list[str] = []

    def measure() -> float:
        calls.append("measure")
        return 0.0

    interleaved({"a": measure}, 2, before=lambda: calls.append("before"))

    assert ["before", "measure"] * 3 == calls


def test_the_cached_file_takes_no_room(tmp_path: Path) -> None:
    """It is as large as most of the memory, and no block of it is on the disk."""
    PageCache(tmp_path)

    (file,) = tmp_path.iterdir()
    assert file.stat().st_size > 2**30
    assert 0 == file.stat().st_blocks


def test_a_single_turn_is_not_warmed_up() -> None:
    """A quick look takes each measurement once."""
    numbers = count()

    assert {"a": [0.0]} == interleaved({"a": lambda: float(next(numbers))}, turns=1)


@pytest.mark.parametrize(("exponent", "is_linear"), [(1, True), (2, False)])
def test_growth_is_linear_where_both_halves_cost_the_same(exponent: int, *, is_linear: bool) -> None:
    """Each half is what it adds, turn by turn."""
    seconds = {size: [0.5 + 0.001 * size**exponent] * 2 for size in (0, 10, 50, 100)}

    comparison, remark = compared("node", seconds)

    assert is_linear is comparison.is_met
    assert pytest.approx([0.001 * (100**exponent - 50**exponent)] * 2) == comparison.ours
    assert pytest.approx([0.001 * 50**exponent] * 2) == comparison.theirs
    assert remark.startswith("Packaging takes 0.50 s for 0, ")


def test_a_project_has_as_many_pairs_and_columns_as_are_asked_for(tmp_path: Path) -> None:
    """Each pair has a name of its own, and each row a value in each column."""
    project = write_measured_project(tmp_path / "project", Shape(pairs=3, columns=5), Path(sys.executable))

    config = yaml.safe_load((project.path / "conf" / "base" / "mlflow.yml").read_text())
    rows = pd.read_csv(project.path / "data" / "instances.csv")
    assert 3 == len(config["autolog_pipeline"]["models"])
    assert 4 + 5 == len(rows.columns)
    assert not rows.isna().any(axis=None)


@pytest.mark.parametrize("is_blob_last", [False, True])
def test_the_measured_project_is_packaged(tmp_path: Path, *, is_blob_last: bool) -> None:
    """It has the shape that is asked for; what it has stored is taken away after it was measured."""
    shape = Shape(nodes=2, artifacts=2, artifact_bytes=1000, blob_bytes=2000, is_blob_last=is_blob_last)
    project = write_measured_project(tmp_path / "project", shape, Path(sys.executable))

    packaged = project.package()

    assert packaged.seconds > 0
    assert packaged.stored_bytes > 4000
    assert packaged.bytes_written > 0
    assert [] == list(project.path.rglob("mlartifacts/*"))


@pytest.mark.parametrize("has_artifact", [False, True])
def test_the_chain_that_is_measured_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_artifact: bool
) -> None:
    """Its package is one that a model loads from: whole, sealed, and without a link that leads out of it."""
    write_chain(tmp_path, length=2, artifact_bytes=1000)
    monkeypatch.syspath_prepend(tmp_path)

    predict = our_predict(tmp_path, 2, tmp_path / ARTIFACT if has_artifact else None)

    assert 3 == predict(None, 1)


def test_a_line_goes_through_the_points() -> None:
    """Base and slope are those of the line on which the points lie."""
    assert (2.0, 0.5) == line_through({1: 2.5, 5: 4.5, 20: 12.0})


def test_the_table_has_medians_quartiles_ratio_and_verdict() -> None:
    """A row says who was faster by how much, in units that can be read, and whether that is enough."""
    comparisons = [
        Comparison("one call", "by hand", Unit.MICROSECONDS, [2.47e-6], [870e-6], "≤ 3.7 us", is_met=True),
        Comparison("serving", "by hand", Unit.PER_SECOND, [80.0, 90.0, 100.0], [100.0] * 3, "≥ 0.95x", is_met=False),
    ]

    assert (
        "|  | ours | peer | ours / peer | target | met |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| one call | 2.47 us (2.47-2.47) | by hand: 870 us (870-870) | 1/352 | ≤ 3.7 us | yes |\n"
        "| serving | 90.0 /s (85.0-95.0) | by hand: 100 /s (100-100) | 0.90 | ≥ 0.95x | **no** |"
    ) == table(comparisons)


def test_results_replace_those_before_them(tmp_path: Path) -> None:
    """What people have written around them stays; a file without a place for them is refused."""
    file = tmp_path / "benchmarks.md"
    file.write_text(f"# Before\n{Section.RESULTS.begin}\nold\n{Section.RESULTS.end}\nAfter\n", encoding="utf-8")

    replace_results(file, Section.RESULTS, "new")
    replace_results(file, Section.RESULTS, "newer")

    assert f"# Before\n{Section.RESULTS.begin}\n\nnewer\n\n{Section.RESULTS.end}\nAfter\n" == file.read_text(
        encoding="utf-8"
    )
    file.write_text(f"# Before\n{Section.RESULTS.end}\n{Section.RESULTS.begin}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="Cannot write results into"):
        replace_results(file, Section.RESULTS, "new")


def test_a_chart_is_drawn_alike_each_time(tmp_path: Path) -> None:
    """Its names and numbers are text, so that a reader can search them."""
    groups = [Group("no duration, database", [Bar("alone", 1.23), Bar("ours", 3.6)])]

    for name in ("first.svg", "second.svg"):
        draw(groups, "Seconds", tmp_path / name)

    chart = (tmp_path / "first.svg").read_text(encoding="utf-8")
    assert chart == (tmp_path / "second.svg").read_text(encoding="utf-8")
    for text in ("Seconds", "alone", "ours", "1.2 s", "3.6 s", "no duration,", "database"):
        assert f">{text}<" in chart


@pytest.mark.parametrize("is_new", [False, True])
def test_the_whole_command_is_measured_to_its_end(tmp_path: Path, *, is_new: bool) -> None:
    """What comes after the last node is a part of it; a database that is to be new is made by the command."""
    project = write_measured_project(tmp_path / "project", Shape(), Path(sys.executable))
    (project.path / "mlflow.db").touch()
    command = Command(project, {"MEASURE_TRACKING": project.tracking_uri}, is_new=is_new)

    duration = command.run()

    assert 0 < duration.after_last_node < duration.whole
    client = MlflowClient(project.tracking_uri)
    runs = client.search_runs([each.experiment_id for each in client.search_experiments()])
    assert {"trainings": 1.0} in [run.data.metrics for run in runs]
