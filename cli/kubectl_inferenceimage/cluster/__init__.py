"""The subcommands about an InferenceImage in a cluster, with the rights of the person who runs them."""
