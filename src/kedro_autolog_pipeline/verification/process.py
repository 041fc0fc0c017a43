"""The program of the fresh process: a package's directory comes in, what its model answers goes out to files.

It is run by its path, and a model may use only what its package holds or requires, so this file imports
the standard library and MLflow, and nothing of the package that it belongs to.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import json
import os
import pickle
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

SAMPLE_FILE = "sample.pkl"
OUTPUT_FILE = "output.pkl"
STAGES_FILE = "stages.txt"
ERROR_FILE = "error.txt"

PARENT_CHECK_SECONDS = 0.5
"""How often the process looks whether its parent still lives."""


class Stage(Enum):
    """What the process does, in this order, each as the end of "the process could not ..."."""

    IMPORT = "import mlflow"
    LOAD = "load it"
    PREDICT = "predict on the sample"
    HAND_BACK = "hand back its output"
    END = "end"


class ImportGuard:
    """A finder that refuses the modules that would not be there where the model is deployed.

    What may be imported is the standard library, what is installed, and the package's own code. A module
    that the package ships comes from the package alone, even where a copy of it is installed.

    Python has processed ``.pth`` files before this program starts: source trees are on ``sys.path``, finders
    of editable installs on ``sys.meta_path``. They stay there. The guard stands before all of them, asks
    them in their order, and passes over what they find in a wrong place.

    Args:
        installed: Directories that hold installed distributions.
    """

    def __init__(self, installed: Iterable[str]) -> None:
        # By its place too: not all that the standard library is made of has a name that Python lists.
        standard_library = str(Path(os.__file__).parent)
        self._installed = [_normal(directory) for directory in (*installed, standard_library)]
        self._code: list[str] = []
        self._shipped: frozenset[str] = frozenset()

    def install(self) -> None:
        """Stand before all other finders."""
        sys.meta_path.insert(0, self)
        self._forget_refused()

    def admit(self, code: Path, shipped: Iterable[str]) -> None:
        """Let modules come from the directory ``code``; the top-level modules ``shipped`` from it alone."""
        self._code = [_normal(code)]
        self._shipped = frozenset(shipped)
        self._forget_refused()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module where it may come from.

        Raises:
            ModuleNotFoundError: When it is only where it may not come from.
        """
        refused = None
        for spec in self._candidates(name, path, target):
            if self._admits(spec):
                return spec
            refused = refused or spec
        if refused is None:
            return None
        message = (
            f"No module named {name!r} in the package or among what is installed; "
            f"{_places(refused)[0]!r} does not travel with the model"
        )
        raise ModuleNotFoundError(message, name=name)

    def _candidates(self, name: str, path: Sequence[str] | None, target: ModuleType | None) -> Iterator[ModuleSpec]:
        behind = sys.meta_path[sys.meta_path.index(self) + 1 :]
        # Before Python 3.12, a finder may have its old method alone; Python asks it when the guard knows nothing.
        finders = [finder.find_spec for finder in behind if hasattr(finder, "find_spec")]
        yield from filter(None, (find_spec(name, path, target) for find_spec in finders))
        if path is None:
            # A source tree that comes earlier on sys.path hides the copy that may be used.
            yield from filter(None, [PathFinder.find_spec(name, self._roots(name))])

    def _roots(self, name: str) -> list[str]:
        return self._code if _top_level(name) in self._shipped else [*self._code, *self._installed]

    def _admits(self, spec: ModuleSpec) -> bool:
        top_level = _top_level(spec.name)
        if top_level in sys.stdlib_module_names and top_level not in self._shipped:
            return True
        places = _places(spec)
        roots = tuple(root + os.sep for root in self._roots(spec.name))
        return not places or any(_normal(place).startswith(roots) for place in places)

    def _forget_refused(self) -> None:
        """Forget what was imported before it could be refused, by a ``.pth`` file or a plugin of MLflow."""
        specs = {name: getattr(module, "__spec__", None) for name, module in sys.modules.items()}
        # All are judged before any is forgotten: a namespace package asks its parent where it is.
        for name in [name for name, spec in specs.items() if spec is not None and not self._admits(spec)]:
            del sys.modules[name]


