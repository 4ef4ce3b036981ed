"""Builds what users install: the images, and the files of a release. Pure modules decide, `__main__` is the shell."""
