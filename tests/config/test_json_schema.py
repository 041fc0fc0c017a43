"""The JSON Schema of mlflow.yml refuses what the loader refuses, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft7Validator

from kedro_autolog_pipeline.__main__ import main
from kedro_autolog_pipeline.config.json_schema import EDITOR_COMMENT, FILE_NAME, json_schema
from kedro_autolog_pipeline.config.reading import parse_config
from kedro_autolog_pipeline.errors import ConfigurationError

CONF = Path(__file__).parents[2] / "conf_example"
PAIR = {"training": "training", "inference": "inference"}

PROMOTED = {
    **PAIR,
    "registered_model_name": "m",
    "alias": "champion",
    "evaluate": {"data": "rows", "targets": "y", "model_type": "classifier"},
    "promote_when": {"m": {"greater_is_better": True, "min_absolute_change": 0.5}},
}

GOOD = {
    "a model that has to be better": {"models": {"m": PROMOTED}},
    "a pair": {"models": {"m": PAIR}},
    "nulls": {"enabled": None, "on_failure": None, "models": {"m": {**PAIR, "alias": None, "signature": None}}},
    "switched off": {"enabled": False},
    "a registered model": {"models": {"m": {**PAIR, "registered_model_name": "m", "alias": "champion"}}},
    "several inputs": {"models": {"m": {**PAIR, "input_name": ["a", "b"]}}},
    "columns": {"models": {"m": {**PAIR, "signature": {"optional": ["sex"], "required": ["id"]}}}},
    "all requirements": {"models": {"m": {**PAIR, "pip_requirements": [], "extra_pip_requirements": None}}},
    "a runner of one's own": {"models": {"m": {**PAIR, "runner": "shop.runners.Runner"}}},
    "tags": {"models": {"m": {**PAIR, "tags": {"team": "biology", "year": 2026, "final": True, "none": None}}}},
}

BAD = {
    "a condition without an alias": {"models": {"m": {**PROMOTED, "alias": None}}},
    "a comparison without rows": {"models": {"m": {**PROMOTED, "evaluate": None}}},
    "a condition of nothing": {"models": {"m": {**PROMOTED, "promote_when": {"m": {"greater_is_better": True}}}}},
    "no pair": {"models": {}},
    "nothing": {},
    "a pair without inference": {"models": {"m": {"training": "training"}}},
    "an inference that is null": {"models": {"m": {**PAIR, "inference": None}}},
    "a misspelt key": {"on_failur": "warn", "models": {"m": PAIR}},
    "a misspelt key of a pair": {"models": {"m": {**PAIR, "inptu_name": "x"}}},
    "a misspelt kind of column": {"models": {"m": {**PAIR, "signature": {"optinal": ["sex"]}}}},
    "another choice": {"on_failure": "ignore", "models": {"m": PAIR}},
    "an alias of nothing": {"models": {"m": {**PAIR, "alias": "champion"}}},
    "an alias of null": {"models": {"m": {**PAIR, "alias": "champion", "registered_model_name": None}}},
    "two lists of requirements": {"models": {"m": {**PAIR, "pip_requirements": [], "extra_pip_requirements": []}}},
    "a list and an environment": {"models": {"m": {**PAIR, "pip_requirements": "r.txt", "conda_env": "c.yml"}}},
    "an input twice": {"models": {"m": {**PAIR, "input_name": ["a", "a"]}}},
    "no input": {"models": {"m": {**PAIR, "input_name": []}}},
    "a runner that is none": {"models": {"m": {**PAIR, "runner": "ParallelRunner"}}},
    "no time": {"models": {"m": {**PAIR, "verify_timeout": 0}}},
    "more than a week": {"models": {"m": {**PAIR, "verify_timeout": 604801}}},
    "a tag that is a list": {"models": {"m": {**PAIR, "tags": {"team": ["a"]}}}},
}

BEYOND = {
    "one pipeline for both": {"models": {"m": {"training": "same", "inference": "same"}}},
    "a column of two kinds": {"models": {"m": {**PAIR, "signature": {"optional": ["a"], "required": ["a"]}}}},
}
"""What compares two values, which no JSON Schema can."""

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, "", " ", "a", "a.b", "a\nb", "auto", "warn", "raise", "skip", "copy", "false"),
    *(1.5, 604800, 604801, 1e300, -0.5, "1", "on", "full", "classifier", "error", "package", "assign", "ThreadRunner"),
    *([], ["a"], ["a", "b"], ["a", 1], [""], [None], [["a"]], {}, {"a": "b"}, {"a": None}, {"a": 1}, {"a": ["b"]}),
)

VALIDATOR = Draft7Validator(json_schema())


def ours(content: dict[str, Any]) -> dict[str, Any]:
    """Give a file with this part of ours."""
    return {"autolog_pipeline": content}


def loads(content: dict[str, Any]) -> bool:
    """Tell whether the loader takes a file."""
    try:
        parse_config(content)
    except ConfigurationError:
        return False
    return True


def keys(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the path of each key that the schema knows, that of a pair's under the name of a model."""
    for part in (schema, *schema.get("anyOf", ())):
        for key, below in part.get("properties", {}).items():
            yield (*path, key)
            yield from keys(below, (*path, key))
        if isinstance(part.get("additionalProperties"), dict) and "properties" in part["additionalProperties"]:
            yield from keys(part["additionalProperties"], (*path, "m"))


