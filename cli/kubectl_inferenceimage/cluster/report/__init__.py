"""`report`: a redacted archive for a bug report."""
