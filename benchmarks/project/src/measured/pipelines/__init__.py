"""A training pipeline, the inference pipeline that goes with it, and one without a pair."""
