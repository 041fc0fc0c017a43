"""Read mlflow.yml and the project into frozen values, or one error with every mistake."""
