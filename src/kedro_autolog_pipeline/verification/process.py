"""Load a package in a fresh process, and write to files what its model answers.

This file is run by its path, and a model may use only what its package holds or requires. So it imports the standard
library and MLflow, and four files of the package that it belongs to, by their paths.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.metadata
import importlib.util
import json
import os
import pickle
import re
import select
import shutil
import signal
import sys
import threading
import time
import traceback
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache, lru_cache, partial, reduce
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

IMPORTS_FILE = "imports.json"
IMPORT_FAULTS_FILE = "import_faults.txt"
IMPORT_LOG_FILE = "import_log.txt"
SAMPLE_FILE = "sample.pkl"
EXPECTED_FILE = "expected.pkl"
OUTPUT_FILE = "output.pkl"
TRACE_FILE = "trace.pkl"
ANSWERS_FILE = "answers.json"
STAGES_FILE = "stages.txt"
ERROR_FILE = "error.txt"

# What is loaded of the package that this program belongs to.
_COMPARISON = "rehearsal/comparison.py"
_IN_PLACE_CHANGES = "rehearsal/in_place_changes.py"
_OPTIONAL_COLUMNS = "verification/optional_columns.py"
_QUESTIONS = "verification/questions.py"

PARENT_CHECK_SECONDS = 0.5
"""How often the process looks whether its parent still lives."""


class Stage(Enum):
    """What the process does, in this order, each as the end of "the process could not ..."."""

    IMPORT = "import mlflow"
    LOAD = "load it"
    PREDICT = "predict on the sample"
    HAND_BACK = "hand back its output"
    ASK = "answer what its users will ask"
    END = "end"


ALWAYS_DECLARED = frozenset({"pip", "setuptools", "wheel"})
"""Distributions that MLflow has installed with every model: python_env.yaml names them."""


class NotDeployedError(ModuleNotFoundError):
    """Modules are here, and would not be there where the model is deployed.

    Attributes:
        distributions: What they are from, by the name of each module; empty for what is in a wrong place.
    """

    def __init__(self, message: str, name: str, distributions: Mapping[str, str]) -> None:
        super().__init__(message, name=name)
        self.distributions = dict(distributions)

    @classmethod
    def of(cls, distributions: Mapping[str, str]) -> NotDeployedError:
        """Make the error of modules whose distributions are installed here, and not required by the model."""
        modules, names = (", ".join(map(repr, dict.fromkeys(each))) for each in (distributions, distributions.values()))
        is_one = len(set(distributions.values())) == 1
        return cls(
            f"No module named {modules}: {names} {'is' if is_one else 'are'} installed here, and not among the model's "
            f"requirements. Add {'it' if is_one else 'them'} to 'extra_pip_requirements', or to 'pip_requirements' "
            "where that lists them all",
            next(iter(distributions)),
            distributions,
        )


class InstallationDirectory:
    """Which distributions have put files into a directory, by their own lists of files.

    Args:
        path: The directory.
    """

    def __init__(self, path: str) -> None:
        self._claims: defaultdict[str, list[tuple[str, Path]]] = defaultdict(list)
        for suffix in (".dist-info", ".egg-info"):
            for metadata in Path(path).glob(f"*-*{suffix}"):
                name = _canonical(metadata.stem.partition("-")[0])
                for top_level in _top_levels(metadata, name):
                    self._claims[top_level].append((name, metadata))

    def undeclared(self, file: str, declared: frozenset[str]) -> str | None:
        """Find the distribution that a file is from when it is not declared, nor any other that lists the file.

        Args:
            file: Path relative to the directory, with forward slashes.
            declared: Normalised names of distributions.
        """
        claims = self._claims.get(file.partition("/")[0].partition(".")[0], [])
        if all(name in declared for name, _ in claims):
            return None
        # Several distributions may have modules in one package, and files that none lists may be there.
        names = [name for name, metadata in claims if _lists(metadata, file)]
        return None if declared.intersection(names) else next(iter(names), None)


class ImportGuard:
    """A finder that refuses the modules that would not be there where the model is deployed.

    What may be imported is the standard library, what is installed and declared, and the package's own code. A module
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
        self._distributions = {_normal(directory): InstallationDirectory(directory) for directory in installed}
        self._installed = [*self._distributions, _normal(standard_library)]
        self._code: list[str] = []
        self._shipped: frozenset[str] = frozenset()
        self._declared: frozenset[str] | None = None
        self._of_python: frozenset[str] = frozenset()
        self._homes: dict[str, tuple[str, str] | None] = {}

    def install(self) -> None:
        """Stand before all other finders."""
        # What a ``.pth`` file imports (a debugger, what measures coverage) comes with the interpreter.
        self._of_python = frozenset(map(_top_level, sys.modules))
        sys.meta_path.insert(0, self)
        self._forget_refused()

    def admit(self, code: Path, shipped: Iterable[str], declared: Iterable[str] | None) -> None:
        """Let modules come from the directory ``code``; the top-level modules ``shipped`` from it alone.

        Args:
            code: The directory.
            shipped: Names of the modules in it.
            declared: Normalised names of the distributions that others may come from; None means all.
        """
        self._code = [_normal(code)]
        self._shipped = frozenset(shipped)
        self._declared = None if declared is None else ALWAYS_DECLARED.union(declared)
        self._forget_refused()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module where it may come from.

        Raises:
            NotDeployedError: When it is only where it may not come from.
        """
        refusal = None
        for spec in self._candidates(name, path, target):
            refused = self._refusal(spec)
            if refused is None:
                return spec
            refusal = refusal or refused
        if refusal is None:
            return None
        raise refusal

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

    def tolerate(self, distributions: Iterable[str]) -> None:
        """Let modules of more distributions be imported, to find what else is refused."""
        if self._declared is not None:
            self._declared = self._declared.union(distributions)

    def _refusal(self, spec: ModuleSpec) -> NotDeployedError | None:
        """Say why a module may not come from where it was found; None when it may."""
        top_level = _top_level(spec.name)
        if top_level in sys.stdlib_module_names and top_level not in self._shipped:
            return None
        places = _places(spec)
        roots = tuple(root + os.sep for root in self._roots(spec.name))
        if places and not any(_normal_place(place).startswith(roots) for place in places):
            where = "in the package or among what is installed"
            return NotDeployedError(
                f"No module named {spec.name!r} {where}; {places[0]!r} does not travel with the model", spec.name, {}
            )
        undeclared = self._undeclared(spec)
        return None if undeclared is None else NotDeployedError.of({spec.name: undeclared})

    def _undeclared(self, spec: ModuleSpec) -> str | None:
        """Find the distribution that a module is from when the model does not require it."""
        if self._declared is None or not spec.has_location or _top_level(spec.name) in self._of_python:
            return None
        directory, file = os.path.split(spec.origin or "")
        if directory not in self._homes:
            self._homes[directory] = self._home(directory)
        home = self._homes[directory]
        return None if home is None else self._distributions[home[0]].undeclared(home[1] + file, self._declared)

    def _home(self, directory: str) -> tuple[str, str] | None:
        """Find the directory of distributions that another is in, and the way there; None when it is in none."""
        path = os.path.abspath(directory) + os.sep  # noqa: PTH100 - links lead out of what is installed
        homes = [home for home in self._distributions if os.path.normcase(path).startswith(home + os.sep)]
        if not homes:
            return None
        home = max(homes, key=len)
        return home, path[len(home) + 1 :].replace(os.sep, "/")

    def _forget_refused(self) -> None:
        """Forget what was imported before it could be refused, by a ``.pth`` file or a plugin of MLflow."""
        specs = {name: getattr(module, "__spec__", None) for name, module in sys.modules.items()}
        # All are judged before any is forgotten: a namespace package asks its parent where it is.
        for name in [name for name, spec in specs.items() if spec is not None and self._refusal(spec) is not None]:
            del sys.modules[name]


def find_none_of_what_is_refused() -> None:
    """Have ``importlib.util.find_spec`` give None for a module that is refused, as for one that is nowhere.

    Libraries ask it whether an optional one is there.
    """
    find_any = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        try:
            return find_any(name, package)
        except NotDeployedError as error:
            # A package that cannot be imported on the way to a module is an error anywhere.
            if error.name != importlib.util.resolve_name(name, package):
                raise
            return None

    importlib.util.find_spec = find_spec


def hide_distributions(shipped: Iterable[str], declared: Iterable[str] | None) -> None:
    """Hide distributions from ``importlib.metadata``: editable, undeclared, and those of modules that are shipped.

    Modules travel without the metadata of their distribution: one that asks for its own version when it is
    imported works here, and nowhere else.

    Args:
        shipped: Names of modules.
        declared: Normalised names of the distributions that are not hidden for their name; None means all.
    """
    discover = importlib.metadata.Distribution.discover
    prefixes = tuple(f"{name}{end}" for name in shipped for end in ("/", ".py,"))
    known = None if declared is None else ALWAYS_DECLARED.union(declared)

    def stays_behind(distribution: importlib.metadata.Distribution) -> bool:
        if known is not None and _name_in(distribution) not in known:
            return True
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
    parent = os.getppid()
    threading.Thread(target=_end_with, args=(parent, directory), daemon=True).start()
    # Python has put this program's own folder there.
    sys.path[:] = [entry for entry in sys.path if _normal(entry) != _normal(Path(__file__).parent)]
    sys.path += [entry for entry in settings["installed"] if entry not in sys.path]
    guard = ImportGuard(settings["installed"])
    guard.install()
    find_none_of_what_is_refused()
    try:
        _serve(directory, guard, settings["preload"])
    except BaseException as error:  # noqa: BLE001 - whatever ends a model's code, the parent is to know it
        traceback.print_exc()
        (directory / ERROR_FILE).write_text(_in_one_line(error), encoding="utf-8", errors="backslashreplace")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if os.getppid() != parent:
            _abandon(directory)
        # Threads that the model has left running would keep the process alive.
        os._exit(0)


def _serve(directory: Path, guard: ImportGuard, preload: Iterable[str]) -> None:
    """Wait for the one request, and answer it."""
    _enter(directory, Stage.IMPORT)
    # What is imported stays: to look through it for garbage while it grows takes a fifth of the time.
    gc.disable()
    import mlflow.pyfunc.scoring_server

    for path in (_COMPARISON, _IN_PLACE_CHANGES, _OPTIONAL_COLUMNS, _QUESTIONS):
        _sibling(path)
    # Nobody looks for a trace of the proof, and loading a model would set up a store for it.
    mlflow.tracing.disable()
    for name in preload:
        # It only saves time: what the model needs and fails here fails again when the model is loaded.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.freeze()
    gc.enable()
    request = _next_message(directory)
    if request is None:
        with _import_check(directory, guard):
            request = _next_message(directory)
    package = Path(request["package"])
    _enter(directory, Stage.LOAD)
    # The package is uploaded as it is.
    sys.dont_write_bytecode = True
    guard.admit(package / "code", request["shipped"], request["declared"])
    hide_distributions(request["shipped"], request["declared"])

    model = _naming_all(guard, partial(_load, package))
    if request["has_sample"]:
        trial = _try(model, guard, directory)
        if request["is_proof"]:
            _ask(trial, request, directory)
    _enter(directory, Stage.END)


def _load(package: Path) -> Any:
    import mlflow.pyfunc
    from mlflow.exceptions import MlflowException

    try:
        # The warnings would compare its requirements with the environment that they were taken from.
        return mlflow.pyfunc.load_model(str(package), suppress_warnings=True)
    except MlflowException as error:
        # MLflow wraps what the model's entry file raises.
        raise (error.__cause__ or error) from None


class _Trial(NamedTuple):
    """What a model made of the sample; ``seconds`` is how long that took."""

    model: Any
    sample: Any
    output: Any
    seconds: float


def _try(model: Any, guard: ImportGuard, directory: Path) -> _Trial:
    """Have a model predict on the sample, and hand its output back."""
    _enter(directory, Stage.PREDICT)
    # Only now: the sample may be made of classes that the package ships.
    sample = _unpickled(directory / SAMPLE_FILE)
    started = time.monotonic()
    output = _naming_all(guard, lambda: model.predict(sample))
    seconds = time.monotonic() - started
    _enter(directory, Stage.HAND_BACK)
    _pickle(output, directory / OUTPUT_FILE)
    return _Trial(model, sample, output, seconds)


def _ask(trial: _Trial, request: Mapping[str, Any], directory: Path) -> None:
    """Ask a model what its users will ask, and write down each answer as it comes."""
    _enter(directory, Stage.ASK)
    differ = _sibling(_COMPARISON).first_difference
    is_expected = True
    with contextlib.suppress(Exception):
        # The parent judges what cannot be read here: it has the value.
        is_expected = differ(_unpickled(directory / EXPECTED_FILE), trial.output) is None
    answers: dict[str, Any] = {}

    def note(name: str, answer: Any) -> None:
        answers[name] = answer
        _replace(directory / ANSWERS_FILE, json.dumps(answers))

    questions, columns = _sibling(_QUESTIONS), _sibling(_OPTIONAL_COLUMNS)
    interview = questions.Interview(
        trial.model,
        trial.sample,
        trial.output,
        seconds=trial.seconds,
        budget=request["budget"],
        differ=differ,
        digest=_sibling(_IN_PLACE_CHANGES).digest,
        note=note,
    )
    search = questions.Search(columns.find_optional_columns, columns.find_columns)
    interview.ask(search if request["asks_for_columns"] else None)
    if not is_expected:
        with contextlib.suppress(Exception):
            # It only explains the difference.
            pipeline = trial.model.unwrap_python_model()
            pipeline.read_anew(answers["copied"])
            _pickle(pipeline.trace(trial.sample), directory / TRACE_FILE)


def _naming_all(guard: ImportGuard, call: Callable[[], Any]) -> Any:
    """Call, and when a module is refused, find whatever else would be, so that one message names all.

    Raises:
        BaseException: Whatever the call raises at first, from the refusal of all modules where one was refused.
    """
    first: BaseException | None = None
    refused: dict[str, str] = {}
    while True:
        try:
            result = call()
        except BaseException as error:
            first = first or error
            more = next((each.distributions for each in _chain(error) if isinstance(each, NotDeployedError)), {})
            if more.keys() - refused.keys():
                refused.update(more)
                guard.tolerate(more.values())
                continue
            if not refused:
                raise
        if first is None:
            return result
        raise first from NotDeployedError.of(refused)


def _unpickled(file: Path) -> Any:
    with file.open("rb") as stream:
        return pickle.load(stream)  # noqa: S301 - the parent has written it


def _pickle(value: Any, file: Path) -> None:
    import cloudpickle

    with file.open("wb") as stream:
        cloudpickle.dump(value, stream, protocol=5)


def _replace(file: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8", errors="backslashreplace")
    unfinished.replace(file)


@cache
def _sibling(path: str) -> ModuleType:
    """Load a file of the package that this program belongs to, by its path: the package itself is not imported."""
    file = Path(__file__).parents[1] / path
    name = f"_of_the_fresh_process_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None  # noqa: S101 - a path that ends with .py always has one
    assert spec.loader is not None  # noqa: S101 - see above
    module = importlib.util.module_from_spec(spec)
    # Classes of attrs look their module up.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _next_message(directory: Path) -> Any:
    """Wait for a line of standard input, which is JSON: a request, or ``null`` for what there is to import before it.

    None comes when the parent has ended, and then the process does so too.
    """
    # Read without a buffer, which would hide the line after it.
    with open(0, "rb", buffering=0, closefd=False) as unbuffered:
        line = unbuffered.readline()
    return json.loads(line) if line else _abandon(directory)


@contextlib.contextmanager
def _import_check(directory: Path, guard: ImportGuard) -> Iterator[None]:
    """Have a fork try the imports as long as there is no request, which tries them again.

    A fork, for the package is to be loaded by a process that has never imported the project: what it imports may
    register itself somewhere, and could not do so twice.
    """
    if not hasattr(os, "fork") or select.select([0], [], [], 0)[0]:
        yield
        return
    with warnings.catch_warnings():
        # Python 3.12 warns that another thread may hold a lock. The fork would then say nothing, and be killed.
        warnings.simplefilter("ignore", DeprecationWarning)
        fork = os.fork()
    if fork == 0:
        try:
            imports = json.loads((directory / IMPORTS_FILE).read_text(encoding="utf-8"))
            _check_imports(directory, guard, imports)
        finally:
            os._exit(0)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(fork, signal.SIGKILL)
            os.waitpid(fork, 0)


def _check_imports(directory: Path, guard: ImportGuard, imports: Mapping[str, Any]) -> None:
    """Import functions, and write down which ones cannot be.

    Args:
        directory: Where to write; nothing when there is no fault.
        guard: What refuses modules.
        imports: ``code``, a directory of shipped code; ``shipped`` and ``declared`` as for the guard; ``functions``,
            of each what it is, its ``module:qualname`` or the path of its pickle, and whether it is a pickle.
    """
    with Path(os.devnull).open("rb") as nothing, (directory / IMPORT_LOG_FILE).open("wb") as log:
        os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    guard.admit(Path(imports["code"]), imports["shipped"], imports["declared"])
    hide_distributions(imports["shipped"], imports["declared"])
    sys.path.insert(0, imports["code"])
    faults: defaultdict[str, list[str]] = defaultdict(list)
    for what, function, is_pickled in imports["functions"]:
        try:
            _naming_all(guard, partial(_import, function, is_pickled=is_pickled))
        except BaseException as error:  # noqa: BLE001 - whatever a module raises, it would when the model is loaded
            traceback.print_exc()
            faults[f"{_in_one_line(error)}{_advice(error)}"].append(what)
    if faults:
        text = "; ".join(f"{', '.join(whats)} ({reason})" for reason, whats in faults.items())
        _replace(directory / IMPORT_FAULTS_FILE, text)


def _advice(error: BaseException) -> str:
    """Say what to do about a file that a module opens when it is imported; empty for any other error."""
    if not isinstance(error, OSError) or error.filename is None:
        return ""
    return (
        ": ship the file beside the module and open it by its place there, or have a node read it from a dataset of "
        "the catalog"
    )


def _import(function: str, *, is_pickled: bool) -> None:
    if is_pickled:
        pickle.loads(Path(function).read_bytes())  # noqa: S301 - the parent has written it
    else:
        module, _, qualname = function.partition(":")
        reduce(getattr, qualname.split(".") if qualname else [], importlib.import_module(module))


def _enter(directory: Path, stage: Stage) -> None:
    with (directory / STAGES_FILE).open("a", encoding="utf-8") as file:
        file.write(f"{stage.name}\n")


def _end_with(parent: int, directory: Path) -> None:
    """End the process when its parent has died, however that was, and whatever the process is doing."""
    # The end of standard input would not tell: a worker that the parent has forked holds it open.
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    _abandon(directory)


def kill_all_of(directory: Path) -> None:
    """Kill all other processes whose environment names the directory of a verifying process.

    A daemon has a session of its own and no parent any more, and still the environment of whoever has started it. Where
    there is no ``/proc``, which is elsewhere than on Linux, it finds none.
    """
    name = os.fsencode(directory)
    for process in Path("/proc").glob("[0-9]*"):
        # It may have ended meanwhile, or be somebody else's.
        with contextlib.suppress(OSError):
            if int(process.name) != os.getpid() and name in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


def _abandon(directory: Path) -> NoReturn:
    """End the process and all that it has started; no parent is left to clean up."""
    kill_all_of(directory)
    shutil.rmtree(directory, ignore_errors=True)
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _in_one_line(error: BaseException) -> str:
    first_line = next(iter(str(error).splitlines()), "")
    line = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
    refused = next((each for each in _chain(error) if isinstance(each, NotDeployedError)), None)
    if refused is None:
        return line
    # What was found to be missing besides says all that the first refusal does.
    if isinstance(error, NotDeployedError):
        return f"{type(error).__name__}: {refused if error.__cause__ is None else error.__cause__}"
    # A library has its own words for one of its options that is missing.
    return line if str(refused) in line else f"{line.rstrip('.')}. {refused}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Return an error, and what it was raised from or while it was handled."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _top_levels(metadata: Path, name: str) -> set[str]:
    """Return the names that a distribution's files start with."""
    with contextlib.suppress(OSError):
        # Of those that have it, some have the longest lists of files.
        return set((metadata / "top_level.txt").read_text(encoding="utf-8").split())
    record = _record(metadata)
    return {name.replace("-", "_")} if record is None else set(re.findall(r"^([^/,.\n]+)[/,.]", record, re.MULTILINE))


