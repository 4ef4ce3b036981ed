"""The client of one bucket: objects, the SDK's signatures, HTTP requests."""
