"""Tests of dependencies.requirements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pytest

from kedro_autolog_pipeline.config.schema import ModelConfig
from kedro_autolog_pipeline.dependencies.closure import find_closure
from kedro_autolog_pipeline.dependencies.distributions import installation_directories
from kedro_autolog_pipeline.dependencies.requirements import (
    list_requirements,
    list_undeclared,
    read_conda_env,
    why_unreadable,
)
from kedro_autolog_pipeline.dependencies.search import Environment, Requirement
from kedro_autolog_pipeline.serving.manifest import RequirementEntry

MLFLOW = f"mlflow=={mlflow.__version__}"

FOUND = Environment(
    (), (Requirement("NumPy", "2.1.0", ("imported by a",)), Requirement("scikit-learn", "1.6.0", ("imported by b",)))
)


def config(**options: Any) -> ModelConfig:
    """Give a model with these options."""
    return ModelConfig("model", "training", "inference", **options)


def listed(directory: Path, **options: Any) -> dict[str, list[str]]:
    """List requirements, each with its reasons; MLflow, which is the first of them, is left out."""
    first, *others = list_requirements(config(**options), FOUND, directory)
    assert first == RequirementEntry(MLFLOW, ["loads the model"])
    return {entry.requirement: entry.reasons for entry in others}


def test_what_was_found_is_listed_with_its_reasons(tmp_path: Path) -> None:
    """Without a word of the user, the requirements are those that were found."""
    assert listed(tmp_path) == {"NumPy==2.1.0": ["imported by a"], "scikit-learn==1.6.0": ["imported by b"]}


def test_the_users_version_takes_the_place_of_what_was_found(tmp_path: Path) -> None:
    """However the name is written, there is one line for a distribution, and nothing for pip to resolve."""
    assert listed(tmp_path, extra_pip_requirements=("Scikit_Learn>=1.5", "numpy[extra]", "pyarrow", "pyarrow<20")) == {
        "NumPy[extra]==2.1.0": ["imported by a", "named in extra_pip_requirements"],
        "Scikit_Learn>=1.5": ["named in extra_pip_requirements"],
        "pyarrow<20": ["named in extra_pip_requirements"],
    }


def test_the_users_list_is_all(tmp_path: Path) -> None:
    """Nothing that was found is added, lines of one distribution are put together unless a marker tells them apart."""
    lines = (
        "numpy>=1", "numpy<3", "torch==2; sys_platform == 'linux'", "torch==1; sys_platform == 'darwin'",
        "--extra-index-url https://index.example/simple", "git+https://host.example/project.git",
    )  # fmt: skip
    assert list(listed(tmp_path, pip_requirements=lines)) == [
        "numpy<3,>=1",
        'torch==2; sys_platform == "linux"',
        'torch==1; sys_platform == "darwin"',
        "--extra-index-url https://index.example/simple",
        "git+https://host.example/project.git",
    ]


def test_a_file_is_read_with_the_files_that_it_refers_to(tmp_path: Path) -> None:
    """Paths in it are relative to it; comments and continued lines are understood as pip understands them."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "all.txt").write_text(
        "# all\n-r base.txt\n\npandas \\\n  >=2 # tables\n--constraint=limits.txt\n"
    )
    (tmp_path / "requirements" / "base.txt").write_text("numpy>=2\n")
    (tmp_path / "requirements" / "limits.txt").write_text("numpy<3\n")

    assert list(listed(tmp_path, pip_requirements="requirements/all.txt")) == [
        "numpy>=2",
        "pandas>=2",
        f"-c {tmp_path / 'requirements' / 'limits.txt'}",
    ]


def test_a_conda_environment_is_read_without_where_it_was(tmp_path: Path) -> None:
    """What `conda env export` writes ends with the path of the environment on this machine."""
    (tmp_path / "conda.yml").write_text("name: birds\ndependencies: [python=3.11]\nprefix: /home/me/envs/birds\n")
    expected = {"name": "birds", "dependencies": ["python=3.11"]}

    assert expected == read_conda_env(config(conda_env="conda.yml"), tmp_path)
    assert expected == read_conda_env(config(conda_env={**expected, "prefix": "/home/me"}), tmp_path)
    assert read_conda_env(config(), tmp_path) is None


def test_all_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    """Each mistake begins with the key that it is under."""
    (tmp_path / "list.yml").write_text("- a\n")
    (tmp_path / "broken.yml").write_text("a: [\n")

    def mistakes(**options: Any) -> list[str]:
        return why_unreadable(config(**options), tmp_path)

    assert mistakes(pip_requirements=("a",), conda_env={}, code_paths=(".",)) == []
    assert mistakes(code_paths=("missing",), pip_requirements="missing.txt", extra_pip_requirements=("-r no.txt",)) == [
        "code_paths: 'missing' is neither a file nor a directory of the project.",
        f"pip_requirements: cannot be read: [Errno 2] No such file or directory: '{tmp_path / 'missing.txt'}'.",
        f"extra_pip_requirements: cannot be read: [Errno 2] No such file or directory: '{tmp_path / 'no.txt'}'.",
    ]
    assert mistakes(conda_env="list.yml") == [f"conda_env: cannot be read: '{tmp_path / 'list.yml'}' holds no mapping."]
    assert mistakes(conda_env="broken.yml") == [f"conda_env: cannot be read: '{tmp_path / 'broken.yml'}' is no YAML."]


