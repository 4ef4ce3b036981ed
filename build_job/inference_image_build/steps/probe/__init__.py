"""Asks the image under test, and judges its answer."""
