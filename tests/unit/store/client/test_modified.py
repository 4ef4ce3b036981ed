"""The modification time of an object, from listings and headers."""

import time

import pytest

from inference_image_store.client.objects import from_headers

HEADERS = {"ETag": '"e"', "Content-Length": "1"}


def test_listing_and_headers_agree_on_when_an_object_was_written(store):
    before = int(time.time())
    store.write(b"data", "a")
    listed = store.list("a", limit=1)[0]
    assert before <= listed.modified <= time.time()
    assert store.head("a").modified == listed.modified


@pytest.mark.parametrize("date", [{}, {"Last-Modified": "yesterday"}])
def test_without_a_date_the_time_is_unknown(date):
    assert from_headers("a", HEADERS | date).modified == 0


def test_a_date_is_read_as_seconds():
    assert from_headers("a", HEADERS | {"Last-Modified": "Thu, 01 Jan 1970 00:01:40 GMT"}).modified == 100
