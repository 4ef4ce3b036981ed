# The Kubernetes versions of devcluster/versions.py: docs/operations/kubernetes-versions.md says what runs on which.
.PHONY: kubernetes-version kubernetes-modules test-kubernetes

kubernetes-version: setup
	@$(PY) -m devcluster.versions "$(VERSION)"

kubernetes-modules: kubernetes-version ## rewrite the module files of a Kubernetes version (VERSION=1.30)
	@$(PY) -m devcluster.binaries.kubernetes_modules $(VERSION)

test-kubernetes: export DEVCLUSTER_KUBERNETES := $(VERSION)
test-kubernetes: kubernetes-version packages setup-tf ## test the API, the control loop and whole pipelines on one Kubernetes version (VERSION=1.30)
	@$(PY) -m devcluster binaries
	@$(PY) -m pytest -q -n 2 --dist loadgroup tests/crd tests/loop
	@$(PY) -m pytest -q -n 2 --dist loadgroup --timeout=1200 tests/e2e/test_kubernetes.py tests/e2e/test_node_faults.py \
		tests/e2e/test_bad_input.py::test_image_does_not_start tests/e2e/test_bad_input.py::test_image_never_answers
	@$(PY) -m devcluster down
