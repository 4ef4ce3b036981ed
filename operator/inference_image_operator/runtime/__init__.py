"""The process around the decisions: watches, queue, workers, probes."""
