"""What people see of a model, in a real browser: pictures of it, and a check of its card."""
