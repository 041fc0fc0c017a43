"""Find where datasets keep their data, and copy, snapshot and sample them."""
