"""Certificates, keys and kubeconfigs, made once."""
