"""The back-off, the bound of attempts, and doubled memory limits."""

import pytest

from inference_image_operator.api.quantities import doubled, quantity
from inference_image_operator.api.times import parse, rfc3339
from inference_image_operator.core.retry import backoff, exhausted
from tests.support.world import START


@pytest.mark.parametrize(
    ("uid", "failures", "seconds"),
    [
        ("a", 0, 3.9461),
        ("a", 1, 4.4167),
        ("a", 2, 10.0),
        ("a", 6, 144.9412),
        ("a", 7, 242.9412),
        ("a", 50, 292.6471),
        ("b", 1, 4.0490),
    ],
)
def test_the_back_off_doubles_to_its_cap_with_a_jitter_from_the_uid(uid, failures, seconds):
    assert backoff(uid, failures) == pytest.approx(seconds, abs=1e-4)


def test_the_jitter_subtracts_up_to_a_quarter():
    found = [backoff(str(uid), 1) for uid in range(2000)]
    assert 3.75 <= min(found) < 3.76
    assert 4.99 < max(found) <= 5.0


@pytest.mark.parametrize(
    ("failures", "attempt", "limit", "over"),
    [(2, 3, 2, False), (3, 4, 2, True), (0, 11, 2, False), (0, 12, 2, True), (1, 1, 0, True), (0, 1, 0, False)],
)
def test_attempts_are_bounded(failures, attempt, limit, over):
    assert exhausted(failures, attempt, limit) is over


@pytest.mark.parametrize(
    ("limit", "ceiling", "more"),
    [("1Gi", "16Gi", "2048Mi"), ("12Gi", "16Gi", "16384Mi"), ("16Gi", "16Gi", None), ("20Gi", "16Gi", None)],
)
def test_memory_is_doubled_up_to_the_ceiling(limit, ceiling, more):
    assert doubled(limit, ceiling) == more


def test_quantities_are_numbers():
    assert (quantity("500m") * 2, quantity("2Gi"), quantity(3)) == (1, 2 << 30, 3)


def test_times_are_whole_seconds_of_utc():
    assert rfc3339(START.replace(microsecond=999999)) == "2026-01-31T09:30:00Z"
    assert parse("2026-01-31T10:30:00.5+01:00") == START.replace(microsecond=500000)
