"""How long to wait before the next attempt, and when to give up."""

import hashlib

FIRST = 5.0
CAP = 300.0
MAX_FREE_RETRIES = 10
"""Attempts of one stage and content beyond the retry limit, so that endless evictions end too."""


def backoff(uid: str, failures: int) -> float:
    """Seconds before attempt `failures` + 1: doubles from 5 s to at most 5 min, less a jitter of up to a quarter.

    The jitter is derived from the object's UID, so that the decision stays a pure function.
    """
    base: float = min(CAP, FIRST * 2.0 ** max(0, failures - 1))
    spread = hashlib.sha256(f"{uid}/{failures}".encode()).digest()[0] / 255
    return base * (1 - spread / 4)


def exhausted(failures: int, attempt: int, limit: int) -> bool:
    """Whether `failures` counted failures in `attempt` attempts, waits for a restore left out, use up the retries."""
    return failures > limit or attempt >= limit + MAX_FREE_RETRIES
