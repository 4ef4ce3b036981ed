"""The files of the build context: pinned by Resolve, written by Build."""
