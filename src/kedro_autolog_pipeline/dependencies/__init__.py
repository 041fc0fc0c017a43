"""Find the code to ship and the requirements to pin, each with the reason it is needed."""
