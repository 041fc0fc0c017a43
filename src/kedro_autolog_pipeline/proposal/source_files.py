"""Write a derived inference pipeline as the three files of a Kedro pipeline."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from functools import cached_property

import attrs

from kedro_autolog_pipeline.proposal.cutting import Cut
from kedro_autolog_pipeline.proposal.derivation import Derivation, DerivedNode

MARK = "QUESTION"
"""Marks in the files what the user has to decide."""

_WIDTH = 100

_INIT = '''"""Predict with what the pipeline '{training}' has learned."""

from .pipeline import create_pipeline

__all__ = ["create_pipeline"]
'''

_NODES = '''"""The functions of the inference pipeline, from the code of the pipeline '{training}'."""

{imports}

__all__ = [
{names}]
{functions}'''

_CUT = '''

def {name}({parameters}):
    """Predict as the node '{node}' does, without evaluating."""
{body}
'''

_PIPELINE = '''"""The inference pipeline, derived from the pipeline '{training}'."""

from kedro.pipeline import Node, Pipeline

from .nodes import {names}
{questions}

def create_pipeline(**_kwargs: object) -> Pipeline:
    """Create the inference pipeline.

    Returns:
        From {request} to {answers}.
    """
    return Pipeline(
        [
{nodes}        ]
    )
'''

_NODE = """\
            Node(
                {function},
                inputs={inputs},
                outputs={outputs},
                name="{name}",{namespace}
            ),
"""
_NAMESPACE = """
                namespace="{namespace}","""


def write_sources(derivation: Derivation, training: str) -> dict[str, str]:
    """Write the files of a derived pipeline.

    Args:
        derivation: The pipeline; it has nodes.
        training: Name of the training pipeline that it was derived from.

    Returns:
        The content of each file by its name, to stand in one directory.
    """
    functions = _Functions(derivation.nodes)
    return {
        "__init__.py": _INIT.format(training=training),
        "nodes.py": _nodes_file(derivation, training, functions),
        "pipeline.py": _pipeline_file(derivation, training, functions),
    }


@attrs.frozen(slots=False)
class _Functions:
    """The functions of the nodes, each with a name of its own in the files.

    Attributes:
        nodes: The derived nodes.
    """

    nodes: tuple[DerivedNode, ...]

    def name_of(self, node: DerivedNode) -> str:
        """Return what a node's function is called in ``nodes.py``."""
        if node.cut is not None:
            return self._name_of_cut
        module, name, rest = self._origin(node)
        return self._aliases[module, name] + rest

    def imports(self) -> list[str]:
        """Return the lines that import all that ``nodes.py`` uses."""
        whole = {
            f"from {module} import {name}" + ("" if name == alias else f" as {alias}")
            for (module, name), alias in self._aliases.items()
        }
        needed = {line for node in self.nodes if node.cut is not None for line in node.cut.imports}
        return sorted(whole | needed, key=lambda line: (line.startswith("from"), line))

    @cached_property
    def _aliases(self) -> Mapping[tuple[str, str], str]:
        aliases: dict[tuple[str, str], str] = {}
        for node in self.nodes:
            if node.cut is None:
                module, name, _ = self._origin(node)
                is_taken = any(other[1] == name and other[0] != module for other in aliases)
                aliases[module, name] = f"{name}_of_{module.replace('.', '_')}" if is_taken else name
        return aliases

    @cached_property
    def _name_of_cut(self) -> str:
        taken = {line.rpartition(" ")[2] for line in self.imports()}
        return "predict_only" if "predict" in taken else "predict"

    @staticmethod
    def _origin(node: DerivedNode) -> tuple[str, str, str]:
        """Return the module of a function, the name to import from it, and what follows that name."""
        function = node.origin.step.function
        name, dot, rest = function.__qualname__.partition(".")
        return function.__module__, name, dot + rest


def _nodes_file(derivation: Derivation, training: str, functions: _Functions) -> str:
    names = {functions.name_of(node).partition(".")[0] for node in derivation.nodes}
    return _NODES.format(
        training=training,
        imports="\n".join(functions.imports()),
        names="".join(f'    "{name}",\n' for name in sorted(names)),
        functions="".join(
            _cut_function(functions.name_of(node), node, node.cut) for node in derivation.nodes if node.cut is not None
        ),
    )


def _cut_function(name: str, node: DerivedNode, cut: Cut) -> str:
    return _CUT.format(
        name=name,
        parameters=", ".join(cut.parameters),
        node=node.origin.node.name,
        body=textwrap.indent("\n".join(cut.body), "    "),
    )


def _pipeline_file(derivation: Derivation, training: str, functions: _Functions) -> str:
    read = {name for node in derivation.nodes for name in node.read}
    answers = [name for node in derivation.nodes for name in node.outputs if name not in read]
    names = {functions.name_of(node).partition(".")[0] for node in derivation.nodes}
    return _PIPELINE.format(
        training=training,
        names=", ".join(sorted(names)),
        questions=_questions(derivation.questions),
        request=_in_words(derivation.request),
        answers=_in_words(answers),
        nodes="".join(
            _NODE.format(
                function=functions.name_of(node),
                inputs=_inputs(node.inputs),
                outputs=_listed(node.outputs),
                name=node.name,
                # Kedro warns of a dot in a dataset's name where the node has no namespace.
                namespace=_NAMESPACE.format(namespace=namespace) if (namespace := node.origin.node.namespace) else "",
            )
            for node in derivation.nodes
        ),
    )


def _questions(questions: Iterable[str]) -> str:
    written = "".join(
        textwrap.fill(f"{MARK} {number}: {question}", _WIDTH, initial_indent="# ", subsequent_indent="# ") + "\n"
        for number, question in enumerate(questions, start=1)
    )
    return f"\n{written}" if written else ""


def _inputs(inputs: tuple[str, ...] | Mapping[str, str]) -> str:
    if isinstance(inputs, Mapping):
        items = ", ".join(f'"{parameter}": "{name}"' for parameter, name in inputs.items())
        return f"{{{items}}}"
    return _listed(inputs)


def _listed(names: tuple[str, ...]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return quoted if len(names) == 1 else f"[{quoted}]"


def _in_words(names: Iterable[str]) -> str:
    return ", ".join(f"``{name}``" for name in names)
