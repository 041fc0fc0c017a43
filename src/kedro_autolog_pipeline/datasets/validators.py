"""Find the validators that a catalog declares for the datasets of a request."""

from __future__ import annotations

from typing import Any

from kedro.io import DataCatalog


def declared_validators(catalog: DataCatalog, names: list[str]) -> dict[str, Any]:
    """Find the validators that Kedro 1.6+ applies when it loads the datasets ``names``.

    Returns:
        By dataset name, what the catalog's ``validator`` holds; empty for an older Kedro.
    """
    if not getattr(catalog, "validation_enabled", False):
        return {}
    for name in names:
        if name in catalog:
            # Kedro knows the validator of a dataset factory once it has made the dataset.
            catalog.get(name)
    specs = catalog.validator_specs
    return {
        name: specs[name].to_config()
        for name in names
        if name in specs and specs[name].enabled and "load" in specs[name].on
    }


def validator_path(config: Any) -> str:
    """Return the dotted path of a validator."""
    return str(config if isinstance(config, str) else config["class"])
