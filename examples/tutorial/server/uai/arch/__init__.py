"""One module for each framework; here only TensorFlow."""