def schema_of(path: tuple[str, ...]) -> dict[str, Any]:
    """Give the schema of a key."""
    schema = json_schema()
    for key in path:
        parts = [schema, *schema.get("anyOf", ())]
        named = [part["properties"][key] for part in parts if key in part.get("properties", {})]
        of_each_name = [part.get("additionalProperties") or {} for part in parts]
        # Where conditions name a key too, what describes it comes first.
        schema = (named or [each for each in of_each_name if "properties" in each])[0]
    return schema


def with_value(path: tuple[str, ...], value: object) -> dict[str, Any]:
    """Give a good file in which one key has this value."""
    content: dict[str, Any] = copy.deepcopy(ours({"models": {"m": PROMOTED}}))
    section = content
    for key in path[:-1]:
        section = section.setdefault(key, {})
    section[path[-1]] = value
    return content


def test_the_schema_is_one() -> None:
    """Of the draft that it names."""
    Draft7Validator.check_schema(json_schema())


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
def test_a_good_file_is_taken_by_both(content: dict[str, Any]) -> None:
    """An editor marks nothing that works."""
    assert loads(ours(content))
    assert [] == list(VALIDATOR.iter_errors(ours(content)))


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_by_both(content: dict[str, Any]) -> None:
    """An editor marks what would stop the run."""
    assert not loads(ours(content))
    assert not VALIDATOR.is_valid(ours(content))


@pytest.mark.parametrize("content", BEYOND.values(), ids=BEYOND)
def test_what_no_schema_can_say_is_left_to_the_loader(content: dict[str, Any]) -> None:
    """These are all of it."""
    assert not loads(ours(content))
    assert VALIDATOR.is_valid(ours(content))


@pytest.mark.parametrize("path", sorted(set(keys(json_schema()))), ids=".".join)
def test_each_value_of_each_key_is_judged_alike(path: tuple[str, ...]) -> None:
    """So a new key is in the schema as soon as it is in the classes."""
    differing = [
        value
        for value in VALUES
        if loads(with_value(path, value)) != VALIDATOR.is_valid(with_value(path, value))
        # A file without our key is read as somebody else's before it is parsed.
        and path != ("autolog_pipeline",)
    ]

    assert [] == differing


@pytest.mark.parametrize("path", sorted(set(keys(json_schema()))), ids=".".join)
def test_each_key_is_refused_when_it_is_misspelt(path: tuple[str, ...]) -> None:
    """In any section, whoever owns the key."""
    *section, key = path
    content = with_value((*section, f"{key}x"), None)

    assert not loads(content)
    assert not VALIDATOR.is_valid(content)


@pytest.mark.parametrize("path", sorted(set(keys(json_schema()))), ids=".".join)
def test_each_key_is_required_by_both_or_by_none(path: tuple[str, ...]) -> None:
    """Left out of a file that is good with it."""
    content = with_value(path, None)
    section = content
    for key in path[:-1]:
        section = section[key]
    del section[path[-1]]

    # A file without our key is somebody else's, and is not parsed.
    assert path == ("autolog_pipeline",) or loads(content) == VALIDATOR.is_valid(content)


def test_an_interpolation_is_no_mistake() -> None:
    """The editor sees the file before Kedro has put the values in."""
    content = ours({"enabled": "${globals:enabled}", "models": {"m": {**PAIR, "verify_timeout": "${globals:time}"}}})

    assert VALIDATOR.is_valid(content)


def test_each_key_of_ours_is_described() -> None:
    """By the class that holds it."""
    part = json_schema()["properties"]["autolog_pipeline"]["anyOf"][0]["properties"]["models"]["anyOf"][0]
    described = {key: schema["description"] for key, schema in part["additionalProperties"]["properties"].items()}

    assert "" not in described.values()
    assert "Moves this alias to the new version; needs `registered_model_name`. null: no alias." == described["alias"]
    assert "`warn`: it succeeds, and one line says so." in described["on_refusal"]


def test_the_example_of_each_key_is_good() -> None:
    """It is taken by the loader, and each key of ours that no other key is below has one."""
    missing = []
    for path in sorted(set(keys(json_schema()))):
        schema = schema_of(path)
        for example in schema.get("examples", ()):
            assert loads(with_value(path, example)), path
            assert VALIDATOR.is_valid(with_value(path, example)), path
        if "anyOf" in schema and "examples" not in schema:
            missing.append(".".join(path))

    assert ["autolog_pipeline", "server", "tracking", "tracking.experiment", "tracking.run"] == missing


def test_the_example_is_good() -> None:
    """As the demo runs on it."""
    text = (CONF / "base" / "mlflow.yml").read_text(encoding="utf-8")

    assert text.startswith(EDITOR_COMMENT)
    assert [] == list(VALIDATOR.iter_errors(yaml.safe_load(text)))


def test_the_file_beside_the_example_is_new(tmp_path: Path) -> None:
    """Where it is not, `make schema` writes it."""
    CliRunner().invoke(main, ["schema", str(tmp_path / FILE_NAME)])

    assert (tmp_path / FILE_NAME).read_text(encoding="utf-8") == (CONF / FILE_NAME).read_text(encoding="utf-8")
