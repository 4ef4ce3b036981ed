"""Generates the pages of docs/reference from the CRD, the chart, the command line and the reasons: `make reference`."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The root of the repository."""
