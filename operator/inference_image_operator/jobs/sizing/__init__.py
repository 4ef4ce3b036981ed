"""Requests and limits of containers."""
