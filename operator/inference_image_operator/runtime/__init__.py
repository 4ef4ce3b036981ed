"""The operator's process: watches, queue, workers, health probes."""
