"""Turn names of datasets and files into names that every file system takes."""

from __future__ import annotations

import re

LONGEST_NAME = 255
"""Characters that file systems take as one name."""

# Upper case is not the same everywhere.
_UNSAFE_IN_DIRECTORY = re.compile(r"[^a-z0-9_.@-]|^\.|\.$")
_UNSAFE_IN_FILE = re.compile(r"[^A-Za-z0-9_.@-]|^\.|\.$")
_RESERVED = re.compile(r"(?:aux|con|nul|prn|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)


def directory_name(dataset: str) -> str:
    """Return the name of a directory for a dataset, another one for each dataset.

    What is not a lower-case letter, a digit or one of ``_ . @ -`` becomes ``~`` and the hexadecimal value of its
    bytes. Percent signs would mean something to the servers of artifacts.
    """
    return _encoded(dataset, _UNSAFE_IN_DIRECTORY)


def file_name(name: str) -> str:
    """Return a file's name as every file system takes it, written as in ``directory_name``, upper case kept."""
    return _encoded(name, _UNSAFE_IN_FILE)


def _encoded(name: str, unsafe: re.Pattern[str]) -> str:
    safe = unsafe.sub(lambda match: _escaped(match[0]), name)
    return _escaped(safe[0]) + safe[1:] if _RESERVED.match(safe) else safe


def _escaped(character: str) -> str:
    return "".join(f"~{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
