"""What the pages of the documentation say, done in real projects."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from kedro_project import KedroProject, write_project
from pages import ROOT, follow

pytestmark = [pytest.mark.scenario, pytest.mark.process]

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def trained_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the demo's project after *Ten minutes*."""
    project = tmp_path_factory.mktemp("demo") / "penguins"
    shutil.copytree(ROOT / "demo" / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "demo" / "data" / "01_raw", project / "data" / "01_raw")
    shutil.copytree(ROOT / "conf_example", project / "conf")
    shutil.copy(ROOT / "demo" / "pyproject.toml", project)
    (project / "src" / "penguins" / "settings.py").write_text("", encoding="utf-8")
    follow(DOCS / "ten-minutes.md", project)
    return project


def test_the_pages_about_a_trained_model_work(trained_demo: Path) -> None:
    """Each example of these pages runs in the project of *Ten minutes*, and the answers are those of the pages."""
    for name in ("serve-and-scale", "promote", "ci", "orchestrators"):
        follow(DOCS / f"{name}.md", trained_demo)
    assert_the_tags_are_in_the_reference(trained_demo)


def assert_the_tags_are_in_the_reference(trained_demo: Path) -> None:
    """Hold the page of tags against each tag that the demo's model, version and run have."""
    client = MlflowClient(f"sqlite:///{trained_demo / 'mlflow.db'}")
    version = client.get_model_version("penguin_species", "1")
    model = client.get_logged_model((version.source or "").removeprefix("models:/"))
    page = (DOCS / "reference" / "tags.md").read_text(encoding="utf-8")
    prefix = "kedro_autolog_pipeline."
    tags = {tag.removeprefix(prefix) for tag in {**model.tags, **version.tags} if tag.startswith(prefix)}

    assert {"verification", "manifest_sha256"} <= tags
    assert set() == {tag for tag in tags if f"`{tag}`" not in page}


def test_a_project_adopts_the_plugin(tmp_path: Path) -> None:
    """A project that had no inference pipeline follows the page, and each of its trainings gives a READY model."""
    project: KedroProject = write_project(tmp_path / "shop")

    follow(DOCS / "adopt.md", project.path, {"shop": project.package})

    client = MlflowClient(f"sqlite:///{project.path / 'mlflow.db'}")
    experiments = [each.experiment_id for each in client.search_experiments()]
    models = client.search_logged_models(experiments)
    assert ["READY"] * 2 == [str(model.status) for model in models]
    assert {"reproduced"} == {model.tags["kedro_autolog_pipeline.verification"] for model in models}
