"""Shared code of uploads and downloads: threads, limits, deadlines, progress."""
