"""The demo: from a trained checkpoint to a served image, on a real cluster with real components."""
