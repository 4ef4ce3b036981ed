"""What uploads and downloads share: pieces in threads, limits, deadlines, progress."""
