"""Evaluate a package on rows that the user names, as ``mlflow.models.evaluate`` does."""
