"""One module for each framework; here TensorFlow's alone."""
