"""Disk and memory of the containers."""
