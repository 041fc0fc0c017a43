"""Tell which datasets a package cannot hold, before anything is written."""

from __future__ import annotations

from collections.abc import Collection

from kedro.io import DataCatalog, DatasetError

from kedro_autolog_pipeline.datasets.file_names import LONGEST_NAME, directory_name
from kedro_autolog_pipeline.datasets.locations import is_in_memory


def why_not_packageable(name: str, catalog: DataCatalog, written: Collection[str] | None) -> str | None:
    """Return the reason why a dataset cannot become an artifact; None when it can.

    Args:
        name: The dataset's name in the catalog.
        catalog: The catalog of the run.
        written: Names of the datasets that the run will write; None when no run is about to begin.
    """
    if len(directory_name(name)) > LONGEST_NAME:
        return f"the name '{name}' is too long for a directory. Shorten it."
    try:
        dataset = catalog.get(name)
    except DatasetError as error:
        return f"the dataset '{name}' cannot be made ({error}). Correct it in catalog.yml."
    if written is None or name in written:
        return None
    if dataset is None:
        return f"'{name}' is not in the catalog, and no node writes it under this name. Add it to catalog.yml."
    if is_in_memory(dataset) and not dataset.exists():
        return f"'{name}' is in memory, and no node of this run writes it. Give it a dataset that keeps its data."
    return None
