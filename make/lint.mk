##@ Checks

SOURCES := demo docs_tools devcluster release job_contract object_store export_job build_job operator cli
LINTED := $(SOURCES) examples tests bench
TYPED := $(SOURCES) $(addprefix examples/object-detect/,server code training)
HELM = $$($(PY) -c 'from devcluster import binaries; print(binaries.ensure(binaries.HELM)["helm"])')

.PHONY: lint lint-code lint-types lint-imports lint-yaml lint-chart lint-manifests
lint: lint-code lint-types lint-imports lint-yaml lint-chart lint-manifests ## run every check that runs no code of ours

lint-code: setup ## check rules and format with ruff
	@$(PY) -m ruff check $(wildcard $(LINTED))
	@$(PY) -m ruff format --check $(wildcard $(LINTED))

lint-types: setup ## check types with mypy, strict
	@$(PY) -m mypy --strict $(TYPED)

lint-imports: setup ## check the import layers of the design
	@$(VENV)/bin/lint-imports --no-cache --no-logo

lint-yaml: setup ## check YAML files
	@$(VENV)/bin/yamllint --strict .

lint-chart: setup ## run helm lint for every supported Kubernetes version
	@helm=$(HELM); for version in $$($(PY) -m devcluster.versions); do \
		"$$helm" lint --strict --kube-version $$version.0 --values deploy/helm/ci/test-values.yaml deploy/helm || exit 1; \
	done

lint-manifests: setup ## send every manifest to a real API server, as a dry run
	@$(PY) -m devcluster binaries etcd kubernetes helm
	@$(PY) -m pytest -q tests/crd/test_manifests_on_server.py tests/crd/test_chart_on_server.py
