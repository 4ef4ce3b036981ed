"""`dashboard`: a page on loopback with what `get`, `describe`, `watch` and `history` say."""
