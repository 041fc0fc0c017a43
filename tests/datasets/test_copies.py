"""Tests of packaging.copies."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from uuid import uuid4

import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from kedro_autolog_pipeline.datasets.copies import _BLOCK, Measure, copy_data, measure_file


def sha256(content: bytes) -> str:
    """Give the digest of some bytes."""
    return hashlib.sha256(content).hexdigest()


def test_a_copy_has_the_size_and_digest_of_its_source(tmp_path: Path) -> None:
    """Both are those that anybody can compute of the copy."""
    (tmp_path / "a").write_bytes(b"content")

    measure = copy_data(LocalFileSystem(), str(tmp_path / "a"), tmp_path / "b")

    assert Measure(7, sha256(b"content")) == measure == measure_file(tmp_path / "b")
    assert b"content" == (tmp_path / "b").read_bytes()


def test_a_file_on_another_file_system_is_fetched(tmp_path: Path) -> None:
    """It is the same as a local one once it is here."""
    name = f"/{uuid4().hex}"
    MemoryFileSystem().pipe_file(name, b"content")

    measure = copy_data(MemoryFileSystem(), name, tmp_path / "b")

    assert Measure(7, sha256(b"content")) == measure
    assert b"content" == (tmp_path / "b").read_bytes()


def test_the_digest_of_a_directory_is_of_names_and_bytes_in_order(tmp_path: Path) -> None:
    """It is the same on every file system, with empty directories and without."""
    name = f"/{uuid4().hex}"
    for relative, content in {"z": b"1", "a/b": b"2", "a.c": b"3"}.items():
        MemoryFileSystem().pipe_file(f"{name}/{relative}", content)
        (tmp_path / "source" / relative).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / relative).write_bytes(content)
    (tmp_path / "source" / "empty").mkdir()

    remote = copy_data(MemoryFileSystem(), name, tmp_path / "remote")
    local = copy_data(LocalFileSystem(), str(tmp_path / "source"), tmp_path / "local")

    assert Measure(3, sha256(b"a.c\0" + b"3" + b"a/b\0" + b"2" + b"z\0" + b"1")) == local == remote
    assert ["a", "a.c", "a/b", "empty", "z"] == sorted(
        path.relative_to(tmp_path / "local").as_posix() for path in (tmp_path / "local").rglob("*")
    )


def test_a_copy_shares_nothing_with_its_source(tmp_path: Path) -> None:
    """Whoever writes to one of them does not write to the other, even through a symbolic link."""
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "symbolic").symlink_to(tmp_path / "a")

    for source in ("a", "symbolic"):
        copy_data(LocalFileSystem(), str(tmp_path / source), tmp_path / f"{source}-copied")

        assert not (tmp_path / f"{source}-copied").is_symlink()
        assert not (tmp_path / f"{source}-copied").samefile(tmp_path / "a")
        assert 1 == (tmp_path / f"{source}-copied").stat().st_nlink


def test_nothing_is_told(tmp_path: Path) -> None:
    """A path without a file is named."""
    with pytest.raises(FileNotFoundError, match="nothing"):
        copy_data(LocalFileSystem(), str(tmp_path / "nothing"), tmp_path / "b")


class HostileFileSystem(MemoryFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """Lists what leads out of a directory, as an object store may: its names are no paths."""

    cachable = False

    def isfile(self, path: str) -> bool:  # noqa: ARG002 - fsspec's interface
        """Tell that nothing is a file."""
        return False

    def isdir(self, path: str) -> bool:  # noqa: ARG002 - fsspec's interface
        """Tell that everything is a directory."""
        return True

    def find(self, path: str, **_: object) -> dict[str, dict[str, str]]:
        """List a name with two dots."""
        return {f"{path}/../../escaped": {"type": "file"}}


def test_a_name_in_a_directory_cannot_lead_out_of_it(tmp_path: Path) -> None:
    """Nothing is written outside of the package."""
    with pytest.raises(ValueError, match=r"'/bucket/\.\./\.\./escaped' leads out of its directory"):
        copy_data(HostileFileSystem(), "/bucket", tmp_path / "copy")
    assert [] == list(tmp_path.rglob("escaped"))


@pytest.mark.parametrize("size", [2 * _BLOCK, 2 * _BLOCK + 1, 3 * _BLOCK - 1])
def test_a_file_of_several_blocks_is_copied_and_measured_whole(tmp_path: Path, size: int) -> None:
    """Its digest is that of all blocks in their order, the last of which may be short."""
    content = random.Random(size).randbytes(size)  # noqa: S311 - any bytes will do
    (tmp_path / "a").write_bytes(content)

    measure = copy_data(LocalFileSystem(), str(tmp_path / "a"), tmp_path / "b")

    assert Measure(size, sha256(content)) == measure
    assert content == (tmp_path / "b").read_bytes()
