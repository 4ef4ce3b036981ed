"""`try`: sends pictures to the published image, in a pod of its own that ends with the command."""
