##@ Tests

# tests/README.md tells what each needs and how long it takes.
CLUSTER_PARTS := demo tutorial bad-input devcluster
NODE_PARTS := $(CLUSTER_PARTS) release laptop builders
OTHER_PARTS := unit docs pages tf python27 model-fast fuzz control-plane hostile faults-fast
PARTS := $(NODE_PARTS) $(OTHER_PARTS)
PODMAN := command -v podman >/dev/null || { apt-get update -q && \
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends podman; } >/dev/null

.PHONY: test test-node-parts packages $(PARTS:%=test-%)
# Two parts run at a time. Those that share the cluster, buildah's storage and the machine's mounts run one after the other;
# the rest have an API server of their own or none. -O prints what a part says when it ends, in one piece. A part that fails does not
# stop those after it.
define in_turn
failed=; for target in $(1); do SECONDS=0; $(MAKE) $$target && echo "--- $$target: passed after $$SECONDS s" \
	|| { echo "--- $$target: failed after $$SECONDS s"; failed=1; }; done; [ -z "$$failed" ]
endef

test: packages setup-tf ## run every test below, up to test-bad-input, on real parts, two at a time
	@$(PY) -m devcluster binaries
	@$(MAKE) --no-print-directory -k -j 2 -O test-node-parts $(OTHER_PARTS:%=part-%)

# An idle cluster costs half a core, so it ends with the last part that needs it.
test-node-parts:
	+@$(call in_turn,$(CLUSTER_PARTS:%=test-%) cluster-down $(patsubst %,test-%,$(filter-out $(CLUSTER_PARTS),$(NODE_PARTS))))

part-%:
	+@$(call in_turn,test-$*)

packages: setup
	@$(PY) -m devcluster packages

test-unit: packages ## run the tests that need no cluster
	@$(PY) -m pytest -q -n auto tests/unit

test-docs: docs # the site, strictly

BROWSER := {"chromium": "chromium", "chromedriver": "chromium-driver", \
	"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf": "fonts-dejavu-core"}

test-pages: setup ## test the pages in Chromium without a window (UPDATE_SCREENSHOTS=1 writes their pictures)
	@$(PY) -c 'from devcluster.lib import system; system.install_packages($(BROWSER))'
	@$(PY) -m pytest -q tests/pages

test-model-fast: setup ## explore a part of the control loop's model
	@$(PY) -m pytest -q tests/model/test_model_quick.py

test-fuzz: setup ## give every parser a fixed number of hostile inputs, within limits of memory and CPU time
	@$(PY) -m pytest -q -n 2 tests/fuzz

FUZZ_SECONDS ?= 600

.PHONY: fuzz
fuzz: setup ## give every parser hostile inputs for FUZZ_SECONDS each (600 by default)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) $(PY) -m pytest -q -n 2 tests/fuzz

test-control-plane: setup ## test CRD, control loop and upgrade on a real API server, the chart, and what Flux and Argo CD make of each state
	@$(PY) -m devcluster binaries etcd kubernetes helm verdicts promtool unittest
	@$(PY) -m pytest -q tests/upgrade
	@$(PY) -m pytest -q -n 2 --dist loadgroup tests/crd tests/loop tests/health tests/chart

test-hostile: setup ## test that a tenant who sends all it can neither stops nor delays ten others (needs root)
	@$(PY) -m devcluster binaries etcd kubernetes helm
	@$(PY) -m pytest -q tests/hostile

test-faults-fast: setup ## test a fixed selection of the faults
	@$(PY) -m devcluster binaries etcd kubernetes helm kwok
	@$(PY) -m pytest -q -n $(FAULT_WORKERS) -m "not long" tests/faults

test-tf: packages setup-tf ## test export, training and serving with TensorFlow 2.21, exports on 1.7 and 1.15
	@$(PY_TF) -m devcluster.fixture >/dev/null
	@$(PY_TF) -m devcluster.fixture tutorial >/dev/null
	@$(PY_TF) -m pytest -q -n 2 tests/tf tests/tensorflow1

test-python27: packages ## test the tutorial's server and code on Python 2.7 (needs root)
	@$(PY) -m pytest -q -n 2 tests/tutorial

test-builders: setup ## compare the append builder's images with those of the real Kaniko (needs root)
	@$(PY) -m pytest -q tests/builders

test-laptop: packages ## test build --local on podman with the real Kaniko (needs root)
	@$(PODMAN)
	@$(PY) -m pytest -q tests/laptop

test-release: packages ## make images with buildah and podman, and a release twice (needs root)
	@$(PODMAN)
	@$(PY) -m devcluster binaries etcd kubernetes helm kaniko krew
	@$(PY) -m pytest -q tests/release

test-devcluster: packages ## test the development cluster itself
	@$(PY) -m pytest -q tests/devcluster

test-demo: packages setup-tf ## run the demo twice, and check what must write nothing
	@$(PY) -m pytest -q tests/e2e/test_demo.py

test-tutorial: packages setup-tf ## run the tutorial's own model and image at true size, with Kaniko and with Append
	@$(PY) -m pytest -q tests/e2e/test_tutorial.py

test-bad-input: packages setup-tf ## test each bad input: explained, no tag moved, healed by its hint
	@$(PY) -m pytest -q -n 4 tests/e2e/test_bad_input.py tests/e2e/test_what_people_bring.py

COVERAGE_FLOOR := 94
.PHONY: coverage
coverage: packages ## run the unit tests and print their branch coverage; below the floor it fails
	@$(PY) -m pytest -q -n auto --cov --cov-report=term --cov-fail-under=$(COVERAGE_FLOOR) tests/unit

