"""Propose pairs, and an inference pipeline where a project has none; reads the project's code and changes nothing."""
