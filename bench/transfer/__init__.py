"""Transfers to and from UFile: this project's store against curl and against the SDK's own calls."""
