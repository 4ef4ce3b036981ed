"""Benchmarks. Each writes its figures to out/bench and its table to docs/operations/benchmarks.md."""
