"""Write one directory that MLflow can load: artifacts, code, requirements, manifest."""
