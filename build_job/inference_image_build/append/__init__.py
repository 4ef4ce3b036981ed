"""The append builder: adds the layers of a Dockerfile without RUN to the base image, directly in the registry.

It unpacks nothing and stores no base layer. Each instruction means what it means to Kaniko, so that both builders make
the same image configuration; docs/guides/builders.md lists the differences.
"""
