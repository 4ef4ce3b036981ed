"""Writes the Dockerfile that Kaniko gets: one for which Kaniko makes the image that the user's Dockerfile means."""
