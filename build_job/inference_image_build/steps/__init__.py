"""One module for each step that a Job runs."""
