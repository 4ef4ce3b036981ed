"""Names: deterministic, within limits, different for different inputs."""

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_image_contract.tags import content_tag
from inference_image_operator.api import Spec, read
from inference_image_operator.api.names import digest, event_name, input_hash, job_name
from tests.support.world import SPEC

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,250}[a-z0-9])?", fullmatch=True)


@given(NAMES)
def test_a_job_name_is_a_dns_subdomain_of_at_most_63_characters(owner):
    name = job_name(owner, "uid", "Resolve", "sha256:1", 1)
    assert len(name) <= 63
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name)


BASE = ("detector", "uid", "Export", "sha256:1", 1)


@pytest.mark.parametrize(
    "other",
    [
        ("detector", "uid2", "Export", "sha256:1", 1),
        ("detector", "uid", "Build", "sha256:1", 1),
        ("detector", "uid", "Export", "sha256:2", 1),
        ("detector", "uid", "Export", "sha256:1", 2),
    ],
)
def test_every_different_part_gives_another_job_name(other):
    assert job_name(*BASE) != job_name(*other)
    assert job_name(*BASE) == job_name(*BASE)


def test_a_job_name_never_changes_between_versions():
    assert job_name(*BASE) == "detector-export-80c67403f2"


def test_an_event_name_fits_and_covers_its_parts():
    assert len(event_name("x" * 253, "uid", "a")) <= 253
    assert event_name("x", "uid", "a", "b") != event_name("x", "uid", "ab")


def test_a_content_tag_is_a_valid_tag():
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", content_tag("sha256:" + "a" * 64))


def test_the_input_hash_covers_the_spec_and_the_request_but_not_suspend_or_the_ttl():
    spec = read(Spec, SPEC)
    base = input_hash(spec, "")
    assert input_hash(spec, "now") != base
    assert input_hash(read(Spec, SPEC | {"suspend": True, "ttlAfterFinished": "48h"}), "") == base
    assert input_hash(read(Spec, SPEC | {"test": {"enabled": False}}), "") != base
    assert input_hash(read(Spec, SPEC | {"test": {"port": 8080}}), "") == base, "an explicit default changes nothing"


@pytest.mark.parametrize(
    ("owner", "kept"),
    [("x" * 60, "x" * 45), ("x" * 45, "x" * 45), ("x" * 43 + "-." + "y" * 9, "x" * 43), ("a.b", "a.b")],
)
def test_a_long_owner_is_cut_at_63_characters_and_never_ends_in_a_hyphen_or_dot(owner, kept):
    name = job_name(owner, "uid", "Export", "sha256:1", 1)
    assert name == f"{kept}-export-{digest('uid', 'Export', 'sha256:1', 1)[7:17]}"


def test_a_digest_is_of_sorted_json():
    assert digest("a", {"b": 1, "a": 2}) == "sha256:" + sha256(b'["a",{"a":2,"b":1}]').hexdigest()


def test_an_event_name_is_the_owner_and_twenty_digits():
    assert event_name("o" * 300, "uid", "a") == "o" * 200 + "." + digest("uid", "a")[7:27]


def test_a_content_tag_carries_the_whole_hash():
    assert content_tag("sha256:" + "a" * 64) == "content-" + "a" * 64
