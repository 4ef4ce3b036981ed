"""Recordings of commands on a terminal, as moving pictures for the docs."""
