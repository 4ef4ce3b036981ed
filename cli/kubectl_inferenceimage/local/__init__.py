"""`build --local`: the same resolve, export and build as in the cluster, on this machine."""
