"""Writes what the resolve step knows of the Object Detection API, from the adapted package (`make config-schema`)."""
