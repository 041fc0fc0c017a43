"""Import the code of packages, each content of it once, apart from other modules of the same names.

Python knows one module by each name. Two versions of one project have two by every name, and a process inside the
project has a third. So the modules of a package are kept under names of their own, which start with
``kedro_autolog_pipeline_code_1``, and see themselves under the names that they were written with:

- Models whose packages ship the same files share one set of modules, however often they are loaded.
- An ``import`` statement in these modules, at load or later, finds the modules of its own set: each module has its own
  ``__builtins__``, and thereby its own ``__import__``.
- ``pickle``, ``importlib.import_module``, ``typing.get_type_hints``, ``multiprocessing`` and others look modules up by
  name, in ``sys.modules``. For them the names stand for the modules of the set, as after any import, while there is one
  set alone. Where several sets have the same names, a signpost stands in ``sys.modules``: it is the module of the set
  whose function asks, as the call stack tells, and to all others the module of the oldest set.
- Where the process has modules of its own by these names, or could import them, the names stay the process's. The
  signposts are there only while a model is loaded, and one WARNING tells what may look modules up by name later.
- A library such as joblib sends the code of a function to other processes, which know the process's modules or those of
  the oldest set. One WARNING tells of a model that may do so and has other modules.
- When the last model of a set is gone, so are its names.

The program itself, ``kedro_autolog_pipeline`` with Kedro and MLflow, is shared, also where a package ships it: the
process goes on with what it has imported first. Two models that ship two versions of it work because every version
reads all formats before its own, and refuses a newer one.

What it does not see: who asks from a thread that a node has started, where no function of the package is on that
thread's stack; an ``import`` statement in a function that travels as a pickle; and a built-in function that is replaced
in ``builtins`` when the model is loaded already. An exception that may come of it says so in a note.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib
import logging
import os
import pickle
import sys
import threading
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader, SourcelessFileLoader
from importlib.util import find_spec, resolve_name
from itertools import count
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

_LOGGER = logging.getLogger(__name__)

CODE_DIRECTORY = "code"
"""Where a package keeps its code; MLflow puts it on ``sys.path`` before it loads the model."""

_BESIDE_CODE = ("manifest.json", "MLmodel")
"""Files that are in every package, beside the directory of its code."""

_PROGRAM = frozenset({__name__.partition(".")[0], "kedro", "mlflow"})
"""What runs every model: a second one would take the datasets and models of the first for strangers."""

_PROGRAM_DIRECTORY = os.path.realpath(Path(__file__).parents[2])
"""Where this package was imported from; it may be the code of a model."""

_PICKLING_LIBRARIES = frozenset({"cloudpickle", "dill", "joblib", "pickle"})

_SENDING_LIBRARIES = frozenset({"dask", "distributed", "loky", "multiprocess", "pathos", "ray"})
"""They send the code of a function to other processes, as ``joblib.Parallel`` does. An ``import`` statement in it finds
other modules there. Python's own ``multiprocessing`` sends its name, which fails with a reason."""

_LOOKUP_ERRORS = (AttributeError, BrokenExecutor, ImportError, NameError, pickle.PickleError)
"""What is raised when a name stands for another module than was meant, here or in a process that a node starts."""

_PREFIX = "kedro_autolog_pipeline_code_"
"""What the own names of a set's modules start with."""

_NUMBERS = count(1)


