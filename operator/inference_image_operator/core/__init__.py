"""Pure functions that decide what to do about an observation."""
