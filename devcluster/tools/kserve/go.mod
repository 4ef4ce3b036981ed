module devcluster/kserve

go 1.24.1

// For its CRDs, which tests/loop/kserve.py reads: nothing imports it.
require github.com/kserve/kserve v0.16.0
