"""`make bench-overhead`, `make bench-scale`: the control loop beside a script and Argo Workflows."""
