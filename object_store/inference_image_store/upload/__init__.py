"""Verified uploads and copies."""
