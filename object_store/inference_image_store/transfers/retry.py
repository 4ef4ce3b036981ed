"""Tries again what may pass, with growing, jittered pauses."""

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
    """How often and after what pause (seconds) a transient failure is tried again."""

    retries: int
    first_pause: float

    def pause(self, attempt: int) -> float:
        """Seconds before the attempt after this one (from 0): doubling, capped, between half of it and all."""
        full = min(_MAX_PAUSE, self.first_pause * 2.0**attempt)
        return full * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing

    def call(self, attempt: Callable[[], T], sleep: Callable[[float], None] = time.sleep) -> T:
        """The value of the first attempt that succeeds. `sleep` makes the pauses, and may end them by an error.

        Raises StageError: at once what cannot pass, and the last transient failure when attempts run out.
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
