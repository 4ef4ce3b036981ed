"""A client of the registry protocol (OCI distribution-spec)."""
