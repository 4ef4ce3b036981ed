"""Tags of an image: where they are published, which are kept, which are removed."""
