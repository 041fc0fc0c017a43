"""Tests of ``verification/process.py``: what needs no process of its own."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from kedro_autolog_pipeline.verification.process import (
    ImportGuard,
    NotDeployedError,
    find_none_of_what_is_refused,
    hide_distributions,
)

OF_THE_TEST_RUN = [*sys.path, str(Path(__file__).parents[2])]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a directory of installed distributions."""
    directory = tmp_path / "site-packages"
    directory.mkdir()
    monkeypatch.syspath_prepend(str(directory))
    return directory


@pytest.fixture
def source(tmp_path: Path, installed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a source tree, on ``sys.path`` before the installed distributions."""
    directory = tmp_path / "src"
    directory.mkdir()
    monkeypatch.syspath_prepend(str(directory))
    return directory


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Give the code directory of a package."""
    directory = tmp_path / "package" / "code"
    directory.mkdir(parents=True)
    return directory


@pytest.fixture
def guard(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ImportGuard]:
    """Give a guard that a test may install; it lets what runs the test pass."""
    modules = dict(sys.modules)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield ImportGuard([str(installed), *OF_THE_TEST_RUN])
    sys.modules.clear()
    sys.modules.update(modules)


def write(path: Path, text: str = "") -> None:
    """Write a file, and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def origin(name: str) -> Path:
    """Import a module, and give its file."""
    importlib.invalidate_caches()
    module = importlib.import_module(name)
    assert module.__file__ is not None
    return Path(module.__file__)


def test_a_module_of_a_source_tree_is_refused(guard: ImportGuard, source: Path) -> None:
    """What is neither installed nor in the package cannot be imported, and the error says where it is."""
    write(source / "gulls.py")
    guard.install()

    with pytest.raises(ModuleNotFoundError) as caught:
        origin("gulls")

    assert (
        f"No module named 'gulls' in the package or among what is installed; '{source / 'gulls.py'}' "
        "does not travel with the model"
    ) == str(caught.value)
    assert "gulls" == caught.value.name


def test_a_module_that_is_nowhere_is_not_found_as_ever(guard: ImportGuard) -> None:
    """The guard adds nothing where there is nothing to refuse."""
    guard.install()

    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'auks'$"):
        origin("auks")


def test_an_installed_module_is_found_behind_a_source_tree(guard: ImportGuard, source: Path, installed: Path) -> None:
    """A source tree that comes first on ``sys.path`` does not hide what is installed."""
    write(source / "gulls.py")
    write(installed / "gulls.py")
    guard.install()

    assert installed / "gulls.py" == origin("gulls")


def test_a_shipped_module_comes_from_the_package(guard: ImportGuard, source: Path, installed: Path, code: Path) -> None:
    """The package's copy is taken, whether a source tree or an installed copy comes first."""
    for directory in (source, installed, code):
        write(directory / "gulls" / "__init__.py")
        write(directory / "gulls" / "wings.py")
    guard.install()
    guard.admit(code, ["gulls"], None)

    assert (code / "gulls" / "__init__.py", code / "gulls" / "wings.py") == (
        origin("gulls"),
        origin("gulls.wings"),
    )


def test_a_shipped_module_that_the_package_lacks_is_refused_though_it_is_installed(
    guard: ImportGuard, installed: Path, code: Path
) -> None:
    """An installed copy of what the package ships is of no use: it is nowhere else."""
    write(installed / "gulls.py")
    guard.install()
    guard.admit(code, ["gulls"], None)

    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'gulls' in the package"):
        origin("gulls")


def test_a_submodule_that_only_the_source_tree_has_is_refused(
    guard: ImportGuard, source: Path, code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A namespace package may have parts in several places; each of its modules is judged for itself."""
    write(code / "birds" / "gulls.py")
    write(source / "birds" / "auks.py")
    monkeypatch.syspath_prepend(str(code))
    guard.install()
    guard.admit(code, ["birds"], None)

    assert code / "birds" / "gulls.py" == origin("birds.gulls")
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'birds\.auks' in the package"):
        origin("birds.auks")


def test_a_namespace_package_of_a_source_tree_is_refused(guard: ImportGuard, source: Path) -> None:
    """A folder without a file of its own is judged by its place."""
    write(source / "birds" / "auks.py")
    guard.install()

    with pytest.raises(ModuleNotFoundError, match=f"'{source / 'birds'}' does not travel with the model"):
        origin("birds.auks")


def test_the_finder_of_an_editable_install_does_not_hide_the_package(
    guard: ImportGuard, source: Path, code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some editable installs stand before all other finders; what they find is passed over."""
    write(source / "elsewhere" / "gulls.py")
    write(code / "gulls.py")

    class EditableFinder:
        """Finds what the source tree has beside its path."""

        @staticmethod
        def find_spec(name: str, _: Sequence[str] | None, __: ModuleType | None) -> ModuleSpec | None:
            """Find a module in the source tree."""
            path = source / "elsewhere" / f"{name}.py"
            return importlib.util.spec_from_file_location(name, path) if path.exists() else None

    monkeypatch.syspath_prepend(str(code))
    sys.meta_path.insert(0, EditableFinder)  # type: ignore[arg-type]  # importlib needs no more of a finder
    guard.install()
    guard.admit(code, ["gulls"], None)

    assert code / "gulls.py" == origin("gulls")


def test_what_was_imported_before_is_judged_too(guard: ImportGuard, source: Path, installed: Path, code: Path) -> None:
    """A module that a ``.pth`` file or a plugin of MLflow has imported is imported again, from its right place."""
    write(source / "birds" / "north" / "gulls.py")
    write(installed / "auks.py")
    origin("birds.north.gulls")
    guard.install()
    origin("auks")
    guard.admit(code, ["auks"], None)

    assert {"birds", "birds.north", "birds.north.gulls", "auks"}.isdisjoint(sys.modules)


def test_the_standard_library_may_be_imported(guard: ImportGuard, monkeypatch: pytest.MonkeyPatch) -> None:
    """So may built-in modules, and the data module of ``sysconfig``, whose name Python does not list."""
    name = importlib.import_module("sysconfig")._get_sysconfigdata_name()  # noqa: SLF001 - it has no public name
    for module in ("xml.dom", "xml", "time", name):
        monkeypatch.delitem(sys.modules, module, raising=False)
    guard.install()

    imported = {importlib.import_module(module).__name__ for module in ("xml.dom", "time", name)}

    assert {"xml.dom", "time", name} == imported


def test_a_module_of_no_place_may_be_imported(guard: ImportGuard) -> None:
    """A module that a finder makes in memory has no place to be judged by."""

    class Finder:
        """Makes one module, of no file."""

        @staticmethod
        def find_spec(name: str, _: Sequence[str] | None, __: ModuleType | None) -> ModuleSpec | None:
            """Find that module."""
            return ModuleSpec(name, Finder) if name == "made_up" else None  # type: ignore[arg-type]  # see above

        @staticmethod
        def create_module(_: ModuleSpec) -> None:
            """Leave it to Python."""

        @staticmethod
        def exec_module(module: ModuleType) -> None:
            """Fill it."""
            module.__dict__["wings"] = 2

    sys.meta_path.append(Finder)  # type: ignore[arg-type]  # importlib needs no more of a finder
    guard.install()

    assert 2 == importlib.import_module("made_up").wings


def test_a_finder_that_python_asks_otherwise_is_left_to_it(guard: ImportGuard) -> None:
    """Finders of old have no ``find_spec``; the guard does not stumble over them."""
    sys.meta_path.append(object())  # type: ignore[arg-type]  # that is what such a finder looks like
    guard.install()

    assert guard.find_spec("auks") is None


def distribution(directory: Path, name: str, modules: Sequence[str], origin: object = None) -> None:
    """Install a distribution as installers leave it, without its modules."""
    metadata = directory / f"{name}-1.0.dist-info"
    write(metadata / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    write(metadata / "RECORD", "".join(f"{module},,\n" for module in modules))
    if origin is not None:
        write(metadata / "direct_url.json", json.dumps(origin))


def test_a_module_of_an_undeclared_distribution_is_refused(
    guard: ImportGuard, installed: Path, code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the distribution and what to do; what was imported before it was known is forgotten."""
    distribution(installed, "Py.Gulls", ["gulls/__init__.py", "gulls/wings.py"])
    distribution(installed, "auks", ["auks.py"])
    for path in ("gulls/__init__.py", "gulls/wings.py", "auks.py"):
        write(installed / path)
    guard = ImportGuard([str(installed), *OF_THE_TEST_RUN])
    guard.install()
    origin("gulls.wings")
    guard.admit(code, [], ["auks", "terns"])

    assert installed / "auks.py" == origin("auks")
    assert {"gulls", "gulls.wings"}.isdisjoint(sys.modules)
    with pytest.raises(ModuleNotFoundError) as caught:
        origin("gulls.wings")
    assert (
        "No module named 'gulls': 'py-gulls' is installed here, and not among the model's requirements. "
        "Add it to 'extra_pip_requirements', or to 'pip_requirements' where that lists them all"
    ) == str(caught.value)


def test_each_module_of_a_shared_package_is_judged_for_itself(guard: ImportGuard, installed: Path, code: Path) -> None:
    """Distributions may share a package; what none of them lists, or one that is declared too, may be imported."""
    distribution(installed, "birds_core", ["birds/auks.py", "birds/both.py"])
    distribution(installed, "birds_more", ["birds/gulls.py", "birds/both.py"])
    for name in ("auks", "gulls", "both", "mine"):
        write(installed / "birds" / f"{name}.py")
    guard = ImportGuard([str(installed), *OF_THE_TEST_RUN])
    guard.install()
    guard.admit(code, [], ["birds-core"])

    for name in ("auks", "both", "mine"):
        assert installed / "birds" / f"{name}.py" == origin(f"birds.{name}")
    with pytest.raises(NotDeployedError, match=r"'birds-more' is installed here"):
        origin("birds.gulls")


@pytest.mark.parametrize("top_level", ["gulls\n", None])
def test_a_distribution_without_a_list_of_files_has_what_is_named_like_it(
    guard: ImportGuard, installed: Path, code: Path, top_level: str | None
) -> None:
    """Debian installs without a list; top_level.txt may tell more."""
    write(installed / "gulls-1.0.egg-info" / "PKG-INFO", "Name: gulls\n")
    if top_level is not None:
        write(installed / "gulls-1.0.egg-info" / "top_level.txt", top_level)
    write(installed / "gulls.py")
    write(installed / "mine.py")
    guard = ImportGuard([str(installed), *OF_THE_TEST_RUN])
    guard.install()
    guard.admit(code, [], [])

    assert installed / "mine.py" == origin("mine")
    with pytest.raises(NotDeployedError, match=r"'gulls' is installed here"):
        origin("gulls")


def test_what_the_interpreter_has_imported_by_itself_may_be_imported(
    guard: ImportGuard, installed: Path, code: Path
) -> None:
    """A tool that a ``.pth`` file starts works on, and imports the rest of itself; so does what MLflow installs."""
    for name in ("tool", "setuptools"):
        distribution(installed, name, [f"{name}/__init__.py", f"{name}/more.py"])
        write(installed / name / "__init__.py")
        write(installed / name / "more.py")
    origin("tool")
    guard = ImportGuard([str(installed), *OF_THE_TEST_RUN])
    guard.install()
    guard.admit(code, [], [])

    assert installed / "tool" / "more.py" == origin("tool.more")
    sys.modules.pop("setuptools", None)
    assert installed / "setuptools" / "more.py" == origin("setuptools.more")


def test_a_library_that_asks_for_another_one_is_told_that_there_is_none(
    guard: ImportGuard, source: Path, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks without importing; a package that is missing on the way is an error, as anywhere."""
    write(source / "gulls" / "wings.py")
    write(installed / "auks.py")
    monkeypatch.setattr(importlib.util, "find_spec", importlib.util.find_spec)
    guard.install()

    find_none_of_what_is_refused()

    assert importlib.util.find_spec("gulls") is None
    assert importlib.util.find_spec("auks") is not None
    assert importlib.util.find_spec("nowhere") is None
    with pytest.raises(NotDeployedError, match="'gulls'"):
        importlib.util.find_spec("gulls.wings")


def test_metadata_that_does_not_travel_is_hidden(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editable install, and a local one of what is shipped, are hidden; what an index provides is not."""
    local = {"url": "file:///home/me/birds", "dir_info": {}}
    distribution(installed, "editable", ["editable.pth"], {"url": "file:///", "dir_info": {"editable": True}})
    distribution(installed, "shipped-package", ["gulls/__init__.py"], local)
    distribution(installed, "shipped-module", ["auks.py"], local)
    distribution(installed, "local", ["gullsandauks/__init__.py", "other.py"], local)
    distribution(installed, "from-index", ["gulls/plugin.py"])
    # Given back after the test.
    monkeypatch.setattr(importlib.metadata.Distribution, "discover", importlib.metadata.Distribution.discover)

    hide_distributions(["gulls", "auks"], None)

    found = {found.name for found in importlib.metadata.distributions(path=[str(installed)])}
    assert {"local", "from-index"} == found
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("editable")
    assert "1.0" == importlib.metadata.version("local")


def test_metadata_of_what_is_not_declared_is_hidden(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries find each other's plugins by metadata, and would find one that is not deployed."""
    for name in ("Py.Gulls", "auks", "wheel"):
        distribution(installed, name, [])
    write(installed / "nameless-1.0.dist-info" / "METADATA", "Version: 1.0\n")
    monkeypatch.setattr(importlib.metadata.Distribution, "discover", importlib.metadata.Distribution.discover)

    hide_distributions([], ["py-gulls"])

    found = {found.metadata["Name"] for found in importlib.metadata.distributions(path=[str(installed)])}
    assert {"Py.Gulls", "wheel"} == found
