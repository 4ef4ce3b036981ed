"""Tags of an image: where they go, which stay, which are removed."""