class PackageCode:
    """A model's share in the code that its package ships; while there is one, the code keeps its names.

    Args:
        package: The package's directory.
        model: The model's name, for what is said of it.
        modules: Names of the modules that the package ships.
    """

    def __init__(self, package: Path, model: str, modules: Iterable[str]) -> None:
        self._model = model
        self._directory = os.path.realpath(package / CODE_DIRECTORY)
        self._names = frozenset(map(_top_level, modules)) - _PROGRAM
        self._modules: _Modules | None = None

    def load(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function that loads what is in the package; what it imports by name is the package's."""
        _take_off_path(self._directory)
        if not self._names:
            return function(*arguments)
        digest = _digest(self._directory, self._names)
        is_guest = any(map(_is_elsewhere, self._names))
        with _locked():
            modules = _living(digest) or _Modules(digest, self._directory, self._names)
            modules.is_guest = modules.is_guest or is_guest
            _add_share(modules, self._directory)
        leave = weakref.finalize(self, _leave, modules, self._directory)
        leave.atexit = False
        self._modules = modules
        try:
            with modules.shown():
                result = self.calling(function)(*arguments)
        except BaseException:
            # The traceback keeps this object.
            leave()
            raise
        if modules.is_guest or _has_older_version(modules):
            self._warn(modules)
        return result

    def calling(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function`` as one that finds the package's modules by their names when it is called."""
        return function if self._modules is None else self._modules.calling(function)

    def _warn(self, modules: _Modules) -> None:
        trees = {name: _parsed(module) for name, module in sorted(modules.found.items())}
        # In this process, a model's functions find its own modules by their names, unless the names are the process's.
        looking = [name for name, tree in trees.items() if modules.is_guest and _finds_by_name(tree, self._names)]
        sending = [name for name, tree in trees.items() if any(map(_is_sender, ast.walk(tree)))]
        doing = {"may look modules up by name": looking, "may send functions to other processes": sending}
        told = [f"{', '.join(names)} {does}" for does, names in doing.items() if names]
        if told:
            _LOGGER.warning(
                "'%s' may run code that it was not packaged with: when it predicts, %s, and this process has other "
                "modules by the names %s. Load it in a process of its own.",
                self._model,
                " and ".join(told),
                ", ".join(sorted(self._names)),
            )


class _Modules:
    """One content of code, and the modules that were imported from it.

    Attributes:
        digest: SHA-256 of its files.
        directory: Where its files are; one of ``shares``.
        names: The top-level names that it ships.
        shares: Where each model that holds it has its code.
        is_guest: Whether the process has modules of its own by these names.
        found: By the name they were written with, its modules, also those that are still being imported.
        done: Names of those that are imported.
    """

    def __init__(self, digest: str, directory: str, names: frozenset[str]) -> None:
        self.digest = digest
        self.directory = directory
        self.names = names
        self.shares: list[str] = []
        self.is_guest = False
        self.found: dict[str, ModuleType] = {}
        self.done: set[str] = set()
        self.root = ModuleType(f"{_PREFIX}{next(_NUMBERS)}")
        self.root.__path__ = [directory]
        self._builtins = {**vars(builtins), "__import__": self._import}

    def own_name(self, name: str) -> str:
        """Return the name under which a module of the set is in ``sys.modules``, whoever else has one by ``name``."""
        return f"{self.root.__name__}.{name}"

    def module(self, name: str) -> ModuleType:
        """Return a module of the set, imported if it was not.

        Raises:
            ImportError: When there is none, or whatever importing it raises.
        """
        if name in self.done:
            return self.found[name]
        return importlib.import_module(self.own_name(name))

    def has(self, name: str) -> bool:
        """Whether there is a module by this name in the set."""
        try:
            return name in self.found or find_spec(self.own_name(name)) is not None
        except ModuleNotFoundError:
            return False

    def calling(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function`` as one of the set: whoever asks for a module by name in a call of it gets the set's."""

        def call(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except _LOOKUP_ERRORS as error:
                self._explain(error)
                raise

        namespace = {"__builtins__": self._builtins, "_LOOKUP_ERRORS": _LOOKUP_ERRORS}
        return FunctionType(call.__code__, namespace, None, None, call.__closure__)

    def find_spec(self, name: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """Find a module of the set; ``path`` is that of the package that it is in."""
        is_top_level = "." not in name
        # A namespace package has portions in the environment, too.
        spec = PathFinder.find_spec(self.own_name(name), [self.directory, *sys.path] if is_top_level else path)
        if spec is None or (is_top_level and not _is_in(spec, self.directory)):
            return None
        if spec.submodule_search_locations is not None:
            # The path of a namespace package would follow sys.path, where the next model's code comes first.
            spec.submodule_search_locations = list(spec.submodule_search_locations)
        spec.loader = _Loader(self, name, spec)
        return spec

    def begin(self, name: str, module: ModuleType) -> None:
        """Take up a module that is about to be executed."""
        vars(module).update(
            __builtins__=self._builtins,
            __name__=name,
            __package__=name if hasattr(module, "__path__") else name.rpartition(".")[0],
        )
        with _locked():
            self.found[name] = module
            if not self.is_guest or _SHOWN[_top_level(name)]:
                # For what asks for the module while it is executed, such as a dataclass.
                sys.modules.setdefault(name, _Signpost(name))

    def finish(self, name: str) -> None:
        """Note that a module was executed."""
        with _locked():
            self.done.add(name)
            if not self.is_guest:
                _point(name)

    def abandon(self, name: str) -> None:
        """Forget a module that could not be executed."""
        with _locked():
            self.found.pop(name, None)
            if not self.is_guest:
                _point(name)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the set in ``sys.modules``, also when all of its models are gone and only an object of it is left."""
        with _locked():
            directory = self.directory
            _add_share(self, directory)
        try:
            yield
        finally:
            _leave(self, directory)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Let the names stand for the set's modules, to its own functions, where they are the process's."""
        if not self.is_guest:
            yield
            return
        with _locked():
            _show(self.names)
        try:
            yield
        finally:
            with _locked():
                _hide(self.names)

    def move(self, directory: str) -> None:
        """Have what is read from now on read from another directory with the same files, for the first may go."""
        old, self.directory = self.directory, directory

        def moved(place: str) -> str:
            return directory + place[len(old) :] if place == old or place.startswith(old + os.sep) else place

        for module in (self.root, *self.found.values()):
            if hasattr(module, "__path__"):
                module.__path__ = list(map(moved, module.__path__))
            if getattr(module, "__file__", None) is not None:
                module.__file__ = moved(module.__file__ or "")

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the arguments of __import__
        locals: Mapping[str, Any] | None = None,  # noqa: A002 - see above
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Import as a statement in the set's modules does: ``__import__``, for them alone."""
        package = (globals or {}).get("__package__") or ""
        absolute = resolve_name("." * level + name, package) if level else name
        if _top_level(absolute) not in self.names:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        wanted = fromlist or ()
        if absolute not in self.done or not all(hasattr(self.found[absolute], each) for each in wanted):
            with self.held(), self.shown():
                self._import_late(absolute, wanted)
        return self.found[absolute if wanted else _top_level(absolute)]

    def _import_late(self, name: str, wanted: Sequence[str]) -> None:
        try:
            module = importlib.import_module(self.own_name(name))
            if not hasattr(module, "__path__"):
                return
            for each in [*wanted, *(getattr(module, "__all__", ()) if "*" in wanted else ())]:
                if each != "*" and not hasattr(module, each) and self.has(f"{name}.{each}"):
                    # Python sets it later, and finds one that is being imported by its name.
                    setattr(module, each, importlib.import_module(self.own_name(f"{name}.{each}")))
        except ModuleNotFoundError as error:
            own = self.own_name("")
            if error.name is not None and error.name.startswith(own):
                error.name = error.name.removeprefix(own)
                error.msg = f"No module named {error.name!r}"
                error.args = (error.msg,)
            raise

    def _explain(self, error: BaseException) -> None:
        names = sorted(name for name in self.names if self.is_guest or len(_sharers(name)) > 1)
        if names and hasattr(error, "add_note"):
            error.add_note(
                f"This process has several versions of {', '.join(map(repr, names))}. A thread or a process "
                "that a node starts may find modules of another version. Load the model in a process of its own."
            )


class _Loader(Loader):
    """Executes a module of a set, which sees itself under the name that it was written with."""

    def __init__(self, modules: _Modules, name: str, spec: ModuleSpec) -> None:
        self._modules = modules
        self._name = name
        self._loader: Any = spec.loader
        if isinstance(spec.loader, SourceFileLoader | SourcelessFileLoader):
            # They refuse to load a module whose name is not theirs.
            self._loader = type(spec.loader)(name, spec.loader.path)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Have the module made by who knows its kind."""
        made: ModuleType | None = None if self._loader is None else self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module."""
        spec = module.__spec__
        assert spec is not None  # noqa: S101 - who calls it has set it
        own_name, spec.name = spec.name, self._name
        self._modules.begin(self._name, module)
        try:
            if self._loader is not None:
                spec.loader = module.__loader__ = self._loader
                self._loader.exec_module(module)
        except BaseException:
            self._modules.abandon(self._name)
            raise
        finally:
            # Who has called it looks for the module under its own name.
            spec.name = own_name
        module.__spec__ = ModuleSpec(self._name, spec.loader, origin=spec.origin)
        module.__spec__.submodule_search_locations = spec.submodule_search_locations
        module.__spec__.has_location = spec.has_location
        self._modules.finish(self._name)


class _LoaderByName(Loader):
    """Imports a module of a set that is asked for by name."""

    def __init__(self, modules: _Modules) -> None:
        self._modules = modules

    def exec_module(self, module: ModuleType) -> None:
        """Import the set's module; what it leaves in ``sys.modules`` is what the import gives."""
        name = module.__name__
        with _locked():
            sys.modules[name] = _Signpost(name)
        self._modules.module(name)
        with _locked():
            if not self._modules.is_guest:
                _point(name)


class _Finder:
    """Finds the modules of all sets, as on ``sys.meta_path``."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 - what Python may give
    ) -> ModuleSpec | None:
        """Find a module by its own name in a set, or by the name that it was written with, for who asks."""
        root, _, inner = name.partition(".")
        if root.startswith(_PREFIX):
            modules = next((each for each in _LIVING if each.root.__name__ == root), None)
            return modules.find_spec(inner, path) if modules is not None and inner else None
        if not _sharers(root):
            return None
        modules = _asking(root)
        if modules is None:
            modules = _holder(root)
            is_processes = (
                _is_elsewhere(name) if path is None else not all(map(_is_in_package, path))  # its package is not ours
            )
            if is_processes:
                return None
        if modules is None or (modules.is_guest and not _SHOWN[root]) or not modules.has(name):
            return None
        return ModuleSpec(name, _LoaderByName(modules))


class _Signpost(ModuleType):
    """Stands in ``sys.modules`` for a name that several have: it is, to who asks, the module that is theirs."""

    def __getattribute__(self, name: str) -> Any:
        return getattr(_meant(_name_of(self)), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_meant(_name_of(self)), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_meant(_name_of(self)), name)

    def __dir__(self) -> Iterable[str]:
        return dir(_meant(_name_of(self)))

    def __repr__(self) -> str:
        return f"<signpost to the modules {_name_of(self)!r}>"


_LIVING: list[_Modules] = []
"""The sets that some model holds, the oldest first."""

_SHOWN: Counter[str] = Counter()
"""For how many loads there are signposts in the place of the process's own modules, by top-level name."""

_AT_HOME: dict[str, ModuleType] = {}
"""The process's own modules in whose place there are signposts, by name."""

_LEFT: deque[tuple[_Modules, str]] = deque()
"""Shares that are given up and not yet taken away."""

_LOCK = threading.Lock()
"""Held by who changes any of these, or what names stand for; never while code of others runs."""

_FINDER = _Finder()


def _renew_lock() -> None:
    global _LOCK  # noqa: PLW0603 - a fork has no thread that would free the old one
    _LOCK = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@contextmanager
def _locked() -> Iterator[None]:
    with _LOCK:
        yield
    _take_away()


def _leave(modules: _Modules, directory: str) -> None:
    """Give up a share in a set; the garbage collector may call it anywhere, also in who holds the lock."""
    _LEFT.append((modules, directory))
    _take_away()


def _take_away() -> None:
    # Who holds the lock now looks again when it is free.
    while _LEFT and _LOCK.acquire(blocking=False):
        try:
            while _LEFT:
                _remove_share(*_LEFT.popleft())
        finally:
            _LOCK.release()


def _living(digest: str) -> _Modules | None:
    return next((each for each in _LIVING if each.digest == digest and Path(each.directory).is_dir()), None)


def _has_older_version(modules: _Modules) -> bool:
    """Whether another set of the process had a name of this one before it."""
    with _locked():
        return any(each.names & modules.names for each in _LIVING[: _LIVING.index(modules)])


def _add_share(modules: _Modules, directory: str) -> None:
    modules.shares.append(directory)
    is_new = modules not in _LIVING
    if is_new:
        _LIVING.append(modules)
        sys.modules[modules.root.__name__] = modules.root
        sys.modules.update({modules.own_name(name): module for name, module in modules.found.items()})
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    for each in _LIVING:
        # Somebody may have made the process forget a set's modules, and import its own.
        each.is_guest = each.is_guest or any(map(_is_processes, each.names))
    if is_new:
        _settle(modules.names)


def _remove_share(modules: _Modules, directory: str) -> None:
    modules.shares.remove(directory)
    if modules.shares:
        if modules.directory not in modules.shares:
            modules.move(modules.shares[0])
            _settle_path()
        return
    _LIVING.remove(modules)
    for name in [modules.root.__name__, *map(modules.own_name, modules.found)]:
        sys.modules.pop(name, None)
    for place in [place for place in sys.path_importer_cache if _is_below(place, modules.directory)]:
        del sys.path_importer_cache[place]
    _settle(modules.names)
    if not _LIVING:
        sys.meta_path.remove(_FINDER)


def _settle(names: Iterable[str]) -> None:
    """Let top-level names, and all that is below them, stand for who has them now."""
    for top_level in names:
        below = {name for name in list(sys.modules) if _top_level(name) == top_level}
        for name in below.union(*(each.found for each in _sharers(top_level))):
            if _top_level(name) == top_level:
                _point(name)
    _settle_path()


def _point(name: str) -> None:
    """Let one name stand for the only set that has it, for a signpost where there are several, or for nothing."""
    if _is_processes(name) or _SHOWN[_top_level(name)]:
        return
    sharers = _sharers(_top_level(name))
    holder = _holder(_top_level(name))
    if holder is None or not any(name in each.found for each in sharers):
        sys.modules.pop(name, None)
    elif len(sharers) == 1 and name in holder.done:
        sys.modules[name] = holder.found[name]
    elif not isinstance(sys.modules.get(name), _Signpost):
        sys.modules[name] = _Signpost(name)


def _settle_path() -> None:
    """Put the code of who holds names on ``sys.path``, for processes that this one may start, and no other."""
    holders = dict.fromkeys(holder.directory for each in _LIVING for name in each.names if (holder := _holder(name)))
    _take_off_path(*(place for each in _LIVING for place in each.shares))
    _drop_from_path(_is_code_directory)
    sys.path += [*holders, *([_PROGRAM_DIRECTORY] if _is_code_directory(_PROGRAM_DIRECTORY) else [])]


def _take_off_path(*directories: str) -> None:
    _drop_from_path(lambda entry: os.path.realpath(entry) in directories)


def _drop_from_path(is_dropped: Callable[[str], bool]) -> None:
    """Remove entries from ``sys.path`` one by one: all threads share the list, and keep their own entries."""
    for entry in filter(is_dropped, sys.path.copy()):
        # Another thread may have been quicker.
        with suppress(ValueError):
            sys.path.remove(entry)


def _show(names: Iterable[str]) -> None:
    for top_level in names:
        _SHOWN[top_level] += 1
        if _SHOWN[top_level] == 1:
            for name in [name for name in list(sys.modules) if _top_level(name) == top_level]:
                _AT_HOME[name] = sys.modules[name]
                sys.modules[name] = _Signpost(name)


def _hide(names: Iterable[str]) -> None:
    for top_level in names:
        _SHOWN[top_level] -= 1
        if _SHOWN[top_level] == 0:
            for name in [name for name in list(sys.modules) if _top_level(name) == top_level]:
                home = _AT_HOME.pop(name, None)
                if home is not None:
                    sys.modules[name] = home
                elif isinstance(sys.modules[name], _Signpost):
                    del sys.modules[name]


def _sharers(top_level: str) -> list[_Modules]:
    return [each for each in _LIVING if top_level in each.names]


def _holder(top_level: str) -> _Modules | None:
    """Return the set that a name belongs to; None where it is the process's, or nobody's."""
    return next((each for each in _LIVING if top_level in each.names and not each.is_guest), None)


def _asking(top_level: str) -> _Modules | None:
    """Return the set whose function, the innermost on the stack, asks for a module by name; None for all others."""
    frame = sys._getframe()  # noqa: SLF001 - the only way to the stack that costs nothing elsewhere
    while (back := frame.f_back) is not None:
        frame = back
        modules = _set_of(frame.f_builtins)
        if modules is not None and top_level in modules.names:
            return modules
    return None


def _set_of(module_builtins: object) -> _Modules | None:
    importer = module_builtins.get("__import__") if isinstance(module_builtins, dict) else None
    owner = getattr(importer, "__self__", None)
    return owner if isinstance(owner, _Modules) else None


def _meant(name: str) -> ModuleType:
    """Return the module that a signpost is to who asks.

    Raises:
        AttributeError: When they have none.
    """
    asking, holder = _asking(_top_level(name)), _holder(_top_level(name))
    if asking is not None and asking is not holder and _is_being_spawned():
        # The name would be looked up there, where it stands for another module.
        raise AttributeError(f"module {name!r} is another one in the process that is started")
    modules = asking or holder
    if modules is not None:
        try:
            return modules.module(name)
        except ModuleNotFoundError as error:
            raise AttributeError(f"no module named {name!r} is in the code that the model was packaged with") from error
    home = _AT_HOME.get(name) or sys.modules.get(name) or importlib.import_module(name)
    if isinstance(home, _Signpost):
        # As from a module that is being imported.
        raise AttributeError(f"module {name!r} is not there while a model is loaded")  # noqa: TRY004 - not about a type
    return home


def _is_being_spawned() -> bool:
    """Whether multiprocessing is pickling what a new process, which does not share this one's modules, will run."""
    # multiprocessing tells it to what is pickled, and does not document it.
    context = sys.modules.get("multiprocessing.context")
    return context is not None and context.get_spawning_popen() is not None


def _name_of(signpost: _Signpost) -> str:
    name: str = ModuleType.__getattribute__(signpost, "__dict__")["__name__"]
    return name


def _is_processes(name: str) -> bool:
    """Whether a name stands for a module that is in no set."""
    module = sys.modules.get(name)
    return not (module is None or isinstance(module, _Signpost) or _set_of(getattr(module, "__builtins__", None)))


def _is_elsewhere(name: str) -> bool:
    """Whether the process has a top-level module that is in no package, or could import one."""
    if _is_processes(name) or name in _AT_HOME:
        return True
    for finder in [each for each in sys.meta_path if each is not _FINDER and hasattr(each, "find_spec")]:
        # MLflow puts the code of packages before all others.
        path = [entry for entry in sys.path if not _is_code_directory(entry)] if finder is PathFinder else None
        try:
            spec = finder.find_spec(name, path)
        except (ImportError, ValueError):
            # It refuses the name.
            return False
        if spec is not None:
            # The other portions of a namespace package are no other version of it.
            return spec.loader is not None and not all(map(_is_in_package, _places(spec)))
    return False


def _places(spec: ModuleSpec) -> list[str]:
    return [*(spec.submodule_search_locations or ()), *filter(None, [spec.origin])]


def _is_in(spec: ModuleSpec, directory: str) -> bool:
    return any(_is_below(place, directory) for place in _places(spec))


def _is_below(place: str, directory: str) -> bool:
    real = os.path.realpath(place)
    return real == directory or real.startswith(directory + os.sep)


def _is_in_package(place: str) -> bool:
    return any(_is_code_directory(str(each)) for each in (Path(place), *Path(place).parents))


def _is_code_directory(place: str) -> bool:
    """Whether a directory is the code of a package."""
    path = Path(place)
    return path.name == CODE_DIRECTORY and all((path.parent / name).is_file() for name in _BESIDE_CODE)


def _digest(directory: str, names: Iterable[str]) -> str:
    """Return the SHA-256 of the files that packages and modules by these names have in a directory, hexadecimal."""
    digest = hashlib.sha256()
    root = Path(directory)
    files = sorted(path for name in sorted(names) for path in [*root.glob(f"{name}/**/*"), *root.glob(f"{name}.*")])
    for file in (path for path in files if path.is_file() and path.parent.name != "__pycache__"):
        content = hashlib.sha256()
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                content.update(block)
        digest.update(f"{file.relative_to(root).as_posix()}\0{content.hexdigest()}\n".encode())
    return digest.hexdigest()


def _parsed(module: ModuleType) -> ast.Module:
    """Parse the source of a module; one that has none is empty."""
    file = getattr(module, "__file__", None)
    return ast.parse(Path(file).read_bytes() if file is not None and file.endswith(".py") else b"")


def _finds_by_name(tree: ast.Module, shipped: Iterable[str]) -> bool:
    """Whether functions of a module find modules by name when they are called: they import one, or read a pickle."""
    functions = (
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    )
    return any(_is_lookup(node, shipped) for function in functions for node in ast.walk(function))


def _is_sender(node: ast.AST) -> bool:
    """Whether a node of a module's tree is about sending functions to other processes."""
    match node:
        # Most who import joblib read and write files with it.
        case ast.Attribute(ast.Name("joblib"), "Parallel"):
            return True
        case ast.ImportFrom(module="joblib", names=names):
            return any(alias.name == "Parallel" for alias in names)
        case ast.Import(names):
            return any(_top_level(alias.name) in _SENDING_LIBRARIES for alias in names)
        case ast.ImportFrom(module=str(name), level=0):
            return _top_level(name) in _SENDING_LIBRARIES
        case _:
            return False


def _is_lookup(node: ast.AST, shipped: Iterable[str]) -> bool:
    match node:
        case ast.Call(ast.Name("import_module") | ast.Attribute(attr="import_module"), [ast.Constant(str(name)), *_]):
            return _top_level(name) in {*shipped, ""}
        case ast.Call(ast.Name("import_module") | ast.Attribute(attr="import_module")):
            return True
        case ast.Call(ast.Attribute(ast.Name(library), "load" | "loads")):
            return library in _PICKLING_LIBRARIES
        case _:
            return False


def _top_level(name: str) -> str:
    return name.partition(".")[0]
