"""Find the distribution that installed a file, by the metadata of what is installed."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from functools import cached_property, lru_cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import Distribution as Metadata
from pathlib import Path
from typing import Any

import attrs
from packaging.utils import NormalizedName, canonicalize_name

_SITE_DIRECTORIES = frozenset({"site-packages", "dist-packages"})
"""Where installers put distributions, be there any or not."""


@attrs.frozen
class Distribution:
    """An installed distribution.

    Attributes:
        name: As its metadata has it.
        version: Likewise, local label included.
        is_on_index: Whether an index is taken to provide it.
    """

    name: str
    version: str
    is_on_index: bool


class InstallationDirectory:
    """A directory that Python imports from, with the metadata of what is installed in it.

    ``importlib.metadata.packages_distributions`` answers the same question by reading
    the metadata of everything that is installed; here the name of a module says
    where to look first, and most lookups read a single file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def provider(self, file: str, likely: str | None = None) -> Distribution | None:
        """Find the distribution that installed a file.

        Where several claim it (mlflow and mlflow-skinny), the likely one has it, or
        else the one that is named like the module.

        Args:
            file: Path relative to the directory, with forward slashes.
            likely: Name of the distribution to ask first.
        """
        names = [canonicalize_name(name) for name in (likely, _top_level(file)) if name is not None]
        asked_first = [self._installed[name] for name in names if name in self._installed]
        for installed in (*asked_first, *self._claiming(_top_level(file)), *self._installed.values()):
            if installed.has_file(file):
                return Distribution(*installed.name_and_version, self._is_on_index(installed))
        return None

    def is_shared(self, directory: str) -> bool:
        """Whether any distribution that an index provides has files in a directory.

        Args:
            directory: Path relative to the directory, with forward slashes.
        """
        return any(
            installed.has_files_in(directory) and self._is_on_index(installed) for installed in self._installed.values()
        )

    def requirements(self, distribution: NormalizedName) -> list[str] | None:
        """Read what a distribution requires, each line as its metadata has it; None when it is not installed here."""
        installed = self._installed.get(distribution)
        return None if installed is None else installed.requirements

    def _is_on_index(self, installed: _Installed) -> bool:
        """Tell by PEP 610: only what came from elsewhere than an index has a direct URL.

        An archive may be either. Whole environments are installed from a directory of
        wheels that an index has as well, beside a private one that none has. It counts
        as on an index when another distribution requires it by its name, which is a
        request to an index; and when it has compiled modules, which would be useless
        on another platform.
        """
        direct_url = installed.direct_url
        if direct_url is None:
            return True
        return "archive_info" in direct_url and (
            installed.has_compiled_modules or installed.canonical_name in self._required
        )

    def _claiming(self, top_level: str) -> Iterator[_Installed]:
        """Find the distributions that name a top-level module; reading all that each lists would take much longer."""
        return (installed for installed in self._installed.values() if top_level in installed.top_level_names)

    @cached_property
    def _installed(self) -> dict[str, _Installed]:
        found = [_Installed(path) for path in sorted(self._path.iterdir()) if _is_metadata(path)]
        return {installed.canonical_name: installed for installed in found}

    @cached_property
    def _required(self) -> frozenset[NormalizedName]:
        """Canonical names of what any distribution requires by name."""
        return frozenset().union(*(installed.required for installed in self._installed.values()))


def installation_directories() -> list[str]:
    """List the directories that this process imports installed distributions from; a source tree is no such place."""
    paths = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - links lead out of what is installed
    return [path for path in paths if _holds_distributions(Path(path))]


def installation_directory(path: Path) -> InstallationDirectory:
    """Return an installation directory, with all that was read of it since something was last installed there."""
    return _as_of(path, path.stat().st_mtime_ns if path.exists() else None)


@lru_cache(maxsize=16)
def _as_of(path: Path, changed: int | None) -> InstallationDirectory:  # noqa: ARG001 - it only tells states apart
    return InstallationDirectory(path)


class _Installed:
    """What a ``.dist-info`` or ``.egg-info`` says, each file of it read when it is asked for."""

    def __init__(self, path: Path) -> None:
        self._name, self._version = path.stem.split("-")[:2]
        self._metadata = Metadata.at(path)
        # An egg's metadata lists what it requires in another file, in a section for each extra.
        self._has_sections = path.suffix == ".egg-info"
        self.canonical_name = canonicalize_name(self._name)

    def has_file(self, file: str) -> bool:
        record = _record(self._metadata)
        return _top_level(file) in self.top_level_names if record is None else f"\n{file}," in record

    def has_files_in(self, directory: str) -> bool:
        record = _record(self._metadata)
        return _top_level(directory) in self.top_level_names if record is None else f"\n{directory}/" in record

    @cached_property
    def name_and_version(self) -> tuple[str, str]:
        found = dict(re.findall(r"^(Name|Version): *(.*)$", self._headers, re.MULTILINE))
        return found.get("Name", self._name), found.get("Version", self._version)

    @property
    def requirements(self) -> list[str]:
        if self._has_sections:
            return self._metadata.requires or []
        return re.findall(r"^Requires-Dist: *(.*)$", self._headers, re.MULTILINE)

    @property
    def required(self) -> set[NormalizedName]:
        """Canonical names of what it requires by name, not by URL, other than itself for its extras."""
        names = re.findall(r"^Requires-Dist: *([\w.-]+)[^@\n]*$", self._headers, re.MULTILINE)
        return {canonicalize_name(name) for name in names} - {self.canonical_name}

    @cached_property
    def direct_url(self) -> dict[str, Any] | None:
        """Where it came from; None for an index, and for conda, whose builds name the machine they ran on."""
        text = self._metadata.read_text("direct_url.json")
        if text is None or (self._metadata.read_text("INSTALLER") or "").strip() == "conda":
            return None
        return dict(json.loads(text))

    @property
    def has_compiled_modules(self) -> bool:
        return any(f"{suffix}," in (_record(self._metadata) or "") for suffix in EXTENSION_SUFFIXES)

    @cached_property
    def _headers(self) -> str:
        # Older formats have them in PKG-INFO, or are that file themselves. Parsing thousands of lines of some
        # distributions as an e-mail would take most of a search's time.
        texts = map(self._metadata.read_text, ("METADATA", "PKG-INFO", ""))
        return next(filter(None, texts), "").partition("\n\n")[0]

    @cached_property
    def top_level_names(self) -> frozenset[str]:
        """Names that its modules start with, as far as it or its list of files tells; its own name otherwise."""
        names = self._metadata.read_text("top_level.txt")
        if names is not None:
            return frozenset(names.split())
        record = _record(self._metadata)
        if record is None:
            return frozenset({self.canonical_name.replace("-", "_")})
        return frozenset(line[1] for line in re.finditer(r"^([^/,.\n]+)[/,.]", record, re.MULTILINE))


@lru_cache(maxsize=4)
def _record(metadata: Metadata) -> str | None:
    """Read each file's path between a line break and a comma; None where an installer left none (Debian).

    Together, those of an environment are megabytes: only the last ones are kept.
    """
    record = metadata.read_text("RECORD")
    return None if record is None else f"\n{record}"


def _holds_distributions(directory: Path) -> bool:
    return directory.name in _SITE_DIRECTORIES or any(directory.glob("*.dist-info"))


def _is_metadata(path: Path) -> bool:
    # Without a version, ``name.egg-info`` lies in the source tree of a distribution in development.
    return path.suffix in {".dist-info", ".egg-info"} and "-" in path.stem and not path.stem.startswith("~")


def _top_level(file: str) -> str:
    return file.partition("/")[0].partition(".")[0]
