.PHONY: bench-build bench-rebuild
BENCH_BUILD_SIZES ?= 100,1000,4000
BENCH_REBUILD_WEIGHTS ?= 100
BENCH_BUILDERS := PYTHONPATH=.:job_contract:object_store:build_job $(PY) -m

bench-build: setup ## compare the builders with buildah, at 100 MB, 1 GB and 4 GB of weights (needs root)
	@$(BENCH_BUILDERS) bench.build --sizes $(BENCH_BUILD_SIZES)

bench-rebuild: setup ## count the bytes that a rebuild pushes (needs root)
	@$(BENCH_BUILDERS) bench.rebuild --weights $(BENCH_REBUILD_WEIGHTS)

.PHONY: test-builders
test-builders: setup ## test the append builder's images against those of the real Kaniko (needs root)
	@$(PY) -m pytest -q tests/builders

.PHONY: test-builders-node
test-builders-node: packages setup-tf ## test both builders on the real kubelet: equal images, small pushes, the cache, failures
	@$(PY) -m pytest -q -n 2 --timeout=900 tests/e2e/test_builders.py tests/e2e/test_build_failures.py

.PHONY: test-sources-node
test-sources-node: packages setup-tf ## test Git, archives, generated Dockerfiles, a moving base image and secrets on the real kubelet
	@$(PY) -m pytest -q -n 3 --timeout=900 tests/e2e/test_sources.py tests/e2e/test_secrets.py

.PHONY: test-onnx-node
test-onnx-node: packages setup-tf ## test every export format on the real kubelet, and an image that runs ONNX
	@$(PY) -m pytest -q --timeout=1200 tests/e2e/test_forms.py
