"""Reads, checks and rewrites Dockerfiles and .dockerignore. Pure."""
