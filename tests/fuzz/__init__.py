"""Fuzzers: each parser of what others write, within limits of memory and CPU time."""
