"""Validate a request's data, and what nodes hand on, by the validators of the catalog."""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any

import attrs

from kedro_autolog_pipeline.errors import ModelLoadError, PredictionError
from kedro_autolog_pipeline.serving.copying import copied
from kedro_autolog_pipeline.serving.executor import Step
from kedro_autolog_pipeline.serving.inference_pipeline import InferencePipeline

_LOGGER = logging.getLogger(__name__)


@attrs.frozen
class DatasetValidator:
    """Does to a value what Kedro's catalog does when it loads or saves its dataset.

    Attributes:
        name: The dataset's name.
        validator: What checks a value, and may give another one for it.
        is_strict: Whether data that it refuses is refused; else there is a warning.
        on_load: Whether it checks what a node reads.
        on_save: Whether it checks what a node has written.
    """

    name: str
    validator: Any
    is_strict: bool
    on_load: bool
    on_save: bool

    def validate(self, value: Any) -> Any:
        """Return a value as the validator leaves it.

        Raises:
            PredictionError: With the validator's message, when the value is not valid.
        """
        try:
            return self.validator.validate(value)
        except Exception as error:
            if self.is_strict:
                raise PredictionError(f"'{self.name}' is not valid.", f"Correct the data: {error}") from error
            _LOGGER.warning("'%s' is not valid. %s", self.name, error)
            return value


class RequestValidation:
    """Does to a request what Kedro's catalog does to a dataset that it loads.

    Args:
        validators: By dataset name.
    """

    def __init__(self, validators: Mapping[str, DatasetValidator]) -> None:
        self._validators = dict(validators)

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
        return self._validators[name].validate(copied(name, value))


def resolve_validators(validators: Mapping[str, Any], package: str) -> dict[str, DatasetValidator]:
    """Make the validators that a catalog declares.

    Args:
        validators: By dataset name, what the catalog's ``validator`` holds.
        package: The package's directory, for errors.

    Raises:
        ModelLoadError: When a validator cannot be made.
    """
    return {name: _resolved(name, config, package) for name, config in validators.items()}


def with_validators(pipeline: InferencePipeline, package: str) -> InferencePipeline:
    """Return a pipeline whose nodes validate what they read of one another, and what they write.

    A node that neither reads nor writes a dataset with a validator stays as it is.

    Args:
        pipeline: The pipeline.
        package: The package's directory, for errors.

    Raises:
        ModelLoadError: When a validator cannot be made.
    """
    between = {name: config for name, config in pipeline.validators.items() if name not in pipeline.request}
    if not between:
        return pipeline
    validators = resolve_validators(between, package)
    return attrs.evolve(pipeline, steps=[_validating(step, validators) for step in pipeline.steps])


def _validating(step: Step, validators: Mapping[str, DatasetValidator]) -> Step:
    node = _ValidatedStep(
        step,
        {name: each for name, each in validators.items() if each.on_load and name in step.input_names},
        {name: each for name, each in validators.items() if each.on_save and name in step.output_names},
    )
    if not (node.reads or node.writes):
        return step

    @wraps(step.function)
    def call(*given: Any, **named: Any) -> Any:
        return node.written(step.called_with(node.read(step.inputs_by_name(given, named))))

    @wraps(step.function)
    def chunks(*given: Any, **named: Any) -> Generator[Any, None, None]:
        for chunk in step.called_with(node.read(step.inputs_by_name(given, named))):
            yield node.written(chunk)

    return attrs.evolve(step, function=chunks if isgeneratorfunction(step.function) else call)


@attrs.frozen
class _ValidatedStep:
    """A node with the validators of its datasets.

    Attributes:
        step: The node.
        reads: Validators of its inputs that check what is loaded.
        writes: Validators of its outputs that check what is saved.
    """

    step: Step
    reads: Mapping[str, DatasetValidator]
    writes: Mapping[str, DatasetValidator]

    def read(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Return what the node is to be called with."""
        return {name: _checked(name, value, self.reads) for name, value in inputs.items()}

    def written(self, result: Any) -> Any:
        """Return a result as the validators leave it; the executor says of one that the node does not declare."""
        outputs = self.step.outputs_by_name(result)
        if not self.writes or outputs.keys() != set(self.step.output_names):
            return result
        return self.step.result_of({name: _checked(name, value, self.writes) for name, value in outputs.items()})


def _checked(name: str, value: Any, validators: Mapping[str, DatasetValidator]) -> Any:
    # The executor says of a node that gives None.
    return validators[name].validate(value) if name in validators and value is not None else value


def _resolved(name: str, config: Any, package: str) -> DatasetValidator:
    try:
        from kedro.validation import ValidatorSpec, resolve_validator

        spec = ValidatorSpec.from_dataset_config(name, config)
        on_save = "save" in spec.on
        return DatasetValidator(
            name,
            resolve_validator(spec),
            is_strict=spec.severity == "error",
            on_load="load" in spec.on and not (on_save and spec.skip_load_after_save),
            on_save=on_save,
        )
    except Exception as error:
        raise ModelLoadError(
            package,
            f"the validator of '{name}' cannot be made ({error}).",
            "Install the packages of its requirements.txt.",
        ) from error
