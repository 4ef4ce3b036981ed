"""Builds container images from this repository, without Docker."""
