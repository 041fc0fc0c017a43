"""Find where a module is on this machine, without importing anything."""

from __future__ import annotations

import importlib.util
import os
import pkgutil
from importlib.machinery import ModuleSpec
from pathlib import Path

import attrs


@attrs.frozen
class Module:
    """A module that Python would import, and where from.

    Attributes:
        name: Its dotted name.
        file: Absolute path of its source, or of what is there instead of a source
            (an extension, a compiled module); None for a namespace package.
        locations: Directories of its submodules; empty for what is not a package.
    """

    name: str
    file: Path | None
    locations: tuple[str, ...] = ()

    @property
    def is_package(self) -> bool:
        """Whether it has submodules."""
        return bool(self.locations)

    @property
    def package(self) -> str:
        """What a relative import in it starts from; empty for a top-level module."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @property
    def root(self) -> Path | None:
        """The directory that its dotted name starts in.

        None where the file's path does not follow the name: a namespace package has
        no file, and an editable install may map a name to any file.
        """
        if self.file is None:
            return None
        path = self.file.parent if self.is_package else self.file.with_name(self.file.name.partition(".")[0])
        tail = "/" + self.name.replace(".", "/")
        return Path(path.as_posix().removesuffix(tail) or "/") if path.as_posix().endswith(tail) else None


def find_module(name: str, parent: Module | None) -> Module | None:
    """Find a module as an import would, without executing the packages that it is in.

    Args:
        name: Its dotted name.
        parent: The package that it is in; None for a top-level name.

    Returns:
        None where there is none, or none with a file: built into Python, made at
        run time, or inside of a zip archive.
    """
    if parent is None:
        return _located(_top_level_spec(name))
    portions: list[str] = []
    for location in parent.locations:
        finder = pkgutil.get_importer(location)
        spec = finder.find_spec(name) if finder is not None else None
        if spec is not None and spec.loader is not None:
            return _located(spec)
        if spec is not None:
            portions.extend(spec.submodule_search_locations or ())
    return Module(name, None, tuple(portions)) if portions else None


def _top_level_spec(name: str) -> ModuleSpec | None:
    # It gives what this process has loaded, which is the code that ran, before it searches; and it asks the
    # finders of editable installs.
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        # Somebody's finder refuses the name; a module that was made at run time has no spec.
        return None


def _located(spec: ModuleSpec | None) -> Module | None:
    if spec is None:
        return None
    locations = tuple(spec.submodule_search_locations or ())
    if spec.has_location and spec.origin is not None:
        file = Path(os.path.abspath(spec.origin))  # noqa: PTH100 - resolving links would leave the installed tree
        return Module(spec.name, file, locations) if file.is_file() else None
    return Module(spec.name, None, locations) if locations else None
