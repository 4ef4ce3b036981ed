"""`make bench-overhead`, `bench-scale`, `bench-growth`, `bench-finished`: what the control loop costs.

The first two have a script as their baseline, and `bench-scale` Argo Workflows too.
"""
