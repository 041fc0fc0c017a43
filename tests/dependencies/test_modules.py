"""Modules are found as an import would find them, and none is imported."""

from __future__ import annotations

import sys
import types
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from installed import write_modules
from kedro_autolog_pipeline.dependencies.modules import Module, find_module


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a directory that Python imports from, whose modules fail when they are executed."""
    suffix = EXTENSION_SUFFIXES[0]
    paths = [
        "rockhopper/__init__.py",
        "rockhopper/nodes.py",
        "rockhopper/plain/deep/nodes.py",
        "macaroni.py",
        f"gentoo{suffix}",
        "adelie/chick.py",
    ]
    write_modules(tmp_path / "src", dict.fromkeys(paths, "raise RuntimeError"))
    monkeypatch.syspath_prepend(tmp_path / "src")
    return tmp_path / "src"


def _find(name: str) -> Module | None:
    module = None
    for length in range(1, name.count(".") + 2):
        module = find_module(".".join(name.split(".")[:length]), module)
        if module is None:
            return None
    return module


@pytest.mark.parametrize(
    ("name", "file", "package"),
    [
        ("rockhopper", "rockhopper/__init__.py", "rockhopper"),
        ("rockhopper.nodes", "rockhopper/nodes.py", "rockhopper"),
        ("rockhopper.plain.deep.nodes", "rockhopper/plain/deep/nodes.py", "rockhopper.plain.deep"),
        ("macaroni", "macaroni.py", ""),
        ("gentoo", f"gentoo{EXTENSION_SUFFIXES[0]}", ""),
        ("adelie.chick", "adelie/chick.py", "adelie"),
    ],
)
def test_module_with_a_file(source: Path, name: str, file: str, package: str) -> None:
    """A module is found with its file, its package, and the directory that its name starts in."""
    module = _find(name)
    assert module is not None
    assert (name, source / file, package, source) == (module.name, module.file, module.package, module.root)
    assert name not in sys.modules


def test_namespace_package(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package without ``__init__.py`` has all its directories, and no file."""
    write_modules(tmp_path / "other", {"adelie/egg.py": "", "adelie/deep/egg.py": ""})
    write_modules(source, {"adelie/deep/chick.py": ""})
    monkeypatch.syspath_prepend(tmp_path / "other")
    module = _find("adelie")
    assert Module("adelie", None, (str(tmp_path / "other/adelie"), str(source / "adelie"))) == module
    assert module.root is None
    for name in ("adelie.egg", "adelie.deep.egg", "adelie.deep.chick"):
        assert _find(name) is not None


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize(
    "name", ["emperor", "rockhopper.emperor", "macaroni.nodes", "sys", "rockhopper.plain.deep.emperor", "."]
)
def test_no_module(name: str) -> None:
    """What an import would not find, or not as a file, is not found."""
    assert _find(name) is None


def test_loaded_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that was loaded from outside of ``sys.path`` is found where it was loaded from."""
    write_modules(tmp_path, {"loaded.py": ""})
    spec = spec_from_file_location("chinstrap", tmp_path / "loaded.py")
    assert spec is not None
    monkeypatch.setitem(sys.modules, "chinstrap", module_from_spec(spec))
    module = _find("chinstrap")
    assert module is not None
    assert tmp_path / "loaded.py" == module.file
    assert module.root is None


def test_module_made_at_run_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that no file was loaded for is not found."""
    monkeypatch.setitem(sys.modules, "chinstrap", types.ModuleType("chinstrap"))
    assert _find("chinstrap") is None


def test_editable_install(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A top-level package is found by the finder of an editable install."""

    class Finder:
        @classmethod
        def find_spec(cls, name: str, *_: object) -> ModuleSpec | None:
            file = source / "rockhopper/__init__.py"
            return spec_from_file_location(name, file) if name == "editable" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    module = _find("editable.nodes")
    assert module is not None
    assert source / "rockhopper/nodes.py" == module.file
    assert module.root is None


@pytest.mark.usefixtures("source")
def test_refusing_finder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that a finder refuses is not found."""

    class Finder:
        @classmethod
        def find_spec(cls, name: str, *_: object) -> None:
            raise ImportError(name)

    monkeypatch.setattr(sys, "meta_path", [Finder])
    assert _find("rockhopper") is None


def test_zip_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module in a zip archive has no file that could be read or copied."""
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("zipped/__init__.py", "")
    monkeypatch.syspath_prepend(tmp_path / "archive.zip")
    assert _find("zipped") is None


def test_place_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A location that no finder reads is passed over."""
    assert find_module("rockhopper.nodes", Module("rockhopper", None, ("<made at run time>",))) is None
    monkeypatch.setitem(sys.path_importer_cache, "<refused>", None)
    assert find_module("rockhopper.nodes", Module("rockhopper", None, ("<refused>",))) is None
