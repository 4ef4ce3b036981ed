"""Dockerfiles and .dockerignore: read, checked, rewritten. Pure."""
