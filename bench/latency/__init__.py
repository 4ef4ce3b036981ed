"""`make bench-latency`: where the time of a run goes."""
