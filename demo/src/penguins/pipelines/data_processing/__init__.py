"""From the raw penguins to a training set, a test set, and instances that nobody has named."""

from .pipeline import create_pipeline

__all__ = ["create_pipeline"]
