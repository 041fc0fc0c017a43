"""Score five penguins with a logged model, in a process that knows nothing of the project that trained it.

Usage: python -I score.py TRACKING_URI MODEL_URI
"""
# ruff: noqa: INP001, T201 - a script, and what it prints is what it is for

import logging
import os
import sys
from importlib.util import find_spec

import mlflow
import pandas as pd

UNKNOWN = float("nan")
PENGUINS = {
    "island": ["Torgersen", "Dream", "Biscoe", "Dream", "Biscoe"],
    "bill_length_mm": [38.6, 50.1, UNKNOWN, 41.7, 47.2],
    "bill_depth_mm": [18.9, 19.0, 15.3, 18.4, 17.9],
    "flipper_length_mm": [188.0, 196.0, 220.0, 192.0, 205.0],
    "body_mass_g": [3725.0, 3750.0, 5250.0, 3900.0, 4350.0],
    "sex": ["male", "female", "male", UNKNOWN, "chick"],
}
"""Five birds as somebody in the field would note them: without a species, one bill not measured, one sex
not known, and one that no training has seen."""


def main(tracking_uri: str, model_uri: str) -> None:
    """Load the model, print what it says of the five penguins, and where it came from.

    Args:
        tracking_uri: Of the server or the database that holds the model.
        model_uri: ``models:/<model id>`` or ``models:/<registered model>@<alias>``.
    """
    if find_spec("penguins"):
        sys.exit("Cannot show that the model stands alone: 'penguins' can be imported here. Run python -I.")

    # Nothing but the table: no progress bars, no word on the state of the database.
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    logging.disable(logging.INFO)

    mlflow.set_tracking_uri(tracking_uri)
    model = mlflow.pyfunc.load_model(model_uri)
    penguins = pd.DataFrame(PENGUINS)
    predictions = model.predict(penguins)
    tags = mlflow.MlflowClient().get_logged_model(model.model_id).tags

    formatters = {"probability": "{:.2f}".format}
    table = penguins.join(predictions)
    print(table.to_string(index=False, na_rep="?", float_format="{:g}".format, formatters=formatters))
    print()
    print(f"model      models:/{model.model_id}")
    print(f"loaded as  {model_uri}")
    print(f"packaged   in {float(tags['kedro_autolog_pipeline.packaging_seconds']):.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
