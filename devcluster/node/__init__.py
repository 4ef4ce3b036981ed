"""The node: the processes and namespaces of the cluster."""
