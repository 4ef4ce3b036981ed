"""Retries transient failures, with exponential backoff and jitter."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from inference_image_contract.errors import StageError
from inference_image_store.errors import TransientError

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_MAX_PAUSE = 20.0


@dataclass(frozen=True)
class Retry:
    """How often, and after how many seconds, a transient failure is retried."""

    retries: int
    first_pause: float

    def pause(self, attempt: int) -> float:
        """Seconds of pause after an attempt (from 0): doubled each time, capped, with a random factor from 0.5 to 1."""
        full = min(_MAX_PAUSE, self.first_pause * 2.0**attempt)
        return full * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, not for security

    def call(self, attempt: Callable[[], T], sleep: Callable[[float], None] = time.sleep) -> T:
        """The value of the first successful attempt. `sleep` makes the pauses and may raise to end them.

        Raises StageError: a permanent failure at once, or the last transient one when retries run out.
        """
        for number in range(self.retries):
            try:
                return attempt()
            except TransientError as error:
                pause = self.pause(number)
                _LOG.warning("%s Trying again in %.1f s (%d of %d).", error.message, pause, number + 1, self.retries)
                sleep(pause)
        try:
            return attempt()
        except TransientError as error:
            message = f"{error.message.removesuffix('.')}, in each of {self.retries + 1} attempts."
            raise StageError(error.reason, message, error.hint) from error
