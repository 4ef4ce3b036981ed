"""Helpers for every part: processes, locks, ports, progress."""
