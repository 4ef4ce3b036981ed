##@ Releases and generated files

.PHONY: images release kustomize docs recordings reference config-schema kubernetes-modules capture-kaniko-logs
IMAGE_FLAGS = --registry='$(REGISTRY)' --tool='$(TOOL)' --base-image='$(BASE_IMAGE)' --only='$(ONLY)' \
	--source-url='$(SOURCE_URL)' --build-flags='$(BUILD_FLAGS)' --push-flags='$(PUSH_FLAGS)'

images: setup ## build all images: REGISTRY=host/path [PUSH=1] [TOOL=podman], see docs/operations/install.md
	@$(PY) -m release images $(IMAGE_FLAGS) $(if $(filter-out 0,$(PUSH)),--push)

release: setup ## make the files of a release in out/release: [REGISTRY=host/path] [IMAGES=1], see docs/releasing.md
	@$(PY) -m release files $(IMAGE_FLAGS) $(if $(filter-out 0,$(IMAGES)),--images) \
		$(if $(VALUES),--values='$(VALUES)') --tag='$(TAG)'

kustomize: setup ## write the chart's objects for Kustomize: [VALUES="a.yaml b.yaml"] [OUT=folder], by default deploy/kustomize
	@$(PY) -m release kustomize $(VALUES:%=--values=%) $(if $(OUT),--out='$(OUT)')

VENV_DOCS := .venv-docs
$(VENV_DOCS)/.done: requirements/docs.txt
	python3 -m venv --clear $(VENV_DOCS)
	$(VENV_DOCS)/bin/python -m pip install $(PIP_FLAGS) --no-deps --require-hashes -r $<
	touch $@

docs: $(VENV_DOCS)/.done ## make the documentation site in out/site; a link or an anchor to nothing fails
	@NO_MKDOCS_2_WARNING=1 PYTHONPATH=. $(VENV_DOCS)/bin/python -m mkdocs build --strict --quiet

MONOSPACE := {"/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf": "fonts-dejavu-core"}

recordings: packages setup-tf ## record `make demo` and `watch` on a terminal, as docs/images/*.gif (needs root)
	@$(PY) -c 'from devcluster.lib import system; system.install_packages($(MONOSPACE))'
	@$(PY) -m docs_tools.recording demo
	@$(PY) -m docs_tools.recording watch

reference: setup ## generate the pages of docs/reference
	@$(PY) -m docs_tools

config-schema: setup-tf ## generate what Resolve knows of pipeline configs, from the adapted Object Detection API
	PYTHONPATH=build_job $(PY_TF) -m pipeline_config_schema build_job/inference_image_build/pipeline_config

kubernetes-modules: kubernetes-version ## generate the module files of a Kubernetes version (VERSION=1.30)
	@$(PY) -m devcluster.binaries.kubernetes_modules $(VERSION)

capture-kaniko-logs: packages ## capture the failures of the real Kaniko for tests/unit/operator/kaniko_logs (needs root)
	@$(PY) -m tests.captures.kaniko $(ONLY)
