"""Tests of lifecycle.git_checkout."""

from __future__ import annotations

from pathlib import Path

import git

from kedro_autolog_pipeline.lifecycle.git_checkout import find_commit, find_unignored, is_dirty


def test_a_checkout_tells_its_commit_and_what_it_would_commit(tmp_path: Path) -> None:
    """Also of a project below its root; outside a checkout there is neither."""
    project = tmp_path / "projects" / "shop"
    project.mkdir(parents=True)
    (project / "mlflow.db").touch()
    names = ("mlflow.db", "ignored.db", "ignored/", "kept/")

    assert (None, None, []) == (find_commit(project), is_dirty(project), find_unignored(project, names))
    with git.Repo.init(tmp_path) as repository:
        assert find_commit(project) is None
        (tmp_path / ".gitignore").write_text("ignored.db\nignored/\n", encoding="utf-8")
        repository.index.add([".gitignore"])
        author = git.Actor("shop", "shop@example.com")
        commit = repository.index.commit("Begin", author=author, committer=author)

        assert commit.hexsha == find_commit(project)
        assert is_dirty(project) is False
        (tmp_path / ".gitignore").write_text("ignored.db\n", encoding="utf-8")
        assert is_dirty(project) is True
        (tmp_path / ".gitignore").write_text("ignored.db\nignored/\n", encoding="utf-8")
        assert ["mlflow.db", "kept/"] == find_unignored(project, names)
