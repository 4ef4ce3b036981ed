"""What decides: pure functions from what is observed to what is done."""
