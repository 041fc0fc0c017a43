"""The only door to MLflow's server: runs, logged models and registered models."""
