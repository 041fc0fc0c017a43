"""Tests of project."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from kedro.config import OmegaConfigLoader

from kedro_autolog_pipeline.config.project import read_project
from kedro_autolog_pipeline.errors import ConfigurationError

MODELS = {"models": {"prices": {"training": "training", "inference": "inference"}}}


class Context:
    """Stand for a Kedro context: all that is read of one is its path and its loader."""

    def __init__(self, directory: Path, **files: object) -> None:
        self.project_path = directory
        base = directory / "base"
        base.mkdir(parents=True)
        (directory / "local").mkdir()
        for name, content in files.items():
            (base / f"{name}.yml").write_text(yaml.safe_dump(content))
        self.config_loader = OmegaConfigLoader(str(directory), base_env="base", default_run_env="local")


def test_a_project_without_our_key_is_not_ours(tmp_path: Path) -> None:
    """Without mlflow.yml, without our key in it, or switched off, there is nothing to do."""
    none = Context(tmp_path / "none")
    other = Context(tmp_path / "other", mlflow={"tracking": {}})
    disabled = Context(tmp_path / "disabled", mlflow={"autolog_pipeline": {"enabled": False}})

    assert [read_project(context) for context in (none, other, disabled)] == [None, None, None]  # type: ignore[arg-type]  # all that it reads


def test_a_project_has_its_configuration_credentials_and_parameters(tmp_path: Path) -> None:
    """Credentials are those that mlflow.yml names; parameters are read when they are asked for."""
    context = Context(
        tmp_path,
        mlflow={"server": {"credentials": "tracking"}, "autolog_pipeline": MODELS},
        credentials={"tracking": {"MLFLOW_TRACKING_TOKEN": "abc"}},
        parameters={"threshold": 0.5},
    )

    project = read_project(context)  # type: ignore[arg-type]  # all that it reads

    assert project is not None
    assert [model.name for model in project.config.autolog_pipeline.models] == ["prices"]
    assert project.path == tmp_path
    assert project.credentials == {"MLFLOW_TRACKING_TOKEN": "abc"}
    assert project.parameters() == {"threshold": 0.5}
    assert project.shown(tmp_path / "data" / "raw.csv") == "data/raw.csv"
    assert project.shown(tmp_path.parent / "raw.csv") == f"{tmp_path.parent / 'raw.csv'}"


def test_secrets_are_collected_wherever_they_are_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Kedro resolves them: from a variable, from globals.yml, by an anchor, and where a hook has put them."""
    monkeypatch.setenv("SHOP_PIN", "S3CRET-1")
    monkeypatch.setenv("SHOP_TOKEN", "S3CRET-2")
    context = Context(
        tmp_path,
        mlflow={"server": {"mlflow_tracking_uri": "http://u:S3CRET-3@h"}, "autolog_pipeline": MODELS},
        credentials={"shop": {"any": "${oc.env:SHOP_PIN}"}},
        globals={"shop_token": "S3CRET-4", "bucket": "b"},
    )
    (tmp_path / "base" / "catalog.yml").write_text(
        "_access: &access {headers: {X-Key: S3CRET-5}, rows: [{dsn: 'PWD=S3CRET-6'}]}\n"
        "answer: {type: a.B, load_args: {<<: *access, filter: '${globals:shop_token}'}}\n"
    )
    project = read_project(context)  # type: ignore[arg-type]  # all that it reads
    assert project is not None
    project.config_loader["credentials"] = {**project.config_loader["credentials"], "vault": {"key": "S3CRET-7"}}

    found = {secret.value: secret.place for secret in project.secrets() if secret.value.startswith("S3CRET")}

    assert {
        "S3CRET-1": "credentials.yml: shop.any",
        "S3CRET-2": "the environment variable SHOP_TOKEN",
        "S3CRET-3": "MLflow's tracking server",
        "S3CRET-4": "globals.yml: shop_token",
        "S3CRET-5": "catalog.yml: answer.load_args.headers.X-Key",
        "S3CRET-6": "catalog.yml: answer.load_args.rows.dsn",
        "S3CRET-7": "credentials.yml: vault.key",
    } == found


@pytest.mark.parametrize(
    ("credentials", "known"),
    [
        ({"other": {}, "more": {}}, "It has: 'more', 'other'."),
        ({"trackin": {}}, "Did you mean 'trackin'?"),
        (None, "It is empty, or not there."),
    ],
    ids=["other", "misspelt", "none"],
)
def test_credentials_that_are_not_there_are_a_mistake(
    tmp_path: Path, credentials: dict[str, object] | None, known: str
) -> None:
    """A key that credentials.yml lacks is told with those that it has, or the one that was meant, and what to add."""
    files = {} if credentials is None else {"credentials": credentials}
    context = Context(tmp_path, mlflow={"server": {"credentials": "tracking"}, "autolog_pipeline": MODELS}, **files)

    with pytest.raises(ConfigurationError) as caught:
        read_project(context)  # type: ignore[arg-type]  # all that it reads

    assert caught.value.mistakes == (
        f"server.credentials: credentials.yml has no 'tracking'. {known} Add it with the variables that "
        "the server asks for, such as 'tracking: {MLFLOW_TRACKING_USERNAME: ..., MLFLOW_TRACKING_PASSWORD: ...}'.",
    )