def hide_distributions(shipped: Iterable[str]) -> None:
    """Hide distributions from ``importlib.metadata``: editable ones, and those of modules that are shipped.

    Modules travel without the metadata of their distribution: one that asks for its own version when it is
    imported works here, and nowhere else.
    """
    discover = importlib.metadata.Distribution.discover
    prefixes = tuple(f"{name}{end}" for name in shipped for end in ("/", ".py,"))

    def stays_behind(distribution: importlib.metadata.Distribution) -> bool:
        # PEP 610: what comes from a directory, an archive or a checkout has this file; an index leaves none.
        origin = distribution.read_text("direct_url.json")
        if origin is None:
            return False
        if json.loads(origin).get("dir_info", {}).get("editable", False):
            return True
        record = distribution.read_text("RECORD") or ""
        return any(line.startswith(prefixes) for line in record.splitlines())

    def discover_others(**criteria: Any) -> Iterator[importlib.metadata.Distribution]:
        return (found for found in discover(**criteria) if not stays_behind(found))

    importlib.metadata.Distribution.discover = discover_others  # type: ignore[method-assign]  # no hook does it


def main(arguments: Sequence[str]) -> None:
    """Run the program, and end the process.

    Args:
        arguments: One JSON object: ``directory``, where its files go; ``installed``, the directories that
            hold installed distributions; ``preload``, names of modules to import ahead of the request.
    """
    settings = json.loads(arguments[0])
    directory = Path(settings["directory"])
    threading.Thread(target=_end_with, args=(os.getppid(), directory), daemon=True).start()
    # Python has put this program's own folder there.
    sys.path[:] = [entry for entry in sys.path if _normal(entry) != _normal(Path(__file__).parent)]
    sys.path += [entry for entry in settings["installed"] if entry not in sys.path]
    guard = ImportGuard(settings["installed"])
    guard.install()
    try:
        _serve(directory, guard, settings["preload"])
    except BaseException as error:  # noqa: BLE001 - whatever ends a model's code, the parent is to know it
        traceback.print_exc()
        (directory / ERROR_FILE).write_text(_in_one_line(error), encoding="utf-8", errors="backslashreplace")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Threads that the model has left running would keep the process alive.
        os._exit(0)


def _serve(directory: Path, guard: ImportGuard, preload: Iterable[str]) -> None:
    """Wait for the one request, and answer it."""
    _enter(directory, Stage.IMPORT)
    import cloudpickle
    import mlflow.pyfunc
    from mlflow.exceptions import MlflowException

    # Nobody looks for a trace of the proof, and loading a model would set up a store for it.
    mlflow.tracing.disable()
    for name in preload:
        # It only saves time: what the model needs and fails here fails again when the model is loaded.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    line = sys.stdin.readline()
    if not line:
        _abandon(directory)
    request = json.loads(line)
    package = Path(request["package"])
    _enter(directory, Stage.LOAD)
    # The package is uploaded as it is.
    sys.dont_write_bytecode = True
    guard.admit(package / "code", request["shipped"])
    hide_distributions(request["shipped"])
    try:
        # The warnings would compare its requirements with the environment that they were taken from.
        model = mlflow.pyfunc.load_model(str(package), suppress_warnings=True)
    except MlflowException as error:
        # MLflow wraps what the model's entry file raises.
        raise (error.__cause__ or error) from None
    if request["has_sample"]:
        _enter(directory, Stage.PREDICT)
        # Only now: the sample may be made of classes that the package ships.
        with (directory / SAMPLE_FILE).open("rb") as file:
            sample = pickle.load(file)  # noqa: S301 - the parent has written it
        output = model.predict(sample)
        _enter(directory, Stage.HAND_BACK)
        with (directory / OUTPUT_FILE).open("wb") as file:
            cloudpickle.dump(output, file, protocol=5)
    _enter(directory, Stage.END)


def _enter(directory: Path, stage: Stage) -> None:
    with (directory / STAGES_FILE).open("a", encoding="utf-8") as file:
        file.write(f"{stage.name}\n")


def _end_with(parent: int, directory: Path) -> None:
    """End the process when its parent has died, however that was, and whatever the process is doing."""
    # The end of standard input would not tell: a worker that the parent has forked holds it open.
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    _abandon(directory)


def _abandon(directory: Path) -> NoReturn:
    """End the process and all that it has started; no parent is left to clean up."""
    shutil.rmtree(directory, ignore_errors=True)
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _in_one_line(error: BaseException) -> str:
    first_line = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__


def _places(spec: ModuleSpec) -> list[str]:
    """Where a module's files are; empty for one that has none, such as a built-in one."""
    if spec.has_location and spec.origin is not None:
        return [spec.origin]
    return list(spec.submodule_search_locations or ())


def _top_level(name: str) -> str:
    return name.partition(".")[0]


def _normal(path: str | os.PathLike[str]) -> str:
    return os.path.normcase(os.path.abspath(path))  # noqa: PTH100 - links lead out of what is installed


if __name__ == "__main__":
    main(sys.argv[1:])
