"""The model is explored with few attempts: the bound is a constant, and every number above two repeats the second."""

import pytest

from inference_image_operator.core import retry


@pytest.fixture(autouse=True)
def few_attempts(monkeypatch):
    """Limit 1, and no attempt beyond it: two attempts of each stage and content."""
    monkeypatch.setattr(retry, "MAX_FREE_RETRIES", 1)
