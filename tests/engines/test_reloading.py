"""A server that reloads its model for as long as it lives."""

from __future__ import annotations

import gc
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import mlflow.pyfunc
import pandas as pd
import psutil
import pytest

from kedro_autolog_pipeline.package.sealing import seal_package

PACKAGE = Path(__file__).parent.parent / "data" / "packages" / "format_2"
SHOP = "shop_of_format_2"
THREADS = 8

INFERENCE = """
import pickle

class Estimator:
    version = {version}

def scale(instances, scaler):
    return instances["x"] - scaler["mean"]

def predict(scaled, model, offset):
    from shop_of_format_2.late import VERSION
    estimator = pickle.loads(pickle.dumps(Estimator()))
    return (scaled * 0 + 10 * estimator.version + VERSION).to_frame("prediction")
"""


@attrs.frozen
class Version:
    """One version of a model.

    Attributes:
        number: Its number.
        package: Where it is.
    """

    number: int
    package: Path

    def load(self) -> Served:
        """Load it as a server does."""
        return Served(mlflow.pyfunc.load_model(str(self.package), suppress_warnings=True), 11 * self.number)


@attrs.frozen
class Served:
    """A model that is loaded.

    Attributes:
        model: The model.
        expected: What it answers.
    """

    model: Any
    expected: int


@attrs.frozen
class ProcessState:
    """What a load could leave behind.

    Attributes:
        modules: Number of modules.
        path: Number of places where modules are looked for.
        finders: Number of what looks for them.
    """

    modules: int
    path: int
    finders: int

    @classmethod
    def now(cls) -> ProcessState:
        """Look at this process."""
        return cls(len(sys.modules), len(sys.path), len(sys.meta_path))


def write_version(directory: Path, number: int) -> Version:
    """Write a package whose class, when it is pickled, and whose module, when it is imported late, tell the version."""
    package = Path(shutil.copytree(PACKAGE, directory / f"version_{number}"))
    (package / "code" / SHOP / "inference.py").write_text(INFERENCE.format(version=number))
    (package / "code" / SHOP / "late.py").write_text(f"VERSION = {number}\n")
    seal_package(package)
    return Version(number, package)


@pytest.mark.parametrize("reloads", [20, pytest.param(1000, marks=pytest.mark.engines)])
def test_two_versions_are_reloaded_in_turn_while_threads_predict(tmp_path: Path, reloads: int) -> None:
    """Every answer is of the version that was asked, and the process stays as it was after the first reloads."""
    versions = [write_version(tmp_path, number) for number in (1, 2)]
    rows = pd.DataFrame({"x": [0, 1]})
    for version in versions:
        # What MLflow and pandas import at the first load and the first prediction stays.
        version.load().model.predict(rows)
    gc.collect()
    before = ProcessState.now()
    current = [versions[0].load()]
    has_ended = threading.Event()

    def ask() -> int:
        """Ask whichever model is served, until the last is loaded; gives the number of answers."""
        count = 0
        while not has_ended.is_set():
            served = current[0]
            answer = served.model.predict(rows)["prediction"].tolist()
            assert [served.expected] * 2 == answer
            count += 1
        return count

    with ThreadPoolExecutor(THREADS) as pool:
        asking = [pool.submit(ask) for _ in range(THREADS)]
        try:
            for reload in range(reloads):
                current[0] = versions[reload % 2].load()
                if reload == reloads // 10:
                    memory = psutil.Process().memory_info().rss
        finally:
            has_ended.set()
        answers = [each.result() for each in asking]

    growth = psutil.Process().memory_info().rss - memory
    current.clear()
    gc.collect()
    assert min(answers) > 0
    assert before == ProcessState.now()
    # One more model for each reload would be a hundred kilobytes at the least.
    assert growth < 30e6, f"{growth / 1e6:.1f} MB more after {reloads} reloads"
