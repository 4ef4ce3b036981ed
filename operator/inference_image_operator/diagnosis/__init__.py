"""Diagnosis of a failure from a Job, a pod or a log. Pure functions."""
