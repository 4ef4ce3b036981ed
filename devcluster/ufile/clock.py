"""The stand-in's clock. Tests advance it, so that a restore ends and a token expires without waiting."""

import time


class Clock:
    """Unix seconds."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """The time in Unix seconds, plus all that `advance` added."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Advances the clock."""
        self._ahead += seconds
