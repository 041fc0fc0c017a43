"""The project's settings: Kedro's defaults, a hook that takes notes, and one that tracks where that is measured."""

import os

from measured.notes import Notes
from measured.tracking import Tracking

HOOKS = (Notes(), *(Tracking(uri) for uri in [os.environ.get("MEASURE_TRACKING")] if uri))
