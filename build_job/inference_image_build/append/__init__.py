"""The append builder: puts the layers of a Dockerfile without RUN straight onto the base image in the registry.

Nothing is unpacked and nothing of the base is stored here. What each instruction means is Kaniko's reading, so that
both builders make the same image configuration; where they differ is in docs/guides/builders.md.
"""
