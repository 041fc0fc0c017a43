"""A size comes in; the card of a model with hundreds of everything, and names that are markup, goes out."""

from __future__ import annotations

from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from kedro_autolog_pipeline.card.page import ModelCard
from kedro_autolog_pipeline.serving.manifest import (
    FORMAT_VERSION,
    ArtifactEntry,
    InputEntry,
    Manifest,
    NodeEntry,
    Origin,
    Provenance,
    RequirementEntry,
)
from kedro_autolog_pipeline.verification.proof import Answers, Outcome, Proof

HOSTILE = "<script>document.title = 'hacked'</script><img src=x onerror=alert(1)>\x1b[31m\u202e"


def large_card(number: int) -> ModelCard:
    """Make a card.

    Args:
        number: Nodes of the pipeline, columns of a request, parameters, requirements and metrics.
    """
    inputs = [f"input_{node}_{place}" for node in range(number) for place in range(9)]
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name="large_model",
        nodes=[
            NodeEntry(
                f"node_with_a_rather_long_name_{node}",
                f"shop.pipelines.inference.nodes:node_with_a_rather_long_name_{node}",
                is_pickled=False,
                inputs=[f"step_{max(node - back, 0)}" for back in (0, 1, 3)] + inputs[9 * node : 9 * node + 9],
                outputs=f"step_{node + 1}",
            )
            for node in range(number)
        ],
        inputs=[InputEntry("step_0", Origin.REQUEST), *(InputEntry(name, Origin.TRAINED) for name in inputs)],
        outputs=[f"step_{number}"],
        parameters={f"params:{HOSTILE}{place}": HOSTILE for place in range(number)},
        artifacts=[
            ArtifactEntry(name, Origin.TRAINED, "path", {"type": HOSTILE}, 1500, "0" * 64, from_this_run=True)
            for name in inputs
        ],
        requirements=[RequirementEntry(f"{'x' * 60}{place}==1.0", [HOSTILE]) for place in range(number)],
        code=[],
        notes=[HOSTILE],
        provenance=Provenance("run", "training", "inference", "kedro run", None, "2026-01-01T00:00:00+00:00", {}),
    )
    signature = ModelSignature(Schema([ColSpec(DataType.double, f"{HOSTILE}{place}") for place in range(number)]))
    proof = Proof(Outcome.REPRODUCED, HOSTILE, 0.5, Answers(single_row=HOSTILE))
    return ModelCard(manifest, signature, proof, (), {f"metric_{place}": 0.5 for place in range(number)}, "models:/m-1")
