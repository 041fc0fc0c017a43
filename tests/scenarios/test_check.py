"""What `kedro autolog check` says of a real project."""

from __future__ import annotations

from kedro_project import MODEL, KedroProject


def test_each_pair_is_shown_with_the_origin_of_its_inputs(project: KedroProject) -> None:
    """A sound configuration is shown, and the command succeeds; nothing has run."""
    done = project.command("autolog", "check")

    assert done.returncode == 0, done.stderr
    assert "prices: 'training' trains, 'inference' predicts" in done.stdout
    assert "  instances      request\n" in done.stdout
    assert "  model          trained\n" in done.stdout
    assert "  params:offset  parameter\n" in done.stdout
    assert "  returns predictions\n" in done.stdout
    assert not (project.path / "data" / "table.csv").exists()


def test_every_mistake_is_listed_and_the_command_fails(project: KedroProject) -> None:
    """Mistakes in all pairs are listed in one go, in a subdirectory of the project too."""
    project.write_models({"prices": {**MODEL, "input_name": "x"}, "costs": {**MODEL, "training": "train"}})

    done = project.command("autolog", "check", cwd=project.path / "data")

    assert done.returncode == 1
    assert "Cannot use 'mlflow.yml': 2 mistakes." in done.stderr
    assert "autolog_pipeline.models.prices.input_name: inference pipeline 'inference' does not read 'x'." in done.stderr
    assert "autolog_pipeline.models.costs.training: no pipeline is registered as 'train'." in done.stderr


def test_a_project_that_does_not_use_us_is_told_so(project: KedroProject) -> None:
    """Without our key there is nothing to check, which is no failure."""
    project.write_config("mlflow", {})

    done = project.command("autolog", "check")

    assert done.returncode == 0, done.stderr
    assert "mlflow.yml has no 'autolog_pipeline', or switches it off: nothing is packaged." in done.stdout
