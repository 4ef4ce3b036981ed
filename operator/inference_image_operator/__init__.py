"""The control plane: watches InferenceImages, decides, and runs their stages as Jobs."""
