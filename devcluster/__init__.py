"""The development cluster: a real one-node Kubernetes, a registry and an object store, without Docker."""
