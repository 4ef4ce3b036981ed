"""The kubectl plugin: `kubectl inferenceimage SUBCOMMAND`."""
