##@ Development cluster

.PHONY: demo demo-tutorial run cluster-up cluster-down cluster-status cluster-images binaries
demo: environments ## run the whole story on a cluster of its own: train, export, build, test, publish, serve
	@$(PY) -m demo

demo-tutorial: environments ## run the same with the tutorial's parts: Python 2.7, TensorFlow 1.7.0, its model at true size
	@$(PY) -m demo demo-tutorial

cluster-up: setup ## start a one-node Kubernetes with a registry and an object store
	@$(PY) -m devcluster up

cluster-down: setup ## stop it; registry and object store keep their content
	@$(PY) -m devcluster down

cluster-status: setup ## show what runs in it
	@$(PY) -m devcluster status

cluster-images: cluster-up ## build this project's images and push them to the cluster's registry
	@$(PY) -m devcluster images

binaries: setup ## build every program of the cluster and of the tests from its Go module
	@$(PY) -m devcluster binaries

CACHE_DAYS ?= 7
.PHONY: prune-cache
prune-cache: setup ## remove what was not used for CACHE_DAYS days (7 by default) from the cache of builds, while nothing builds
	@$(PY) -m devcluster prune --days $(CACHE_DAYS)

RUN_VALUES ?= .devcluster/values.yaml
run: setup ## run the operator of this working tree against KUBECONFIG, as RUN_VALUES=my-values.yaml configures it
	@mkdir -p out/run
	@version=$$($(PY) -m devcluster.versions | tail -1); \
		$(HELM) template run deploy/helm --kube-version "$$version.0" --values '$(RUN_VALUES)' --show-only templates/configmap.yaml \
		| $(PY) -c 'import sys, yaml; print(yaml.safe_load(sys.stdin)["data"]["config.yaml"])' >out/run/config.yaml
	@$(PY) -m inference_image_operator --config out/run/config.yaml
