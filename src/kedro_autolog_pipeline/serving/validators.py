"""Validate a request's data by the validators of the catalog."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from kedro_autolog_pipeline.errors import ModelLoadError, PredictionError
from kedro_autolog_pipeline.serving.copying import copied

_LOGGER = logging.getLogger(__name__)


class RequestValidation:
    """Does to a request what Kedro's catalog does to a dataset that it loads.

    Args:
        validators: By dataset name, what the catalog's ``validator`` holds.
        package: The package's directory, for errors.

    Raises:
        ModelLoadError: When a validator cannot be made.
    """

    def __init__(self, validators: Mapping[str, Any], package: str) -> None:
        self._validators = {name: _resolved(name, config, package) for name, config in validators.items()}

    def __call__(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values as the validators leave them; the caller's are not changed.

        Raises:
            PredictionError: With a validator's message, when a value is not valid.
        """
        if not self._validators:
            return values
        return {name: self._validated(name, value) for name, value in values.items()}

    def _validated(self, name: str, value: Any) -> Any:
        if name not in self._validators:
            return value
        validator, is_strict = self._validators[name]
        try:
            return validator.validate(copied(name, value))
        except Exception as error:
            if is_strict:
                raise PredictionError(f"'{name}' is not valid.", f"Correct the data: {error}") from error
            _LOGGER.warning("'%s' is not valid. %s", name, error)
            return value


def _resolved(name: str, config: Any, package: str) -> tuple[Any, bool]:
    """Return a validator, and whether data that it refuses is refused."""
    try:
        from kedro.validation import ValidatorSpec, resolve_validator

        spec = ValidatorSpec.from_dataset_config(name, config)
        return resolve_validator(spec), spec.severity == "error"
    except Exception as error:
        raise ModelLoadError(
            package,
            f"the validator of '{name}' cannot be made ({error}).",
            "Install the packages of its requirements.txt.",
        ) from error
