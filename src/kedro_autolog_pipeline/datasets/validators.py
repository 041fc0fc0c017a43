"""Find the validators that a catalog declares for the datasets of an inference pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kedro.io import DataCatalog


def declared_validators(catalog: DataCatalog, request: Iterable[str], written: Iterable[str] = ()) -> dict[str, Any]:
    """Find the validators that Kedro 1.6+ applies when it loads and saves datasets.

    Args:
        catalog: The catalog.
        request: Names of the datasets that the pipeline only loads: a validator for saves is left out.
        written: Names of the datasets that its nodes write.

    Returns:
        By dataset name, what the catalog's ``validator`` holds; empty for an older Kedro.
    """
    if not getattr(catalog, "validation_enabled", False):
        return {}
    loaded, written = list(request), list(written)
    registered = set(catalog.keys())
    for name in [*loaded, *written]:
        if name in catalog and name not in registered:
            # Kedro knows the validator of a dataset factory once it has made the dataset.
            catalog.get(name)
    specs = {name: spec for name, spec in catalog.validator_specs.items() if spec.enabled}
    return {
        **{name: specs[name].to_config() for name in loaded if name in specs and "load" in specs[name].on},
        **{name: specs[name].to_config() for name in written if name in specs},
    }


def validator_path(config: Any) -> str:
    """Return the dotted path of a validator."""
    return str(config if isinstance(config, str) else config["class"])
