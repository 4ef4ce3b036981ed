"""Generates the pages of docs/reference from the CRD, the chart and the command line: `make reference`."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The root of the repository."""
