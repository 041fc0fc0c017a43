"""Load a package and answer requests: all that travels with a model."""
