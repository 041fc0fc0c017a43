"""Find the code to ship and the requirements to pin, by following imports."""

from __future__ import annotations

import sys
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import attrs
from packaging.utils import canonicalize_name

from kedro_autolog_pipeline.dependencies.distributions import Distribution, installation_directory
from kedro_autolog_pipeline.dependencies.imports import Imports, read_imports
from kedro_autolog_pipeline.dependencies.modules import Module, find_module

_REASONS_GIVEN = 5
"""How many reasons are listed for one entry; numpy has one in nearly every module."""

_NOT_FOLLOWED = frozenset(sys.stdlib_module_names) | {"__main__"}
"""Top-level names that are everywhere, and the script: what it defines travels as a pickle."""

_OWN_PACKAGE = __name__.partition(".")[0]


@attrs.frozen
class Seed:
    """A module that the model imports by itself, from which the others are found.

    Attributes:
        module: Its importable dotted name.
        reason: Why the model imports it, one phrase ("function of node 'predict'").
    """

    module: str
    reason: str


@attrs.frozen
class ShippedCode:
    """A package or module that no index provides.

    Attributes:
        module: Its importable name. It is a top-level name, or the dotted name of a
            portion of a namespace package whose other portions an index provides.
        source: Absolute path of its directory, or of its file.
        reasons: Why the model needs it, sorted; some, where there are many.
        files: Absolute paths of the files that travel; None means the whole package.
    """

    module: str
    source: Path
    reasons: tuple[str, ...]
    files: frozenset[Path] | None = None

    @property
    def path(self) -> str:
        """Where it goes, relative to the directory of shipped code, with forward slashes."""
        suffixes = "" if self.source.is_dir() else "".join(self.source.suffixes)
        return self.module.replace(".", "/") + suffixes


@attrs.frozen
class Requirement:
    """A distribution that an index provides.

    Attributes:
        distribution: Its name as its metadata has it.
        version: The installed version, without a local label such as ``+cpu``, which
            indexes refuse.
        reasons: Why the model needs it, sorted; some, where there are many.
    """

    distribution: str
    version: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        """Return it as in requirements.txt."""
        return f"{self.distribution}=={self.version}"


@attrs.frozen
class Environment:
    """What a model needs beside Python.

    Attributes:
        code: What must travel with it, sorted by module.
        requirements: What is to be installed for it, sorted by name.
    """

    code: tuple[ShippedCode, ...]
    requirements: tuple[Requirement, ...]

    def with_code_paths(self, code_paths: Iterable[str] | None, project_path: Path) -> Environment:
        """Put the code that the user names in the place of the code that was found.

        Args:
            code_paths: What the user names, relative to the project; None for nothing.
            project_path: The project's directory.
        """
        if code_paths is None:
            return self
        paths = [project_path / path for path in code_paths]
        named = [ShippedCode(path.stem, path, ("named in code_paths",)) for path in paths]
        # Without this package, no other code can be called.
        own = [code for code in self.code if code.module == __name__.partition(".")[0]]
        return attrs.evolve(self, code=(*named, *own))


def find_environment(seeds: Iterable[Seed], *, at_import_only: bool = False) -> Environment:
    """Find the code to ship and the requirements to pin.

    Starts from the seeds, and follows the imports of every module that has to be
    shipped, and of the packages that it is in. A package is shipped whole, but only
    what is reached in it counts: a dependency of training alone is no requirement.
    Of this package, whose imports are all plain statements, only what is reached is shipped.

    A module that an index provides is not followed, as its distribution declares what
    it imports. The exception is a seed, for a Kedro dataset imports libraries that
    ``kedro-datasets`` does not declare.

    An import that is not found here is left out, be it optional or a mistake.

    Args:
        seeds: The modules that the model imports by itself.
        at_import_only: Whether to follow only the imports that importing a module is sure
            to execute. What is found then is what no model can do without; otherwise it is
            all that one may come to need.
    """
    search = _Search(at_import_only=at_import_only)
    for seed in seeds:
        search.add(seed)
    return search.environment()


@attrs.frozen
class _Source:
    """What is shipped for a module: the package that it is in, or the module itself."""

    module: str
    path: Path


_Provider: TypeAlias = Distribution | _Source


@attrs.frozen
class _Import:
    """An import that is still to be followed.

    Attributes:
        name: What is imported, a module or an attribute of one.
        reason: Why it counts.
        importer: Who provides the importing module; None for a seed.
    """

    name: str
    reason: str
    importer: _Provider | None


