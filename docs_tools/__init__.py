"""Writes the pages of docs/reference that say what the CRD, the chart and the command line say: `make reference`."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The root of the repository."""
