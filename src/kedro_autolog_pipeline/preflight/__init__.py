"""Find what is known to prevent a model before the first node runs."""