class _Search:
    """What was found so far, and what is still to be followed."""

    def __init__(self, *, at_import_only: bool) -> None:
        self._at_import_only = at_import_only
        self._reasons: defaultdict[_Provider, set[str]] = defaultdict(set)
        self._pending: deque[_Import] = deque()
        self._followed: set[tuple[str, bool]] = set()
        self._read: dict[str, Imports] = {}
        self._modules: dict[str, Module | None] = {}
        self._distributions: dict[str, Distribution | None] = {}

    def add(self, seed: Seed) -> None:
        self._need(_Import(seed.module, seed.reason, None))
        for module, provider in self._providers(self._path(seed.module)):
            if module.name == seed.module:
                self._follow(module, provider)
        while self._pending:
            self._need(self._pending.popleft())

    def environment(self) -> Environment:
        code, requirements = [], []
        for provider, reasons in self._reasons.items():
            given = tuple(sorted(reasons)[:_REASONS_GIVEN])
            if isinstance(provider, _Source):
                files = self._followed_files() if provider.module == _OWN_PACKAGE else None
                code.append(ShippedCode(provider.module, provider.path, given, files))
            else:
                requirements.append(Requirement(provider.name, provider.version.partition("+")[0], given))
        return Environment(
            tuple(sorted(code, key=lambda entry: (entry.module, entry.source))),
            tuple(sorted(requirements, key=lambda entry: canonicalize_name(entry.distribution))),
        )

    def _followed_files(self) -> frozenset[Path]:
        """Return the files of this package's modules that were reached."""
        modules = (self._modules[name] for name, _ in self._followed if name.partition(".")[0] == _OWN_PACKAGE)
        return frozenset(module.file for module in modules if module is not None and module.file is not None)

    def _need(self, needed: _Import) -> None:
        path = self._path(needed.name)
        is_attribute = len(path) <= needed.name.count(".")
        for module, provider in self._providers(path):
            if provider != needed.importer:
                self._reasons[provider].add(needed.reason)
            if isinstance(provider, _Source):
                self._follow(module, provider)
                if is_attribute and module == path[-1] and not self._at_import_only:
                    self._follow(module, provider, on_access=True)

    def _follow(self, module: Module, provider: _Provider, *, on_access: bool = False) -> None:
        """Have what a module imports followed, once.

        Args:
            module: The module.
            provider: Who provides it.
            on_access: Whether it is about what its ``__getattr__`` imports.
        """
        if (module.name, on_access) in self._followed:
            return
        self._followed.add((module.name, on_access))
        imports = self._imports(module)
        names = imports.at_import if self._at_import_only else imports.names
        for name in imports.on_access if on_access else names:
            self._pending.extend(
                _Import(expanded, f"imported by {module.name}", provider) for expanded in self._expanded(name)
            )

    def _expanded(self, name: str) -> Iterator[str]:
        """Yield a name, and those that ``from package import *`` takes."""
        yield name
        package, _, last = name.rpartition(".")
        path = self._path(package) if last == "*" else []
        if len(path) > package.count("."):
            yield from (f"{package}.{exported}" for exported in self._imports(path[-1]).exported)

    def _imports(self, module: Module) -> Imports:
        if module.name not in self._read:
            file = module.file if module.file is not None and module.file.suffix == ".py" else None
            self._read[module.name] = read_imports(file.read_bytes(), module.package) if file else Imports()
        return self._read[module.name]

    def _providers(self, path: Sequence[Module]) -> Iterator[tuple[Module, _Provider]]:
        """Find each module on the way that an import executes, outermost first, and who provides it."""
        distribution = None
        for module in path:
            # A file that its distribution does not list came into the package later, and stays with it.
            distribution = self._distribution(module, distribution) or distribution
            if distribution is not None and distribution.is_on_index:
                yield module, distribution
            elif module.file is not None:
                yield module, self._source(path)

    def _path(self, name: str) -> list[Module]:
        """Find the packages on the way to a name and what it names, as far as there are modules."""
        path: list[Module] = []
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            module = self._module(".".join(parts[:length]), path[-1] if path else None)
            if module is None:
                break
            path.append(module)
        return path

    def _module(self, name: str, parent: Module | None) -> Module | None:
        if name in _NOT_FOLLOWED:
            return None
        if name not in self._modules:
            self._modules[name] = find_module(name, parent)
        return self._modules[name]

    def _distribution(self, module: Module, parent: Distribution | None) -> Distribution | None:
        if module.name not in self._distributions:
            self._distributions[module.name] = self._find_distribution(module, parent)
        return self._distributions[module.name]

    def _find_distribution(self, module: Module, parent: Distribution | None) -> Distribution | None:
        if module.file is None or module.root is None:
            return None
        file = module.file.relative_to(module.root).as_posix()
        return installation_directory(module.root).provider(file, parent.name if parent is not None else None)

    def _source(self, path: Sequence[Module]) -> _Source:
        """Find the outermost package on the way that does not hold what an index provides."""
        first, file = next((module, module.file) for module in path if module.file is not None)
        if first.root is not None:
            for namespace in path[: path.index(first)]:
                directory = namespace.name.replace(".", "/")
                if not installation_directory(first.root).is_shared(directory):
                    return _Source(namespace.name, first.root / directory)
        return _Source(first.name, file.parent if first.is_package else file)
