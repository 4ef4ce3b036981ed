"""Listings spell ETag as in the service's documents, or as its SDKs for Java and Go read it: both are accepted."""

import pytest

from devcluster.ufile.protocol import listing
from inference_image_contract.errors import StageError


def spelt(monkeypatch, *names):
    """Makes the stand-in's listings use only this spelling."""
    entry = listing._content

    def content(record):
        others = {name: value for name, value in entry(record).items() if name.lower() != "etag"}
        return others | dict.fromkeys(names, record.etag)

    monkeypatch.setattr(listing, "_content", content)


@pytest.mark.parametrize("name", ["ETag", "Etag"])
def test_both_spellings_of_etag_are_read(store, monkeypatch, name):
    etag = store.write(b"data", "a").etag
    spelt(monkeypatch, name)
    assert [info.etag for info in store.list("a", limit=1)] == [etag]


def test_an_entry_without_an_etag_is_malformed(store, monkeypatch):
    store.write(b"data", "a")
    spelt(monkeypatch)
    with pytest.raises(StageError, match="its listing is malformed: an object without an ETag"):
        store.list("a", limit=1)
