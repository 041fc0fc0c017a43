"""Ask the git checkout that a project is in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import git


def find_commit(project_path: Path) -> str | None:
    """Return the commit that is checked out; None outside a checkout, and in one without a commit."""
    try:
        return git.Repo(project_path, search_parent_directories=True).head.commit.hexsha
    except (git.GitError, ValueError, OSError):
        return None


def is_dirty(project_path: Path) -> bool | None:
    """Tell whether files that git knows differ from the commit that is checked out; None outside a checkout."""
    try:
        return bool(git.Repo(project_path, search_parent_directories=True).is_dirty())
    except (git.GitError, ValueError, OSError):
        return None


def find_unignored(project_path: Path, names: Iterable[str]) -> list[str]:
    """Return those names in the project that git would take for files to commit; empty outside a checkout.

    Args:
        project_path: The project.
        names: Of files and directories in it, which need not be there yet; a directory's ends with a slash.
    """
    places = {f"{project_path / name}{'/' if name.endswith('/') else ''}": name for name in names}
    try:
        ignored = git.Repo(project_path, search_parent_directories=True).ignored(*places)
    except (git.GitError, ValueError, OSError):
        return []
    return [name for place, name in places.items() if place not in ignored]
