"""All that travels with a model: a package on disk comes in, predictions go out."""
