# The commands of this project: `make help` lists them, the fragments in make/ define them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
PY := $(VENV)/bin/python
VENV_TF := .venv-tf
PY_TF := $(VENV_TF)/bin/python
PIP_FLAGS := --quiet --disable-pip-version-check
EDITABLE := install $(PIP_FLAGS) --no-deps --no-build-isolation --editable .
# Bytecode is kept also where the environment says no: each process would compile the same modules again.
export PYTHONDONTWRITEBYTECODE :=
export KUBECONFIG ?= $(CURDIR)/.devcluster/kubeconfig

##@ General

.PHONY: help setup setup-tf environments
help: ## list the commands
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## make the Python environment of tests and tools
setup-tf: $(VENV_TF)/.installed ## make the TensorFlow environment of training, export and serving

environments: # both, each on one core
	@$(MAKE) --no-print-directory -j 2 -O setup setup-tf

LOCKS := requirements/dev.txt requirements/release.txt requirements/security.txt

$(VENV)/.done: $(LOCKS)
	python3 -m venv $(VENV)
	$(PY) -m pip install $(PIP_FLAGS) --require-hashes $(LOCKS:%=-r %)
	touch $@

ADAPTER := $(wildcard export_job/adapt_object_detection/*.py export_job/adapt_object_detection/*/*.py)
TF_LOCKS := requirements/export.txt requirements/export-onnx.txt requirements/tf-dev.txt requirements/release.txt

$(VENV_TF)/.done: $(TF_LOCKS) $(ADAPTER)
	python3 -m venv --clear $(VENV_TF)
	$(PY_TF) -m pip install $(PIP_FLAGS) --no-deps --require-hashes $(TF_LOCKS:%=-r %)
	PYTHONPATH=export_job $(PY_TF) -m adapt_object_detection
	touch $@

# The packages of this repository, found where they are: no command needs a PYTHONPATH. setuptools warns of every editable
# installation that a folder could hide a package.
%/.installed: %/.done pyproject.toml
	PYTHONWARNINGS=ignore $*/bin/python -m pip $(EDITABLE)
	touch $@

include make/lint.mk make/test.mk make/security.mk make/cluster.mk make/bench.mk make/release.mk
