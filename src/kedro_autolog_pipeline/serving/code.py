"""Import the modules of a package for one model alone.

Python knows one module by each name. Two packages of one project have two by every name, and a process inside the
project has a third. So the modules of a package are not the process's:

- While a model is loaded, the names that its package ships stand for its own modules; then ``sys.modules`` is put
  back as it was. The model's functions and classes keep their modules alive.
- An ``import`` statement of theirs that is executed later still finds the package's modules: each of them has its own
  ``__builtins__``, and thereby its own ``__import__``.
- What finds modules by name, and not by a statement, looks into ``sys.modules`` and on ``sys.path``:
  ``importlib.import_module``, ``pickle``, ``multiprocessing``, ``typing.get_type_hints`` of a class. For them the names
  belong to the model where nobody else claims them, so that a process that serves one model is like any other. As
  soon as a second model has the same names, they belong to neither.

The program itself, ``kedro_autolog_pipeline`` with Kedro and MLflow, is shared, also where a package ships it: the
process goes on with what it has imported first. Two models that ship two versions of it work because every version
reads all formats before its own, and refuses a newer one.

What it does not see: another thread that imports a shipped name for the process itself in the moment in which a model
is loaded; an ``import`` statement in a function that travels as a pickle; and a built-in function that is replaced in
``builtins`` when the model is loaded already.
"""

from __future__ import annotations

import ast
import builtins
import logging
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec, resolve_name
from pathlib import Path
from types import ModuleType
from typing import Any

from kedro_autolog_pipeline.serving.manifest import Manifest

_LOGGER = logging.getLogger(__name__)

CODE_DIRECTORY = "code"
"""Where a package keeps its code; MLflow puts it on ``sys.path`` before it loads the model."""

_PROGRAM = frozenset({__name__.partition(".")[0], "kedro", "mlflow"})
"""What runs every model: a second one would take the datasets and models of the first for strangers."""

_PICKLING_LIBRARIES = frozenset({"cloudpickle", "dill", "joblib", "pickle"})

_LOCK = threading.RLock()
"""Held by who changes what names stand for."""