##@ Longer tests, not in make test

.PHONY: test-model test-faults test-faults-hostile test-faults-node test-builders-node test-sources-node test-onnx-node test-ufile-client
.PHONY: test-network-policies test-rollout-node test-gitops test-argocd test-kserve
FAULT_WORKERS ?= 3
FAULT_ROWS := out/test-faults-rows.json
FAULT_TABLE := FAULTS_REPORT=docs/operations/reliability.md FAULTS_ROWS=$(FAULT_ROWS)

test-model: setup ## explore every interleaving of the control loop's model
	@$(PY) -m pytest -q -s tests/model

test-faults: packages setup-tf ## test every fault of docs/operations/reliability.md and write its table (FULL=1: at whole length)
	@rm -f $(FAULT_ROWS)
	@$(FAULT_TABLE) $(PY) -m pytest -q -n 2 --dist loadgroup --timeout=1200 -m row tests/e2e
	@$(FAULT_TABLE) $(PY) -m pytest -q -n 2 -m row tests/unit tests/crd
	@$(FAULT_TABLE) $(PY) -m pytest -q -n $(FAULT_WORKERS) --timeout=3600 tests/faults

HOSTILE_ROWS := tests/unit tests/crd tests/faults/test_results.py::test_two_objects_of_one_tag

test-faults-hostile: packages ## test the faults of hostile input alone, and write their rows
	@rm -f $(FAULT_ROWS)
	@$(FAULT_TABLE) $(PY) -m pytest -q -n 2 -m row $(HOSTILE_ROWS)

test-faults-node: packages setup-tf ## test the faults of nodes and pods alone, on the real kubelet
	@$(PY) -m pytest -q -n 2 --dist loadgroup --timeout=1200 -m row tests/e2e

test-builders-node: packages setup-tf ## test both builders on the real kubelet: equal images, small pushes, cache, failures
	@$(PY) -m pytest -q -n 2 --timeout=900 tests/e2e/test_builders.py tests/e2e/test_build_failures.py

test-sources-node: packages setup-tf ## test Git, archives, generated Dockerfiles and moving base images on the real kubelet
	@$(PY) -m pytest -q -n 3 --timeout=900 tests/e2e/test_sources.py tests/e2e/test_secrets.py

test-rollout-node: packages setup-tf ## test a rollout and a way back under requests, on the real kubelet
	@$(PY) -m pytest -q -s --timeout=2400 tests/e2e/test_rollout.py

test-onnx-node: packages setup-tf ## test every export format on the real kubelet, and an image that runs ONNX
	@$(PY) -m pytest -q --timeout=1200 tests/e2e/test_forms.py

test-network-policies: packages ## test the chart's NetworkPolicies on a cluster that enforces them; stops the running one
	@$(PY) -m devcluster down
	@$(PY) -m pytest -q tests/network

test-gitops: setup ## test the walk through a Git repository with Flux's controllers on a real API server
	@$(PY) -m devcluster binaries etcd kubernetes helm flux
	@$(PY) -m pytest -q tests/gitops

test-argocd: setup ## test the walk through a Git repository with Argo CD's servers on a real API server; installs Redis if missing
	@$(PY) -c 'from devcluster.lib import system; system.install_packages({"redis-server": "redis-server"})'
	@$(PY) -m devcluster binaries etcd kubernetes helm argocd
	@$(PY) -m pytest -q tests/argocd

test-kserve: setup ## test a rollout and a way back with KServe's own controller on a real API server
	@$(PY) -m devcluster binaries etcd kubernetes helm kserve
	@$(PY) -m pytest -q tests/kserve

UFILE_CLIENT := tests/ufile_client
UFILE_CLIENT_JARS := out/ufile-client
JAVA_PACKAGES := {"javac": "default-jdk-headless", "mvn": "maven"}

test-ufile-client: setup ## test the US3 stand-in with UCloud's SDK for Java; installs a JDK and Maven if missing
	@$(PY) -c 'from devcluster.lib import system; system.install_packages($(JAVA_PACKAGES))'
	@rm -rf $(UFILE_CLIENT_JARS)
	@mvn -B -q -f $(UFILE_CLIENT)/pom.xml dependency:copy-dependencies -Djars=$(CURDIR)/$(UFILE_CLIENT_JARS)
	@cd $(UFILE_CLIENT_JARS) && sha256sum --check --strict --quiet $(CURDIR)/$(UFILE_CLIENT)/jars.sha256
	@$(PY) -m pytest -q $(UFILE_CLIENT)

.PHONY: kubernetes-version test-kubernetes
kubernetes-version: setup
	@$(PY) -m devcluster.versions "$(VERSION)"

test-kubernetes: export DEVCLUSTER_KUBERNETES := $(VERSION)
test-kubernetes: kubernetes-version packages setup-tf ## test API, loop and whole pipelines on one Kubernetes version (VERSION=1.30)
	@$(PY) -m devcluster binaries
	@$(PY) -m pytest -q -n 2 --dist loadgroup tests/crd tests/loop
	@$(PY) -m pytest -q -n 2 --dist loadgroup --timeout=1200 tests/e2e/test_kubernetes.py tests/e2e/test_node_faults.py \
		tests/e2e/test_bad_input.py::test_image_does_not_start tests/e2e/test_bad_input.py::test_image_never_answers
	@$(PY) -m devcluster down
