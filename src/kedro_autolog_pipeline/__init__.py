"""Package the inference pipeline of each Kedro training run as an MLflow model that is proven to load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kedro_autolog_pipeline.by_hand import KedroPipelineModel, log_pipeline
    from kedro_autolog_pipeline.hooks import AutologPipelineHook
    from kedro_autolog_pipeline.ready_model import ReadyModelDataset

__all__ = ["AutologPipelineHook", "KedroPipelineModel", "ReadyModelDataset", "log_pipeline"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: a command that needs neither pays for neither."""
    if name == "AutologPipelineHook":
        from kedro_autolog_pipeline.hooks import AutologPipelineHook

        return AutologPipelineHook
    if name == "KedroPipelineModel":
        from kedro_autolog_pipeline.by_hand import KedroPipelineModel

        return KedroPipelineModel
    if name == "log_pipeline":
        from kedro_autolog_pipeline.by_hand import log_pipeline

        return log_pipeline
    if name == "ReadyModelDataset":
        from kedro_autolog_pipeline.ready_model import ReadyModelDataset

        return ReadyModelDataset
    if name == "__version__":
        from importlib.metadata import version

        return version("kedro-autolog-pipeline")
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
