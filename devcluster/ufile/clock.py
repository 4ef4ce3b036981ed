"""The stand-in's clock, which tests can put forward: so a restore is done and a token expires without waiting."""

import time


class Clock:
    """Unix seconds."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """The time, put forward by all that `advance` was told."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Puts the clock forward."""
        self._ahead += seconds
