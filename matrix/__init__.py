"""Run scenario tests with each version of Python, Kedro and MLflow that is supported, for `make test-matrix`."""
