"""Requests, signatures, rights and documents of the protocol."""
