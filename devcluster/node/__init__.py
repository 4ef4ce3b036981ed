"""The node: processes and namespaces that hold the cluster."""
