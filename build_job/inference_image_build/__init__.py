"""The steps that need no TensorFlow: resolve, assemble, append, report, probe and publish."""
