"""Know what a run needs to know of its project."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from kedro.config import AbstractConfigLoader, MissingConfigException
from kedro.framework import project

from kedro_autolog_pipeline.config.reading import read_config
from kedro_autolog_pipeline.config.schema import ProjectConfig
from kedro_autolog_pipeline.errors import ConfigurationError
from kedro_autolog_pipeline.secret_values import Secret, environment_secrets, find_secrets
from kedro_autolog_pipeline.serving.suggestions import suggest

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext


@attrs.frozen
class Project:
    """A project that uses this plugin.

    Attributes:
        path: Its directory.
        package_name: Its Python package, which names the experiment where none is configured.
        config: Its ``mlflow.yml``.
        credentials: Environment variables for the tracking server, by name; empty when none are configured.
        config_loader: Kedro's loader of the project's configuration, with the parameters of the command line.
    """

    path: Path
    package_name: str
    config: ProjectConfig
    credentials: Mapping[str, Any]
    config_loader: AbstractConfigLoader

    @property
    def environment(self) -> str:
        """Kedro's environment of the run; the loader's default where none was asked for."""
        loader = self.config_loader
        return str(loader.env or getattr(loader, "default_run_env", None) or "local")

    def parameters(self) -> Mapping[str, Any]:
        """Read the parameters as the files and the command line have them."""
        parameters: Mapping[str, Any] = self.config_loader["parameters"]
        return parameters

    def secrets(self) -> list[Secret]:
        """Collect what the configuration holds that must not leave this machine."""
        server = self.config.server
        uris = {
            "MLflow's tracking server": server.mlflow_tracking_uri or os.environ.get("MLFLOW_TRACKING_URI"),
            "MLflow's registry": server.mlflow_registry_uri or os.environ.get("MLFLOW_REGISTRY_URI"),
        }
        return [
            *environment_secrets(os.environ),
            *find_secrets(self._configured("globals"), "globals.yml:"),
            *find_secrets(self._configured("catalog"), "catalog.yml:"),
            *(secret for place, uri in uris.items() for secret in find_secrets(uri, place)),
            *find_secrets(self._configured("credentials"), "credentials.yml:", is_secret=True),
        ]

    def _configured(self, kind: str) -> Mapping[str, Any]:
        try:
            configured: Mapping[str, Any] = self.config_loader[kind]
        except (MissingConfigException, KeyError):
            # A loader of the project's own need not know this kind.
            return {}
        return configured

    def shown(self, path: Path) -> str:
        """Return a path as it is shown: relative to the project where it is in it."""
        return path.relative_to(self.path).as_posix() if path.is_relative_to(self.path) else f"{path}"


def read_project(context: KedroContext) -> Project | None:
    """Read a project's configuration.

    Returns:
        The project; None when its ``mlflow.yml`` has no part for this plugin, or switches it off.

    Raises:
        ConfigurationError: With every mistake in ``mlflow.yml``.
    """
    config = read_config(context.config_loader)
    if config is None or not config.autolog_pipeline.enabled:
        return None
    name = config.server.credentials
    return Project(
        path=Path(context.project_path),
        package_name=str(project.PACKAGE_NAME),
        config=config,
        credentials={} if name is None else _credentials(name, context.config_loader),
        config_loader=context.config_loader,
    )


def _credentials(name: str, config_loader: AbstractConfigLoader) -> Mapping[str, Any]:
    try:
        known = config_loader["credentials"]
    except MissingConfigException:
        known = {}
    if name not in known:
        hint = suggest(name, sorted(map(str, known)), "It has") if known else "It is empty, or not there."
        mistake = (
            f"server.credentials: credentials.yml has no '{name}'. {hint} Add it with the variables that the "
            f"server asks for, such as '{name}: {{MLFLOW_TRACKING_USERNAME: ..., MLFLOW_TRACKING_PASSWORD: ...}}'."
        )
        raise ConfigurationError([mistake])
    credentials: Mapping[str, Any] = known[name]
    return credentials
