"""A pair and what its data are made of come in, the modules that its model starts from go out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
from kedro.pipeline.node import Node

from kedro_autolog_pipeline.datasets.validators import validator_path
from kedro_autolog_pipeline.dependencies.search import Environment, Seed, ShippedCode
from kedro_autolog_pipeline.package.functions import defining_modules
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.serving.runners import resolve_runner


def function_seeds(nodes: Iterable[Node]) -> list[Seed]:
    """Name the modules in which the functions of nodes are."""
    return [Seed(module, f"function of node '{node.name}'") for node in nodes for module in defining_modules(node.func)]


def other_seeds(modules: Mapping[str, Iterable[str]], validators: Mapping[str, Any], runner: str | None) -> list[Seed]:
    """Name the other modules that a model needs, each with the reason.

    Args:
        modules: Modules that loading an artifact needs, by its name.
        validators: Of each request input that has one its validator, as in the catalog.
        runner: The Kedro runner that the user wants; None for none.

    Raises:
        ModelDefinitionError: When there is no such runner.
    """
    data = [
        Seed(module, f"loads the artifact '{artifact}'") for artifact, needed in modules.items() for module in needed
    ]
    checks = [
        Seed(validator_path(config).rpartition(".")[0], f"validator of '{name}'") for name, config in validators.items()
    ]
    runners = [] if runner is None else [Seed(resolve_runner(runner).__module__, "runner")]
    return [Seed("kedro_autolog_pipeline.serving.model", "the model itself"), *data, *checks, *runners]


def with_code_paths(pair: Pair, found: Environment, project_path: Path) -> Environment:
    """Put the code that the user names in the place of the code that was found."""
    if pair.config.code_paths is None:
        return found
    paths = [project_path / path for path in pair.config.code_paths]
    named = [ShippedCode(path.stem, path, ("named in code_paths",)) for path in paths]
    # Without this package, no other code can be called.
    own = [code for code in found.code if code.module == __name__.partition(".")[0]]
    return attrs.evolve(found, code=(*named, *own))
