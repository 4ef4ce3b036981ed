"""`make bench-build`, `bench-depot`, `bench-rebuild`: the builders' time, memory and pushed bytes, beside buildah."""
