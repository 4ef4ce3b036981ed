"""`why`: what changed since the image before, and what a manifest would change."""
