"""The operator: watches InferenceImages, decides, and runs their stages as Jobs."""
