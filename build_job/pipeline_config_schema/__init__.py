"""Generates the schema of `inference_image_build.pipeline_config` from the adapted package (`make config-schema`)."""
