"""Collect what must be in no model of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from kedro.io import DataCatalog

from kedro_autolog_pipeline.config.project import Project
from kedro_autolog_pipeline.datasets.locations import catalog_secrets
from kedro_autolog_pipeline.pairing.pair import Pair
from kedro_autolog_pipeline.run.runtime_params import values_of
from kedro_autolog_pipeline.secret_values import Secret, find_secrets
from kedro_autolog_pipeline.serving.manifest import Origin


def collect_secrets(
    project: Project, pairs: Iterable[Pair], catalog: DataCatalog, withheld: Collection[str]
) -> list[Secret]:
    """Collect the secrets of a project, of its catalog and of the command line.

    Args:
        project: The project.
        pairs: The pairs whose models must hold none.
        catalog: The catalog of the run, to which hooks may have added datasets.
        withheld: Paths of parameters of the command line that no pipeline reads.
    """
    artifacts = sorted({name for pair in pairs for name in pair.inputs_from(Origin.TRAINED, Origin.REFERENCE)})
    given = project.config_loader.runtime_params or {}
    return [
        *catalog_secrets(artifacts, catalog),
        *find_secrets(values_of(withheld, given), "--params:"),
        *project.secrets(),
    ]
