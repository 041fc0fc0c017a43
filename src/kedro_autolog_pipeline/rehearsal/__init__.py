"""Call the live pipeline on data of the run, and learn from its answers what the model must do."""
