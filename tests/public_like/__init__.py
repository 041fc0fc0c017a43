"""Pipelines made to look like those of public projects, with what a person would derive from each."""
