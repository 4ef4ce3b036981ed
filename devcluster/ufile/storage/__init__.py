"""Objects and multipart uploads on disk."""
