"""What a Job, a pod or a log says about a failure. Pure."""
