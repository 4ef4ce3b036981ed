"""How long to wait before the next attempt, and when to give up."""

import hashlib

FIRST = 5.0
CAP = 300.0
MAX_FREE_RETRIES = 10
"""Attempts of one stage and content beyond the retry limit; an endless eviction ends too."""


def backoff(uid: str, failures: int) -> float:
    """Seconds before attempt number `failures` + 1: doubling from 5 s, capped at 5 min, jittered by up to a quarter.

    The jitter comes from the object's uid, so that a decision stays a pure function.
    """
    base: float = min(CAP, FIRST * 2.0 ** max(0, failures - 1))
    spread = hashlib.sha256(f"{uid}/{failures}".encode()).digest()[0] / 255
    return base * (1 - spread / 4)


def exhausted(failures: int, attempt: int, limit: int) -> bool:
    """Whether no further attempt is due after `failures` counted failures in `attempt` attempts, without waits."""
    return failures > limit or attempt >= limit + MAX_FREE_RETRIES
