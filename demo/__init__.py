"""The demo: from a trained checkpoint to an answering image, on a real cluster, with every part of it real."""
