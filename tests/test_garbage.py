"""Tests of garbage."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from kedro_autolog_pipeline.garbage import without_collecting

PROGRAM = """
import gc
import sys
import weakref

import click

from kedro_autolog_pipeline.garbage import set_apart


class Report:
    def __init__(self, name):
        self.itself = self
        self.file = open(name, "w")
        self.file.write(name)


@click.command()
def command():
    before = weakref.ref(Report("before"))
    set_apart()
    after = weakref.ref(Report("after"))
    after().file.close()
    gc.collect()
    print(gc.get_freeze_count() > 10_000, before() is None, after() is None)
    frozen = gc.get_freeze_count()
    set_apart()
    print(gc.get_freeze_count() == frozen)
    Report("last")


gc.disable()
{call}
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("call", "said"),
    [
        pytest.param("command()", ["True False True", "True"], id="command"),
        pytest.param("command.callback()", ["False True True", "True"], id="notebook"),
        pytest.param("sys.ps1 = '> '; command()", ["False True True", "True"], id="interpreter"),
    ],
)
def test_what_stays_is_set_apart_in_a_command_alone(tmp_path: Path, call: str, said: list[str]) -> None:
    """Elsewhere what existed before is collected as ever; in a command it is once left where it is."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{call}", call)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert (0, said) == (done.returncode, done.stdout.splitlines()), done.stderr


@pytest.mark.process
def test_a_file_that_a_reference_cycle_holds_open_is_written_at_the_end_of_a_command(tmp_path: Path) -> None:
    """Be it opened before or after what stays was set apart."""
    subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{call}", "command()")], cwd=tmp_path, check=True, timeout=300
    )

    assert ["after", "before", "last"] == sorted(file.read_text() for file in tmp_path.iterdir())


@pytest.mark.parametrize("is_enabled", [True, False])
def test_the_collector_is_afterwards_as_it_was(*, is_enabled: bool) -> None:
    """Whoever has switched it off keeps it off."""
    if not is_enabled:
        gc.disable()
    try:
        with without_collecting():
            assert not gc.isenabled()
        assert is_enabled == gc.isenabled()
    finally:
        gc.enable()
