# The development cluster: a real one-node Kubernetes with a registry and an object store.
.PHONY: cluster-up cluster-down cluster-status binaries cluster-images

cluster-up: setup ## start the development cluster
	@$(PY) -m devcluster up

cluster-down: setup ## stop the cluster; the registry and the object store keep their content
	@$(PY) -m devcluster down

cluster-status: setup ## show the cluster's components, nodes and pods
	@$(PY) -m devcluster status

binaries: setup ## build Kubernetes, etcd, CoreDNS, Kaniko and helm from their Go modules
	@$(PY) -m devcluster binaries

cluster-images: cluster-up ## build this project's images and push them to the cluster's registry
	@$(PY) -m devcluster images
