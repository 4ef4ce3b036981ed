"""The files of the build context: Resolve pins them, Build writes them."""
