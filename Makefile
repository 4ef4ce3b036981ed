# The commands of this project. Fragments in devcluster/, bench/ and other folders add more.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
PY := $(VENV)/bin/python
VENV_TF := .venv-tf
PY_TF := $(VENV_TF)/bin/python
export KUBECONFIG ?= $(CURDIR)/.devcluster/kubeconfig

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(VENV)/.done: requirements/dev.txt
	python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

ADAPTER := $(wildcard export_job/adapt_object_detection/*.py export_job/adapt_object_detection/*/*.py)

$(VENV_TF)/.done: requirements/export.txt requirements/export-onnx.txt requirements/tf-dev.txt $(ADAPTER)
	python3 -m venv --clear $(VENV_TF)
	$(PY_TF) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes $(patsubst %,-r requirements/%.txt,export export-onnx tf-dev)
	PYTHONPATH=export_job $(PY_TF) -m adapt_object_detection
	touch $@

.PHONY: setup
setup: $(VENV)/.done ## create the Python environment of tests and tools

include $(wildcard devcluster/*.mk demo/*.mk bench/*.mk cli/*.mk docs_tools/*.mk release/*.mk)

.PHONY: setup-tf
setup-tf: $(VENV_TF)/.done ## create the TensorFlow environment: training, export and serving

.PHONY: config-schema
config-schema: setup-tf ## generate the resolve step's schema of pipeline configs from the adapted Object Detection API
	PYTHONPATH=build_job $(PY_TF) -m pipeline_config_schema build_job/inference_image_build/pipeline_config

LINTED := demo docs_tools devcluster release job_contract object_store export_job build_job operator cli examples tests bench
TYPED := demo docs_tools devcluster release job_contract object_store export_job build_job operator cli \
	examples/object-detect/server examples/object-detect/code examples/object-detect/training
IMPORTED := job_contract:object_store:export_job:build_job:operator:cli
HELM = $$($(PY) -c 'from devcluster import binaries; print(binaries.ensure(binaries.HELM)["helm"])')

.PHONY: lint lint-code lint-types lint-imports lint-yaml lint-chart lint-manifests
lint: lint-code lint-types lint-imports lint-yaml lint-chart lint-manifests ## run every static check

lint-code: setup ## check rules and format with ruff
	@$(PY) -m ruff check $(wildcard $(LINTED))
	@$(PY) -m ruff format --check $(wildcard $(LINTED))

lint-types: setup ## check types with mypy --strict
	@$(PY) -m mypy --strict $(TYPED)

lint-imports: setup ## check the import layers
	@PYTHONPATH=$(IMPORTED) $(VENV)/bin/lint-imports --no-cache --no-logo

lint-yaml: setup ## check YAML files with yamllint
	@$(VENV)/bin/yamllint --strict .

lint-chart: setup ## run helm lint for every supported Kubernetes version
	@helm=$(HELM); for version in $$($(PY) -m devcluster.versions); do \
		"$$helm" lint --strict --kube-version $$version.0 --values deploy/helm/ci/test-values.yaml deploy/helm || exit 1; \
	done

lint-manifests: setup ## apply every manifest to a real API server, as a dry run
	@$(PY) -m pytest -q tests/crd/test_manifests_on_server.py tests/crd/test_chart_on_server.py

.PHONY: packages
packages: setup
	@$(PY) -m devcluster packages

.PHONY: test test-control-plane test-devcluster test-tf test-demo test-tutorial test-bad-input
test: test-unit test-model-fast test-control-plane test-faults-fast test-tf test-python27 test-builders test-laptop test-release test-devcluster test-demo test-tutorial test-bad-input ## run every test, except those listed apart in CONTRIBUTING.md

test-control-plane: setup ## test the CRD and the control loop on a real API server
	@$(PY) -m pytest -q -n 2 --dist loadgroup tests/crd tests/loop

test-devcluster: packages ## test the development cluster itself
	@$(PY) -m pytest -q tests/devcluster

test-tf: packages setup-tf ## test export, training and serving with TensorFlow, and exports on TensorFlow 1.7 and 1.15
	@$(PY_TF) -m devcluster.fixture >/dev/null
	@$(PY_TF) -m devcluster.fixture tutorial >/dev/null
	@$(PY_TF) -m pytest -q -n 2 tests/tf tests/tensorflow1

.PHONY: test-python27
test-python27: packages ## test the tutorial's server and inference code on Python 2.7 (needs root)
	@$(PY) -m pytest -q -n 2 tests/tutorial

test-demo: packages setup-tf ## test the demo, a second run, and that no-op changes write nothing
	@$(PY) -m pytest -q tests/e2e/test_demo.py

test-tutorial: packages setup-tf ## test the tutorial's model and image at full size, with Kaniko and Append
	@$(PY) -m pytest -q tests/e2e/test_tutorial.py

test-bad-input: packages setup-tf ## test bad inputs: each is explained, moves no tag, and its hint fixes it
	@$(PY) -m pytest -q -n 4 tests/e2e/test_bad_input.py

.PHONY: test-unit
test-unit: packages ## run the tests that need no cluster
	@$(PY) -m pytest -q -n auto tests/unit

.PHONY: capture-kaniko-logs
capture-kaniko-logs: packages ## capture failures of the real Kaniko again, for tests/unit/operator/kaniko_logs (needs root)
	@PYTHONPATH=.:$(IMPORTED) $(PY) -m tests.captures.kaniko $(ONLY)
