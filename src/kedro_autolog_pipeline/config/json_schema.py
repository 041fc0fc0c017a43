"""Describe ``mlflow.yml`` as a JSON Schema for editors, from the classes that hold its values."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, TypeAlias

import attrs
import yaml

from kedro_autolog_pipeline.config.keys import EACH_KEY, EXCLUSIVE_KEYS, KEYS, Keys
from kedro_autolog_pipeline.config.schema import (
    AutologPipelineConfig,
    ModelConfig,
    ProjectConfig,
    SignatureMode,
    ThresholdConfig,
)
from kedro_autolog_pipeline.config.values import LONGEST_TIMEOUT
from kedro_autolog_pipeline.serving.runners import KEDRO_RUNNERS

_Schema: TypeAlias = dict[str, Any]

FILE_NAME = "mlflow.schema.json"
"""Name of the schema's file, which stands beside the environments: Kedro would read it as configuration in one."""

EDITOR_COMMENT = f"# yaml-language-server: $schema=../{FILE_NAME}\n"
"""The first line of an ``mlflow.yml``, which tells an editor where its schema is."""

# One that is not empty and has no control character.
_STRING: _Schema = {"type": "string", "pattern": r"^(?=.*\S)[^\u0000-\u001f\u007f-\u009f]*$"}
_STRINGS: _Schema = {"type": "array", "items": _STRING}
_NULL: _Schema = {"type": "null"}
# OmegaConf replaces an interpolation before the file is read.
_INTERPOLATION: _Schema = {"type": "string", "pattern": r"\$\{"}

_PLAIN: Mapping[Any, _Schema] = {
    Any: {},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    int: {"type": "integer"},
    str: _STRING,
    tuple[str, ...]: _STRINGS,
}

# Values that YAML 1.1 reads from unquoted words, as Kedro passes them on.
_READ_AS = {"no": False, "off": False, "on": True, "yes": True}

