"""Copy the code that travels with a model, without what must not be given away."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from kedro_autolog_pipeline.dependencies.search import ShippedCode

_NOT_SHIPPED = (
    ".*",
    "__pycache__",
    "*.pyc",
    "test",
    "tests",
)
"""Names in a package that the model does not need."""

_SECRET_FILES = (
    ".env",
    ".env.*",
    ".netrc",
    ".pgpass",
    ".pypirc",
    "*.jks",
    "*.kdbx",
    "*.key",
    "*.keystore",
    "*.p12",
    "*.pem",
    "*.pfx",
    "*.ppk",
    "*client_secret*.json",
    "*service[-_]account*.json",
    "credentials",
    "credentials*.ini",
    "credentials*.json",
    "credentials*.toml",
    "credentials*.yaml",
    "credentials*.yml",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "secrets*.ini",
    "secrets*.json",
    "secrets*.toml",
    "secrets*.yaml",
    "secrets*.yml",
)
"""Names in a package that stand for what the model must not give away."""

_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----|\"private_key\"\s*:\s*\"-----BEGIN")

_LONGEST_KEY = 1 << 16
"""Bytes of the largest file that is looked into for a key."""


def copy_code(code: Iterable[ShippedCode], destination: Path) -> None:
    """Copy code to where it is importable once ``destination`` is on ``sys.path``.

    Packages are copied with their data files, and without tests, caches, hidden
    files and ``secret_files``.

    Raises:
        OSError: When a file cannot be read or written.
    """
    for entry in code:
        target = destination / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if entry.files is not None:
            for file in entry.files:
                (target / file.relative_to(entry.source)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, target / file.relative_to(entry.source))
        elif entry.source.is_dir():
            shutil.copytree(
                entry.source, target, ignore=_not_shipped, ignore_dangling_symlinks=True, dirs_exist_ok=True
            )
        else:
            shutil.copy2(entry.source, target)


def secret_files(code: Iterable[ShippedCode]) -> list[str]:
    """Find the files of code that are left out, for they may give away a secret: a key, or somebody's credentials.

    Returns:
        The path of each from the directory that its top-level module is in, with forward slashes.
    """
    found = []
    for entry in code:
        root = entry.source.parents[entry.module.count(".")]
        directories = [] if entry.files is not None or not entry.source.is_dir() else os.walk(entry.source)
        for directory, subdirectories, names in directories:
            subdirectories[:] = [name for name in subdirectories if not _is_useless(directory, name)]
            files = (Path(directory) / name for name in names)
            found += [file.relative_to(root).as_posix() for file in files if _is_secret(file)]
    return sorted(found)


def _not_shipped(directory: str, names: list[str]) -> set[str]:
    return {name for name in names if _is_useless(directory, name) or _is_secret(Path(directory) / name)}


def _is_useless(directory: str, name: str) -> bool:
    # In a Kedro configuration, ``local`` is the environment of personal settings and credentials.
    patterns = (*_NOT_SHIPPED, "local") if Path(directory).name == "conf" else _NOT_SHIPPED
    return any(fnmatch(name, pattern) for pattern in patterns)


def _is_secret(file: Path) -> bool:
    if not file.is_file() or file.suffix == ".py":
        return False
    if any(fnmatch(file.name.lower(), pattern) for pattern in _SECRET_FILES):
        return True
    return file.stat().st_size <= _LONGEST_KEY and _PRIVATE_KEY.search(file.read_bytes()) is not None
