"""The pods of each stage."""
