"""From instances to the names of their species, with what the training pipeline has learned."""

from .pipeline import create_pipeline

__all__ = ["create_pipeline"]
