"""`try`: sends pictures to the published image, in a pod or a container of its own that ends with the command."""
