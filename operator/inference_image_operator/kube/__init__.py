"""Reads and writes of the API server."""
