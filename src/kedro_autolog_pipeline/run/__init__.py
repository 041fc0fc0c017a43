"""Note what a Kedro run saves while it runs, and keep what packaging it needs."""
