"""A file is provided by the distribution that lists it, and on an index is what came from nowhere else."""

from __future__ import annotations

import os
import shutil
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from installed import install, write_modules
from kedro_autolog_pipeline.dependencies.distributions import (
    Distribution,
    InstallationDirectory,
    installation_directory,
)
from kedro_autolog_pipeline.verification import process


def _provider(site: Path, file: str, likely: str | None = None) -> Distribution | None:
    return InstallationDirectory(site).provider(file, likely)


def test_name_and_version(tmp_path: Path) -> None:
    """Name and version are those of the metadata, whatever the module is called."""
    install(tmp_path, "Scikit-Penguin", {"skpenguin/__init__.py": "", "skpenguin/_tree.py": ""}, version="1.2+cpu")
    for file in ("skpenguin/__init__.py", "skpenguin/_tree.py"):
        assert Distribution("Scikit-Penguin", "1.2+cpu", is_on_index=True) == _provider(tmp_path, file)


def test_unlisted_file(tmp_path: Path) -> None:
    """What no distribution lists has no provider, though it is named like one."""
    install(tmp_path, "penguins", {"penguins/__init__.py": ""})
    write_modules(tmp_path, {"penguins/local.py": "", "guins/__init__.py": ""})
    assert _provider(tmp_path, "penguins/local.py") is None
    assert _provider(tmp_path, "guins/__init__.py") is None


def test_several_claims(tmp_path: Path) -> None:
    """Of several distributions that list a file, the likely one has it, or else the one of its name."""
    for distribution in ("a-penguins", "penguins", "penguins-skinny"):
        install(tmp_path, distribution, {"penguins/__init__.py": ""})
    for likely, name in ((None, "penguins"), ("penguins_skinny", "penguins-skinny"), ("unknown", "penguins")):
        found = _provider(tmp_path, "penguins/__init__.py", likely)
        assert found is not None
        assert name == found.name


COMPILED = f"penguins/_fast{EXTENSION_SUFFIXES[0]}"


@pytest.mark.parametrize(
    ("direct_url", "file", "is_on_index"),
    [
        (None, COMPILED, True),
        ({"url": "file:///src/penguins", "dir_info": {}}, "penguins/nodes.py", False),
        ({"url": "file:///src/penguins", "dir_info": {"editable": True}}, COMPILED, False),
        ({"url": "https://a.test/penguins.git", "vcs_info": {"vcs": "git"}}, COMPILED, False),
        ({"url": "https://a.test/penguins.whl", "archive_info": {}}, "penguins/nodes.py", False),
        ({"url": "file:///wheels/penguins.whl", "archive_info": {}}, "penguins/nodes.py", False),
        ({"url": "https://a.test/penguins.whl", "archive_info": {}}, COMPILED, True),
    ],
    ids=[
        "index",
        "directory",
        "editable",
        "version control",
        "archive",
        "local archive",
        "compiled archive",
    ],
)
def test_direct_url(tmp_path: Path, direct_url: dict[str, Any] | None, file: str, *, is_on_index: bool) -> None:
    """What came from elsewhere is on no index, but an archive with compiled modules is."""
    install(tmp_path, "penguins", {"penguins/__init__.py": "", file: ""}, direct_url=direct_url)
    found = _provider(tmp_path, "penguins/__init__.py")
    assert found is not None
    assert is_on_index == found.is_on_index


@pytest.mark.parametrize(
    ("required", "is_on_index"),
    [
        ("Penguins", True),
        ('penguins[all]>=1; extra == "birds"', True),
        ("penguins @ https://a.test/penguins.whl", False),
        ("penguins-data", False),
    ],
)
def test_required_archive(tmp_path: Path, required: str, *, is_on_index: bool) -> None:
    """An archive that another distribution requires by name is on an index, as in a directory of wheels."""
    archive = {"url": "file:///wheels/penguins.whl", "archive_info": {}}
    metadata = install(tmp_path, "penguins", {"penguins/__init__.py": ""}, direct_url=archive)
    (metadata / "METADATA").write_text("Name: penguins\nVersion: 1\nRequires-Dist: penguins[all]\n")
    metadata = install(tmp_path, "colony", {"colony.py": ""})
    (metadata / "METADATA").write_text(f"Name: colony\nVersion: 1\nRequires-Dist: {required}\n\nRequires-Dist: x")
    assert Distribution("penguins", "1", is_on_index) == _provider(tmp_path, "penguins/__init__.py")


def test_conda(tmp_path: Path) -> None:
    """What conda installed is on an index, though it names the directory it was built in."""
    built_in = {"url": "file:///home/conda/feedstock_root/work", "dir_info": {}}
    metadata = install(tmp_path, "penguins", {"penguins/__init__.py": ""}, direct_url=built_in)
    (metadata / "INSTALLER").write_text("conda\n")
    assert Distribution("penguins", "1.0", is_on_index=True) == _provider(tmp_path, "penguins/__init__.py")


def test_metadata_without_record(tmp_path: Path) -> None:
    """Where no files are listed, the top-level names decide, or else the distribution's name."""
    metadata = install(tmp_path, "penguins", {"penguins/__init__.py": ""})
    (metadata / "RECORD").unlink()
    directory = InstallationDirectory(tmp_path)
    assert directory.provider("penguins/nodes.py") is not None
    assert directory.is_shared("penguins")
    (metadata / "top_level.txt").write_text("rockhopper\nmacaroni\n")
    directory = InstallationDirectory(tmp_path)
    assert directory.provider("penguins/nodes.py") is None
    assert not directory.is_shared("penguins")
    assert directory.provider("macaroni.py") is not None


