"""Tests of config.yaml_faults."""

from __future__ import annotations

from pathlib import Path

import pytest
from kedro.config import OmegaConfigLoader

from kedro_autolog_pipeline.config.reading import read_config
from kedro_autolog_pipeline.config.yaml_faults import find_yaml_fault
from kedro_autolog_pipeline.errors import ConfigurationError

START = "autolog_pipeline:\n  models:\n    prices:\n      training: training\n"


def loader(root: Path, text: str, env: str = "base") -> OmegaConfigLoader:
    """Give a loader of a configuration with this mlflow.yml."""
    for name in ("base", "local"):
        (root / "conf" / name).mkdir(parents=True)
    (root / "conf" / env / "mlflow.yml").write_text(text, encoding="utf-8")
    return OmegaConfigLoader(str(root / "conf"), base_env="base", default_run_env="local")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "autolog_pipeline:\n\tmodels: {}\n",
            "line 2 of 'conf/base/mlflow.yml' is indented by a tab. YAML takes spaces alone.",
        ),
        (
            START + "  \tinference: i\n",
            "line 5 of 'conf/base/mlflow.yml' is indented by a tab. YAML takes spaces alone.",
        ),
        (
            START + "     inference: i\n",
            "line 5 of 'conf/base/mlflow.yml' is indented by 5 spaces, and the lines above "
            "it by 0, 2, 4, 6. Indent keys of one section alike.",
        ),
        (
            START + "\n       # the other\n       inference: i\n",
            "line 7 of 'conf/base/mlflow.yml' is indented by 7 "
            "spaces, and line 4 above it, which has a value, by 6. Indent keys of one section alike.",
        ),
        (
            START.replace(": training", ":training") + "      inference: i\n",
            "line 4 of 'conf/base/mlflow.yml' has no space after the colon: 'training:training'.",
        ),
        (
            START + "      input_name: @x\n",
            "line 5 of 'conf/base/mlflow.yml' is no YAML: found character '@' that cannot start any token.",
        ),
        ("a: [1\n", "line 1 of 'conf/base/mlflow.yml' is no YAML: expected ',' or ']', but got '<stream end>'."),
        (
            START + "      inference: i\n      training: other\n",
            "line 6 of 'conf/base/mlflow.yml' has the key 'training' again, which is in line 4 already. "
            "Keep one of them.",
        ),
        (
            "server: {}\nhooks: [{name: a, name: b}]\n",
            "line 2 of 'conf/base/mlflow.yml' has the key 'name' again, which is in line 2 already. Keep one of them.",
        ),
    ],
    ids=[
        "tab",
        "tab after spaces",
        "too little",
        "too much",
        "no space",
        "other",
        "end of file",
        "twice",
        "twice in a list",
    ],
)
def test_a_line_that_is_no_yaml_is_told_with_what_to_do(tmp_path: Path, text: str, expected: str) -> None:
    """It is counted from 1, as an editor does."""
    with pytest.raises(ConfigurationError) as raised:
        read_config(loader(tmp_path, text))

    assert (f"mlflow.yml: cannot be read: {expected}",) == raised.value.mistakes


def test_the_file_of_an_environment_is_looked_at_too(tmp_path: Path) -> None:
    """Its path says which one it is; a file that is YAML has no fault."""
    assert find_yaml_fault(loader(tmp_path, START)) is None
    (tmp_path / "conf" / "local" / "mlflow.yml").write_text("a: b: c\n", encoding="utf-8")
    fault = find_yaml_fault(OmegaConfigLoader(str(tmp_path / "conf"), base_env="base", default_run_env="local"))

    assert fault == "line 1 of 'conf/local/mlflow.yml' is no YAML: mapping values are not allowed here."
