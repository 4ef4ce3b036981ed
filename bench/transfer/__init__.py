"""Transfers to and from UFile: this project's store compared with curl and with the SDK's own calls."""
