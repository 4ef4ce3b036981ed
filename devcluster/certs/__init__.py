"""Certificates, keys, kubeconfigs and credentials."""
