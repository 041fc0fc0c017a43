"""Take one training from before its first node to READY models, or package a finished one again.

``KedroRun`` is what Kedro is about to run: nodes, catalog, options.
``TrackedRun`` is the MLflow run that it is logged in, and says who closes that.
``TrainingRun`` is all that is open while its nodes run.
``FinishedRun`` is what packaging needs when they have ended.
``RunRecord`` is what is written down of it, for another process to package it again.
"""
