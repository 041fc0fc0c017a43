"""Prove a package in a fresh process, which knows nothing of the project."""
