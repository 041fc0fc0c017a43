"""From the training set to an imputer, an encoder, a label encoder and a classifier, and their score."""

from .pipeline import create_pipeline

__all__ = ["create_pipeline"]
