"""The checkpoint and its label map."""
