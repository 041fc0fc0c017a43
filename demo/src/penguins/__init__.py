"""A Kedro project that names the species of a penguin from its measurements."""
