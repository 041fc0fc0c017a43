"""Parameters as the project's files hold them come in, values as the nodes declare them go out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kedro.pipeline import Pipeline

PARAMETER_PREFIX = "params:"
ALL_PARAMETERS = "parameters"


def typed_parameters(values: Mapping[str, Any], pipeline: Pipeline) -> dict[str, Any]:
    """Turn values into the dataclasses and pydantic models that node functions ask for by their annotations.

    Kedro 1.3+ does so when a project starts, for the pipelines that are run; before, nodes get the plain values.

    Args:
        values: Plain value by dataset name, ``params:x`` or ``parameters``.
        pipeline: The pipeline whose nodes read them.

    Raises:
        Exception: Kedro's ``ParameterValidationError``, when a value does not fit its type.
    """
    try:
        from kedro.validation import ParameterValidator
    except ImportError:
        return dict(values)
    validator = ParameterValidator({ALL_PARAMETERS: pipeline})
    if not validator.type_extractor.extract_types_from_pipelines():
        return dict(values)
    # Kedro looks a dotted name up as it stands before it takes it for a path.
    named = {name.removeprefix(PARAMETER_PREFIX): value for name, value in values.items() if name != ALL_PARAMETERS}
    typed = validator.validate_raw_params(named)
    whole = {ALL_PARAMETERS: values[ALL_PARAMETERS]} if ALL_PARAMETERS in values else {}
    return {
        **{f"{PARAMETER_PREFIX}{name}": typed[name] for name in named},
        **{name: validator.validate_raw_params(value) for name, value in whole.items()},
    }