class PackageCode:
    """The code of one loaded package; also the finder, as on ``sys.meta_path``, of its modules.

    Args:
        package: The package's directory.
        manifest: Its manifest.
    """

    def __init__(self, package: Path, manifest: Manifest) -> None:
        self._model = manifest.name
        self._directory = os.path.realpath(package / CODE_DIRECTORY)
        self._names = frozenset(_top_level(entry.module) for entry in manifest.code) - _PROGRAM
        self._modules: dict[str, ModuleType] = {}
        self._builtins = {**vars(builtins), "__import__": self._import}
        self._is_loading = False
        self._is_in_place = False
        self._is_holder = False

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Let every import, in all threads, give the package's own modules; then give the process back its own."""
        if not self._names:
            yield
            return
        with _LOCK:
            _remove_from_path(self._directory)
            with self._in_place():
                self._is_loading = True
                try:
                    yield
                finally:
                    self._is_loading = False
            self._settle()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module that the package ships.

        A top-level one is found only while the package's modules are in place, and the others in what was found so.
        """
        if _top_level(name) not in self._names:
            return None
        if path is None and self._is_in_place:
            path = [self._directory, *sys.path]
        spec = None if path is None else PathFinder.find_spec(name, path, target)
        if spec is None or not self._is_own(spec):
            return None
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path, self._builtins)
        if spec.submodule_search_locations is not None:
            # The path of a namespace package would follow sys.path, where the next model's code comes first.
            spec.submodule_search_locations = list(spec.submodule_search_locations)
        return spec

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the arguments of __import__
        locals: Mapping[str, Any] | None = None,  # noqa: A002 - see above
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Import as a statement in the package's modules does: ``__import__``, for them alone."""
        package = (globals or {}).get("__package__") or ""
        absolute = resolve_name("." * level + name, package) if level else name
        if _top_level(absolute) not in self._names or self._is_loading:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        module = self._modules.get(absolute)
        if module is not None and all(hasattr(module, each) for each in fromlist or ()):
            return module if fromlist else self._modules[_top_level(absolute)]
        if self._has_names():
            # Without the lock: a thread that waits for it may be importing the same module by its name. Where another
            # model has made this one give up the names in the meantime, what came out of it does not count.
            try:
                found = builtins.__import__(name, globals, locals, fromlist or (), level)
            except Exception:
                if self._has_names():
                    raise
            else:
                if self._has_names():
                    return found
        with self._in_place():
            return builtins.__import__(name, globals, locals, fromlist or (), level)

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        """Have the shipped names stand for the package's modules."""
        with _LOCK:
            if self._is_in_place:
                yield
                return
            others = self._taken_out()
            sys.modules.update(self._modules)
            sys.meta_path.insert(0, self)
            self._is_in_place = True
            try:
                yield
            finally:
                self._is_in_place = False
                sys.meta_path.remove(self)
                self._modules = self._taken_out()
                sys.modules.update(others)

    def _settle(self) -> None:
        """Let the names belong to this model where nobody else has them, and to no model where another one has."""
        claimed = self._names & _HOLDERS.keys()
        for holder in {_HOLDERS[name] for name in claimed}:
            if holder is not None:
                holder._isolate()  # noqa: SLF001 - of the same class
        if claimed or any(map(self._is_elsewhere, self._names)):
            self._isolate()
        else:
            sys.modules.update(self._modules)
            sys.meta_path.insert(0, self)
            # For the processes that this one may start.
            sys.path.append(self._directory)
            self._is_holder = True
            _HOLDERS.update(dict.fromkeys(self._names, self))

    def _isolate(self) -> None:
        """Take the names from this model, if it has them, and tell what may then run code that is not its own."""
        if self._has_names():
            self._modules = self._taken_out()
        if self._is_holder:
            self._is_holder = False
            sys.meta_path.remove(self)
            _remove_from_path(self._directory)
        _HOLDERS.update(dict.fromkeys(self._names, None))
        by_name = sorted(name for name, module in self._modules.items() if _finds_by_name(module, self._names))
        if by_name:
            _LOGGER.warning(
                "'%s' may run code that it was not packaged with: when it predicts, %s may look modules up by name, "
                "and this process has other modules by the names %s. Load it in a process of its own.",
                self._model,
                ", ".join(by_name),
                ", ".join(sorted(self._names)),
            )

    def _has_names(self) -> bool:
        """Whether the names still belong to this model, for the process may have taken them back."""
        return self._is_holder and all(sys.modules.get(name) is module for name, module in self._modules.items())

    def _taken_out(self) -> dict[str, ModuleType]:
        """Return all that the shipped names stand for, and let them stand for nothing."""
        return {name: sys.modules.pop(name) for name in list(sys.modules) if _top_level(name) in self._names}

    def _is_elsewhere(self, name: str) -> bool:
        """Whether the process has a top-level module that is not the package's, or could import one."""
        if name in sys.modules:
            return True
        try:
            spec = find_spec(name)
        except (ImportError, ValueError):
            # Somebody's finder refuses the name.
            return False
        # The other portions of a namespace package are no other version of it.
        return spec is not None and spec.loader is not None and not self._is_own(spec)

    def _is_own(self, spec: ModuleSpec) -> bool:
        places = [*(spec.submodule_search_locations or ()), *filter(None, [spec.origin])]
        return any(os.path.realpath(place).startswith(self._directory + os.sep) for place in places)


_HOLDERS: dict[str, PackageCode | None] = {}
"""Which model a top-level name belongs to, for every name that a model has shipped; None for a name of several.

A model that is gone does not give names back: what a model can do must not depend on the garbage collector.
"""


class _Loader(SourceFileLoader):
    """Executes a module with builtins of its own."""

    def __init__(self, name: str, path: str, module_builtins: dict[str, Any]) -> None:
        super().__init__(name, path)
        self._builtins = module_builtins

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = self._builtins
        super().exec_module(module)


def _remove_from_path(directory: str) -> None:
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry) != directory]


def _finds_by_name(module: ModuleType, shipped: Iterable[str]) -> bool:
    """Whether functions of a module find modules by name when they are called: they import one, or read a pickle."""
    file = getattr(module, "__file__", None)
    if file is None or not file.endswith(".py"):
        return False
    functions = (
        node
        for node in ast.walk(ast.parse(Path(file).read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    )
    return any(_is_lookup(node, shipped) for function in functions for node in ast.walk(function))


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
