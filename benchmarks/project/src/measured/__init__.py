"""A project for measurements: what it holds is in shape.json beside this file, which the benchmarks write."""
