"""The configuration of one installation: what the administrator decides and no InferenceImage can change."""
