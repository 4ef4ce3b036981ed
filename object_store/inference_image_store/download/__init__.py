"""Downloads, verified."""
