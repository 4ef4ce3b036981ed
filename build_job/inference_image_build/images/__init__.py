"""The images that a Dockerfile builds on, and the layers that it makes."""