# Keys that take what their type does not say, as in `values`.
_SPECIAL: Mapping[type, Mapping[str, list[_Schema]]] = {
    ModelConfig: {
        "input_name": [_STRING, {**_STRINGS, "minItems": 1, "uniqueItems": True}],
        "runner": [{"enum": list(KEDRO_RUNNERS)}, {**_STRING, "allOf": [{"pattern": r"\."}]}],
        "signature": [{"enum": [mode.value for mode in SignatureMode]}],
        "tags": [{"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}],
        "verify_timeout": [{"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_TIMEOUT}],
    },
    ThresholdConfig: {
        "min_absolute_change": [{"type": "number", "exclusiveMinimum": 0}],
        "min_relative_change": [{"type": "number", "exclusiveMinimum": 0, "maximum": 1}],
    },
}


def written_schema() -> str:
    """Return the schema as its file has it."""
    return json.dumps(json_schema(), indent=1) + "\n"


def json_schema() -> _Schema:
    """Return the schema of ``mlflow.yml``, in draft 7, which editors know best."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "mlflow.yml of kedro-autolog-pipeline",
        **_section(ProjectConfig, KEYS),
        # A file without our key is somebody else's.
        "required": [],
    }


def _section(section: type[attrs.AttrsInstance], keys: Keys) -> _Schema:
    """Return the schema of a mapping whose values an attrs class holds."""
    attrs.resolve_types(section)
    fields = {field.name: field for field in attrs.fields(section)}
    texts = _descriptions(section)
    properties: dict[str, _Schema] = {}
    for key, below in keys.items():
        if key in fields:
            described = {**_described(texts[key], fields[key].type, below), **_default(fields[key], below)}
            properties[key] = {**described, **_value(section, fields[key], below)}
        else:
            properties[key] = _of_others(below)
    required = [key for key in keys if key in fields and fields[key].default is attrs.NOTHING]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": required,
        **_CONDITIONS.get(section, {}),
    }


def _value(section: type, field: attrs.Attribute[Any], below: Keys | None) -> _Schema:
    """Return the schema of a key's value."""
    alternatives = _alternatives(field.type, below)
    special = _SPECIAL.get(section, {}).get(field.name)
    if special is not None:
        alternatives = [*special, *(each for each in alternatives if each.get("properties"))]
    if _STRING not in alternatives:
        alternatives.append(_INTERPOLATION)
    if field.default is not attrs.NOTHING:
        alternatives.append(_NULL)
    return {"anyOf": alternatives}


def _default(field: attrs.Attribute[Any], below: Keys | None) -> _Schema:
    """Return the default that an editor shows; a key that may be null shows none."""
    default = (_single(field.type, below) or field).default
    if isinstance(default, Enum):
        default = default.value
    return {"default": default} if isinstance(default, (bool, float, str)) else {}


def _alternatives(kind: Any, below: Keys | None) -> list[_Schema]:
    """Return a schema for each type that a value may have."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return [
            schema for part in typing.get_args(kind) if part is not type(None) for schema in _alternatives(part, below)
        ]
    if kind in _PLAIN:
        return [_PLAIN[kind]]
    if isinstance(kind, type) and issubclass(kind, Enum):
        values = [choice.value for choice in kind]
        return [{"enum": [*values, *(_READ_AS[value] for value in values if value in _READ_AS)]}]
    if attrs.has(kind):
        return [_section(kind, below or {})]
    return [_collection(kind, below)]


def _collection(kind: Any, below: Keys | None) -> _Schema:
    """Return the schema of a type that holds others."""
    parts = typing.get_args(kind)
    if below is not None and EACH_KEY in below:
        # A tuple in the values is a mapping by name in the file.
        (held,) = filter(attrs.has, parts)
        return {"type": "object", "additionalProperties": _section(held, below[EACH_KEY] or {})}
    if issubclass(typing.get_origin(kind) or object, Mapping):
        return {"type": "object", "additionalProperties": {"anyOf": [*_alternatives(parts[-1], None), _NULL]}}
    return {"type": "array", "items": {"anyOf": _alternatives(parts[0], None)}}


def _of_others(keys: Keys | None) -> _Schema:
    """Return the schema of a key that is kedro-mlflow's alone, which judges its values."""
    text = {"description": "A key of kedro-mlflow."}
    if keys is None:
        return text
    return {**text, "additionalProperties": False, "properties": {key: _of_others(each) for key, each in keys.items()}}


def _descriptions(section: type) -> dict[str, str]:
    """Return what a class says of its attributes, in one line each."""
    _, _, block = (section.__doc__ or "").partition("Attributes:\n")
    found = re.findall(r"^ {8}(\w+): (.*(?:\n {9,}.*)*)", block, re.MULTILINE)
    return {
        name: re.sub(r"\bNone\b|\bWithout it(?=:)", "null", " ".join(text.replace("``", "`").split()))
        for name, text in found
    }


def _described(text: str, kind: Any, below: Keys | None) -> _Schema:
    """Return what an editor shows of a key: its description with the meaning of each choice, and its example."""
    description, _, example = text.partition(" Example: ")
    choices = " ".join(
        f"`{value}`: {meaning[0].lower()}{meaning[1:]}"
        for choice in _choices(kind, below)
        for value, meaning in _meanings(choice).items()
    )
    shown: _Schema = {"description": f"{description} {choices}".strip()}
    return {**shown, "examples": [yaml.safe_load(example.strip("`."))]} if example else shown


def _choices(kind: Any, below: Keys | None) -> Iterator[type[Enum]]:
    """Find the closed choices that a value of this type may be."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        yield kind
    elif (single := _single(kind, below)) is not None:
        yield from _choices(single.type, None)
    else:
        found = (choice for part in typing.get_args(kind) for choice in _choices(part, below))
        yield from dict.fromkeys(found)


def _single(kind: Any, below: Keys | None) -> attrs.Attribute[Any] | None:
    """Return what a single word sets in place of a section: the attribute that is none of its keys."""
    if not (isinstance(kind, type) and attrs.has(kind)) or below is None:
        return None
    attrs.resolve_types(kind)
    return next((field for field in attrs.fields(kind) if field.name not in below), None)


def _meanings(choice: type[Enum]) -> dict[str, str]:
    """Return what the string below each member of an enum says of it, by the member's value."""
    (definition,) = ast.parse(inspect.getsource(choice)).body
    statements = definition.body if isinstance(definition, ast.ClassDef) else []
    return {
        choice[member.targets[0].id].value: re.sub(r":func:`", "`", text.value.value).replace("``", "`")
        for member, text in itertools.pairwise(statements)
        if isinstance(member, ast.Assign)
        and isinstance(member.targets[0], ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _is_set(key: str) -> _Schema:
    return {"required": [key], "properties": {key: {"not": _NULL}}}


def _any_is_set(*keys: str) -> _Schema:
    return {"type": "object", "anyOf": [_is_set(key) for key in keys]}


_COMPARES = _any_is_set("min_absolute_change", "min_relative_change")

_CONDITIONS: Mapping[type, _Schema] = {
    ModelConfig: {
        "allOf": [
            {"if": _is_set("alias"), "then": _is_set("registered_model_name")},
            {"if": _is_set("promote_when"), "then": _is_set("alias")},
            {
                "if": {
                    "required": ["promote_when"],
                    "properties": {
                        "promote_when": {"type": "object", "not": {"additionalProperties": {"not": _COMPARES}}}
                    },
                },
                "then": _is_set("evaluate"),
            },
            *({"not": {"allOf": [_is_set(key), _is_set(other)]}} for key, other, _ in EXCLUSIVE_KEYS),
        ]
    },
    ThresholdConfig: _any_is_set("threshold", "min_absolute_change", "min_relative_change"),
    AutologPipelineConfig: {
        "if": {"not": {"required": ["enabled"], "properties": {"enabled": {"const": False}}}},
        "then": {"required": ["models"], "properties": {"models": {"not": _NULL, "minProperties": 1}}},
    },
}
"""What keys of a section need or exclude, as in :func:`~kedro_autolog_pipeline.config.keys.find_contradictions`."""
