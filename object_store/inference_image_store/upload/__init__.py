"""Uploads and copies, verified."""
