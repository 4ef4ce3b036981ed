.PHONY: bench-build bench-rebuild
BENCH_BUILD_SIZES ?= 100,1000,4000
BENCH_REBUILD_WEIGHTS ?= 100
BENCH_BUILDERS := PYTHONPATH=.:job_contract:object_store:build_job $(PY) -m

bench-build: setup ## the builders against buildah, at 100 MB, 1 GB and 4 GB of weights (needs root)
	@$(BENCH_BUILDERS) bench.build --sizes $(BENCH_BUILD_SIZES)

bench-rebuild: setup ## what a rebuild pushes, counted at the registry (needs root)
	@$(BENCH_BUILDERS) bench.rebuild --weights $(BENCH_REBUILD_WEIGHTS)

.PHONY: test-builders
test-builders: setup ## the append builder's images against those of the real Kaniko (needs root)
	@$(PY) -m pytest -q tests/builders

.PHONY: test-builders-node
test-builders-node: packages setup-tf ## both builders on the real kubelet: equal images, small pushes, the cache, failures
	@$(PY) -m pytest -q -n 2 --timeout=900 tests/e2e/test_builders.py tests/e2e/test_build_failures.py

.PHONY: test-sources-node
test-sources-node: packages setup-tf ## Git, archives, no Dockerfile, a base image that moves, no secret told: on the real kubelet
	@$(PY) -m pytest -q -n 3 --timeout=900 tests/e2e/test_sources.py tests/e2e/test_secrets.py

.PHONY: test-onnx-node
test-onnx-node: packages setup-tf ## every form of the export on the real kubelet, and an image that runs the ONNX one
	@$(PY) -m pytest -q --timeout=1200 tests/e2e/test_forms.py