@pytest.mark.parametrize("line", ["MLflow", "mlflow[extras]>=3", "mlflow-skinny", "MLflow_Skinny==3.1"])
def test_mlflow_is_listed_once(tmp_path: Path, line: str) -> None:
    """Where the user names it, or its small distribution, in any spelling, it is not added."""
    entries = list_requirements(config(pip_requirements=(line,)), FOUND, tmp_path)

    assert [line] == [entry.requirement for entry in entries]


@pytest.mark.parametrize("line", ["mlflow-skinny", "mlflow", "hypothesis"])
def test_nothing_is_lacking_before_the_training_that_may_be_imported_afterwards(tmp_path: Path, line: str) -> None:
    """What the list is held against beforehand is what it is held against when the fresh process imports."""
    pandas = Environment((), (Requirement("pandas", "2.2", ("imported by a",)),))
    options = config(pip_requirements=(line,))

    lacking = list_undeclared(options, pandas, tmp_path)
    lines = [entry.requirement for entry in list_requirements(options, pandas, tmp_path)]
    importable = find_closure(lines, installation_directories()) or frozenset()

    assert (line == "mlflow-skinny") == (lacking == list(pandas.requirements)) == ("pandas" not in importable)


@pytest.mark.parametrize(
    "options",
    [
        {"pip_requirements": ("--extra-index-url https://user:S3CRET@h/simple",)},
        {"pip_requirements": ("-c limits.txt",)},
        {"extra_pip_requirements": "all.txt"},
        {"extra_pip_requirements": ("shop @ git+https://S3CRET@h/shop.git",)},
        {"conda_env": {"dependencies": ["python", {"pip": ["-i https://user:S3CRET@h/simple"]}]}},
        {"conda_env": {"channels": ["https://h/t/conda?token=S3CRET"]}},
    ],
    ids=str,
)
def test_a_secret_among_the_requirements_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    """Wherever it is written, the mistake names the option, the line without its user, and what pip offers."""
    (tmp_path / "limits.txt").write_text("shop @ https://user:S3CRET@h/shop.whl\n")
    (tmp_path / "all.txt").write_text("--index-url=https://user:S3CRET@h/simple\n")

    (mistake,) = why_unreadable(config(**options), tmp_path)

    assert mistake.startswith(next(iter(options)))
    assert "S3CRET" not in mistake
    assert mistake.endswith(
        " contains a password or a token, and everyone who can read the model could read it. Write '${NAME}' in its "
        "place: pip takes it from the environment where the model is installed."
    )


def test_a_variable_among_the_requirements_is_none(tmp_path: Path) -> None:
    """It says where a secret is, and not the secret."""
    lines = ("--extra-index-url https://${USER}:${TOKEN}@h/simple", "shop @ git+https://${TOKEN}@h/shop.git")
    assert [] == why_unreadable(config(pip_requirements=lines), tmp_path)


NEEDED = Environment(
    (),
    (Requirement("Hypothesis", "6.0", ("imported by a",)), Requirement("sortedcontainers", "2.4", ("imported by b",))),
)


@pytest.mark.parametrize(
    ("lines", "lacking"),
    [
        (["hypothesis>=6", "SortedContainers"], []),
        (["hypothesis"], []),
        (["sortedcontainers"], ["Hypothesis"]),
        (["mlflow"], ["Hypothesis", "sortedcontainers"]),
        ([], ["Hypothesis", "sortedcontainers"]),
        (["--index-url https://index.example", "# a comment"], ["Hypothesis", "sortedcontainers"]),
        (["-e ."], []),
        (["./wheels/all.whl"], []),
        (["not-installed-here"], []),
    ],
    ids=str,
)
def test_what_the_users_list_does_not_bring_is_found(tmp_path: Path, lines: list[str], lacking: list[str]) -> None:
    """What a listed distribution requires is brought along; where nobody can tell, nothing is said to be lacking."""
    undeclared = list_undeclared(config(pip_requirements=tuple(lines)), NEEDED, tmp_path)

    assert lacking == [requirement.distribution for requirement in undeclared]


def test_an_extra_brings_what_it_names(tmp_path: Path) -> None:
    """`kedro-datasets[pandas-csvdataset]` brings pandas; without the extra it does not, and MLflow does."""
    needed = Environment((), (Requirement("openpyxl", "3", ("imported by a",)), Requirement("pandas", "2", ("by b",))))

    plain = list_undeclared(config(pip_requirements=("kedro-datasets",)), needed, tmp_path)
    extra = list_undeclared(config(pip_requirements=("pandas[excel]",)), needed, tmp_path)

    assert ["openpyxl"] == [requirement.distribution for requirement in plain]
    assert [] == extra


def test_requirements_that_are_found_lack_nothing(tmp_path: Path) -> None:
    """Without a list of the user's there is nothing to lack."""
    assert [] == list_undeclared(config(extra_pip_requirements=("a",)), NEEDED, tmp_path)
