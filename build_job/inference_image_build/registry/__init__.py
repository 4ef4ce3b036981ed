"""The registry protocol (OCI distribution-spec)."""
