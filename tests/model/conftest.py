"""The model runs with few attempts: the bound is a constant, and further attempts repeat the second."""

import pytest

from inference_image_operator.core import retry


@pytest.fixture(autouse=True)
def few_attempts(monkeypatch):
    """Retry limit 1 and no free retries beyond it: two attempts of each stage and content."""
    monkeypatch.setattr(retry, "MAX_FREE_RETRIES", 1)
