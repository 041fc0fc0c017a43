"""The functions of its inference pipeline."""

from __future__ import annotations

from typing import Any


def scale(instances: Any, scaler: dict[str, float]) -> Any:
    """Centre the column x."""
    return instances["x"] - scaler["mean"]


def predict(scaled: Any, model: dict[str, float], offset: float) -> Any:
    """Give a price for each row."""
    return (scaled * model["slope"] + offset).to_frame("prediction")
