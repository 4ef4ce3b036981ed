"""What each builder does of what a Dockerfile can ask for: the table, its check, and the Dockerfile for Kaniko."""
