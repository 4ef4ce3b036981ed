"""Every step of a Job that needs no TensorFlow: resolve, assemble, report, probe and publish."""
