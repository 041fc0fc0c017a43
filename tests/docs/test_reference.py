"""The parts of the reference that come from the code are whole."""

from __future__ import annotations

import re

import attrs
import click
import pytest

from docs.hooks.example import EXAMPLE, commented
from docs.hooks.reference import PARTS, descriptions, keep_to_itself, on_page_markdown
from kedro_autolog_pipeline.cli import autolog
from kedro_autolog_pipeline.config import schema
from kedro_autolog_pipeline.serving.manifest import Manifest
from pages import ROOT

CONFIGURATION = on_page_markdown((ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8"))


def test_each_command_and_option_is_described() -> None:
    """The page has a section for each command, and each option has a meaning."""
    page = on_page_markdown("<!-- generated: commands -->")

    assert autolog.list_commands(click.Context(autolog)) == re.findall(r"^## kedro autolog (\w+)$", page, re.MULTILINE)
    assert [] == re.findall(r"^\| `--[^|]*\|\s*\|$", page, re.MULTILINE)
    assert "`-e, --env TEXT`" in page


def test_each_key_of_the_manifest_is_described() -> None:
    """The docstring of a class says something of each of its attributes."""
    assert [field.name for field in attrs.fields(Manifest)] == list(descriptions(Manifest))
    assert "`format_version`" in PARTS["manifest"]()


@pytest.mark.parametrize(
    ("kind", "section"),
    [
        (schema.ServerConfig, "server"),
        (schema.ExperimentConfig, "tracking.experiment"),
        (schema.RunConfig, "tracking.run"),
        (schema.AutologPipelineConfig, "autolog_pipeline"),
        (schema.ModelConfig, "autolog_pipeline.models.<name>"),
        (schema.SignatureConfig, "autolog_pipeline.models.<name>.signature"),
        (schema.EvaluateConfig, "autolog_pipeline.models.<name>.evaluate"),
        (schema.ThresholdConfig, "autolog_pipeline.models.<name>.promote_when.<name>"),
    ],
)
def test_each_key_of_the_configuration_is_in_the_table_of_its_section(
    kind: type[attrs.AttrsInstance], section: str
) -> None:
    """With the words of its class; what is no key of the file is not there."""
    _, _, rest = CONFIGURATION.partition(f"### {section}\n")
    table, _, _ = rest.partition("\n#")
    not_in_the_file = {(schema.ModelConfig, "name"), (schema.SignatureConfig, "mode")}
    keys = [field.name for field in attrs.fields(kind) if (kind, field.name) not in not_in_the_file]

    assert keys == re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    for key in keys:
        assert descriptions(kind)[key].split(".")[0].replace("None", "null") in table


def test_the_table_of_the_configuration_has_defaults_choices_and_examples() -> None:
    """A reader sees what each word means, and what a value looks like."""
    assert (
        "| `on_failure` | `raise` | What a model that cannot be packaged does to `kedro run`, whose outputs are saved "
        "by then. `raise`: it fails, once training's outputs are saved. `warn`: it succeeds, with a WARNING. "
        "Example: `warn` |"
    ) in CONFIGURATION
    assert "| `training` | required |" in CONFIGURATION
    assert "| `signature` | `auto` |" in CONFIGURATION
    assert "`params`: the parameters and the outputs are inferred" in CONFIGURATION


def test_the_comments_of_the_example_are_those_of_the_classes() -> None:
    """Where they are not, `make schema` writes them; a comment that stands elsewhere stays."""
    text = EXAMPLE.read_text(encoding="utf-8")

    assert text == commented(text)
    assert text == commented(text.replace("# Where models are registered.", "# Somewhere.\n  # Or elsewhere."))
    assert "# ours\n\nserver:" in commented(text.replace("\n\nserver:", "\n# ours\n\nserver:"))


def test_the_example_of_the_configuration_and_the_changes_are_on_the_site() -> None:
    """Both are the files themselves, and a link of the changelog leads from the site's root."""
    assert "input_name: instances" in PARTS["configuration_example"]()
    assert "](batch.md)" in PARTS["changes"]()


def test_a_page_that_asks_another_server_is_refused() -> None:
    """A script from elsewhere stops the build; a link that the reader follows does not."""
    assert '<a href="https://mlflow.org">' in keep_to_itself('<a href="https://mlflow.org">', "index.html")
    assert 'src="../assets/search' in keep_to_itself(
        '<script src="https://unpkg.com/iframe-worker/shim">', "reference/cli.html"
    )
    with pytest.raises(ValueError, match=r"The page 'index\.html' asks another server"):
        keep_to_itself('<script async src="https://example.com/a.js">', "index.html")
