"""Secrets in text: known values in every form, and what looks like one."""

import base64
from urllib.parse import quote

import pytest

from inference_image_contract.redact import redact

SECRET = "c4n4ry/+value=="


@pytest.mark.parametrize("form", [SECRET, quote(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode()])
def test_a_known_value_is_masked_in_every_form(form):
    assert form not in redact(f"before {form} after", [SECRET])
    assert redact(f"before {form} after", [SECRET]).startswith("before ")


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: UCloud pub:CANARY12345=",
        "authorization=Bearer CANARY12345",
        'header "Authorization": "Basic CANARY12345"',
        "GET /key?UCloudPublicKey=p&Signature=CANARY12345&x=1",
        "https://user:CANARY12345@host/path",
        '{"auths":{"h":{"auth":"CANARY12345"}}}',
        "password=CANARY12345",
        "token: CANARY12345",
    ],
)
def test_what_looks_like_a_secret_is_masked(text):
    assert "CANARY12345" not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "model.ckpt-800.index is missing under uai/object-train-output/.",
        "manifest unknown: sha256:" + "a" * 64,
        "Basic settings of the image are wrong",
    ],
)
def test_ordinary_sentences_stay_as_they_are(text):
    assert redact(text) == text


def test_short_values_are_not_masked():
    assert redact("abc", ["ab"]) == "abc"