def _lists(metadata: Path, file: str) -> bool:
    record = _record(metadata)
    # Debian leaves no list of files; what starts with a name of the distribution counts as listed.
    return record is None or f"\n{file}," in record


@lru_cache(maxsize=16)
def _record(metadata: Path) -> str | None:
    """Read a distribution's list of files, each path between a line break and a comma; None where there is none."""
    try:
        return "\n" + (metadata / "RECORD").read_text(encoding="utf-8")
    except OSError:
        return None


def _name_in(distribution: importlib.metadata.Distribution) -> str:
    # The whole metadata of some take longer to parse than a model to load.
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    found = re.search(r"^Name: *(.+?) *$", text, re.MULTILINE)
    return _canonical(found[1] if found else "")


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _places(spec: ModuleSpec) -> list[str]:
    """Where a module's files are; empty for one that has none, such as a built-in one."""
    if spec.has_location and spec.origin is not None:
        return [spec.origin]
    return list(spec.submodule_search_locations or ())


def _top_level(name: str) -> str:
    return name.partition(".")[0]


def _normal_place(path: str) -> str:
    directory, name = os.path.split(path)
    return _normal_directory(directory) + os.sep + os.path.normcase(name)


@cache
def _normal_directory(path: str) -> str:
    # Of some thousand modules, most share a directory with others.
    return _normal(path)


def _normal(path: str | os.PathLike[str]) -> str:
    return os.path.normcase(os.path.abspath(path))  # noqa: PTH100 - links lead out of what is installed


if __name__ == "__main__":
    main(sys.argv[1:])