def test_metadata_of_older_formats(tmp_path: Path) -> None:
    """A directory or a file ``.egg-info`` with a version is an installation."""
    text = "Metadata-Version: 1.0\nName: Penguins\nVersion: 1.0.post1\n"
    write_modules(
        tmp_path,
        {"penguins-1.0_py3.11.egg-info/PKG-INFO": text, "macaroni-1.0.egg-info": text.replace("P", "M")},
    )
    assert Distribution("Penguins", "1.0.post1", is_on_index=True) == _provider(tmp_path, "penguins/__init__.py")
    assert Distribution("Menguins", "1.0.post1", is_on_index=True) == _provider(tmp_path, "macaroni.py")


def test_incomplete_metadata(tmp_path: Path) -> None:
    """Without a METADATA file, the name of the directory tells name and version."""
    metadata = install(tmp_path, "penguins", {"penguins/__init__.py": ""})
    (metadata / "METADATA").unlink()
    assert Distribution("penguins", "1.0", is_on_index=True) == _provider(tmp_path, "penguins/__init__.py")


def test_no_installation(tmp_path: Path) -> None:
    """The metadata of a source tree, and what pip leaves behind when it is interrupted, install nothing."""
    write_modules(
        tmp_path,
        {"penguins.egg-info/PKG-INFO": "Name: penguins\n", "penguins.egg-info/top_level.txt": "penguins"},
    )
    shutil.move(install(tmp_path, "macaroni", {"macaroni.py": ""}), tmp_path / "~acaroni-1.0.dist-info")
    assert _provider(tmp_path, "penguins/__init__.py") is None
    assert _provider(tmp_path, "macaroni.py") is None


def test_shared_directory(tmp_path: Path) -> None:
    """A directory is shared where an index provides any of its files."""
    install(tmp_path, "gentoo", {"ns/gentoo/__init__.py": ""})
    install(tmp_path, "adelie", {"ns/adelie/__init__.py": ""}, direct_url={"dir_info": {}})
    directory = InstallationDirectory(tmp_path)
    assert [True, True, False, False] == [directory.is_shared(name) for name in ("ns", "ns/gentoo", "ns/adelie", "n")]


def test_real_distribution() -> None:
    """A distribution whose module has another name is found in the running installation."""
    import sklearn

    found = _provider(Path(sklearn.__file__).parents[1], "sklearn/pipeline.py")
    assert Distribution("scikit-learn", sklearn.__version__, is_on_index=True) == found


def test_a_directory_is_read_again_when_something_was_installed(tmp_path: Path) -> None:
    """What was read of a directory is kept as long as nobody installs into it: a notebook may, between two runs."""
    install(tmp_path, "gulls", {"gulls.py": ""})
    os.utime(tmp_path, ns=(0, 0))
    before = installation_directory(tmp_path)
    is_there = before.provider("terns.py")

    same = installation_directory(tmp_path)
    install(tmp_path, "terns", {"terns.py": ""})

    assert is_there is None
    assert before is same
    found = installation_directory(tmp_path).provider("terns.py")
    assert found is not None
    assert found.name == "terns"


def _disagreements(site: Path, files: list[str]) -> list[str]:
    """List the files that the import guard does not refuse exactly where their provider is not declared."""
    guard, found = process.InstallationDirectory(str(site)), InstallationDirectory(site)

    def agree(file: str) -> bool:
        provider = found.provider(file)
        if provider is None:
            return guard.undeclared(file, frozenset()) is None
        declared = frozenset({canonicalize_name(provider.name)})
        return guard.undeclared(file, frozenset()) is not None and guard.undeclared(file, declared) is None

    return [file for file in files if not agree(file)]


def test_the_import_guard_knows_the_same_distributions(tmp_path: Path) -> None:
    """It cannot import ours, and must refuse a module exactly where the search would name another distribution."""
    install(tmp_path, "Scikit-Penguin", {"skpenguin/__init__.py": "", "skpenguin/_tree.py": ""}, version="1.2+cpu")
    for distribution in ("a-penguins", "penguins", "penguins-skinny"):
        install(tmp_path, distribution, {"penguins/__init__.py": "", f"penguins/{distribution}.py": ""})
    install(tmp_path, "gulls.one", {"gulls/one.py": ""})
    install(tmp_path, "gulls_two", {"gulls/two.py": "", "single.py": ""})
    write_modules(
        tmp_path,
        {
            "penguins/local.py": "",
            "auks-1.0.egg-info/PKG-INFO": "Metadata-Version: 1.0\nName: auks\nVersion: 1.0\n",
            "auks-1.0.egg-info/top_level.txt": "auk\n",
            "auk/__init__.py": "",
            "terns-1.0.egg-info/PKG-INFO": "Metadata-Version: 1.0\nName: terns\nVersion: 1.0\n",
            "terns/__init__.py": "",
            "nobody/__init__.py": "",
        },
    )
    modules = [file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.py")]

    assert 13 == len(modules)
    assert [] == _disagreements(tmp_path, modules)


def test_the_import_guard_knows_what_is_installed_here() -> None:
    """They agree on the packages of a real environment, too."""
    site = Path(pytest.__file__).parent.parent
    packages = [file.relative_to(site).as_posix() for file in sorted(site.glob("[a-z]*/__init__.py"))[:100]]

    assert [] == _disagreements(site, packages)
