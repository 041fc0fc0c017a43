"""Find the pairs of training and inference pipelines, and where each inference input comes from."""
