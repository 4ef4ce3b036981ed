"""Writes the pages of docs/reference that say what the CRD, the chart and the command line say: `make reference`."""
