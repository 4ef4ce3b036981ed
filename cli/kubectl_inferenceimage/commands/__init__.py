"""The subcommands: the flags of each and the function that it calls. What a command needs, it imports itself."""
