"""Signatures and ETags against test vectors from the official SDK."""

import pytest
from ufile.util import file_etag

from devcluster.ufile import KeyPair
from devcluster.ufile.protocol import errors, signature
from devcluster.ufile.protocol.request import Request, parse
from devcluster.ufile.storage.digests import Digests, part_etag

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("method", "content_type", "expected"),
    [
        ("PUT", "application/unknowntype", "H52WgZlcGb1VCEcGMxE2wiv94NA="),
        ("HEAD", "", "VgDru2p/MOeeNDwifdcHXohRfEw="),
        ("DELETE", "", "JP7MLXJvwXnFELalB5SDRXT7Gq4="),
    ],
)
def test_signature_vectors(method, content_type, expected):
    headers = {"Content-Type": content_type} if content_type else {}
    request = Request(method, "127", "dir/a.pb", {}, headers)
    assert signature.sign("PRIV", signature.string_to_sign(request, "")) == expected


def test_ucloud_headers_are_signed_sorted_and_in_lower_case():
    headers = {"X-UCloud-B": " two ", "x-ucloud-a": "one", "X-Ufile-Meta-C": "not signed"}
    request = Request("PUT", "b", "k", {}, headers)
    assert signature.string_to_sign(request, "") == "PUT\n\n\n\nx-ucloud-a:one\nx-ucloud-b:two\n/b/k"


def test_etag_vector():
    digests = Digests()
    digests.update(b"x" * 1000)
    assert digests.etag() == "AQAAAMPvppD6P90uJSaFPu1nBTjqEnY4"


@pytest.mark.parametrize("size", [0, 1, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 8 * MIB, 9 * MIB])
@pytest.mark.parametrize("chunk", [MIB, 3 * MIB + 7])
def test_etags_equal_the_sdks_at_every_block_boundary(tmp_path, size, chunk):
    data = bytes(range(256)) * (size // 256) + b"y" * (size % 256)
    path = tmp_path / "file"
    path.write_bytes(data)
    digests = Digests()
    for start in range(0, size, chunk):
        digests.update(data[start : start + chunk])
    assert digests.etag() == file_etag(str(path))


def test_a_parts_etag_is_its_bare_sha1():
    assert part_etag(b"") == "2jmj7l5rSw0yVb_vlWAYkK_YBwk="


@pytest.mark.parametrize(
    ("target", "host", "bucket", "key"),
    [
        ("/dir/a.pb?uploads", "demo.ufile.test:9000", "demo", "dir/a.pb"),
        ("http://demo.ufile.test/dir/a.pb", "proxy.test", "demo", "dir/a.pb"),
        ("/%E6%A8%A1%E5%9E%8B/a%20b", "127.0.0.1:9000", "127", "模型/a b"),
        ("/", "demo.ufile.test", "demo", ""),
        ("//a", "demo.ufile.test", "demo", "/a"),
    ],
)
def test_bucket_and_key_of_a_request(target, host, bucket, key):
    request = parse("GET", target, {"Host": host})
    assert (request.bucket, request.key) == (bucket, key)


def _signed_url(expires: str, private_key: str = "PRIV") -> Request:
    text = f"GET\n\n\n{expires}\n/b/k"
    query = {"UCloudPublicKey": "PUB", "Expires": expires, "Signature": signature.sign(private_key, text)}
    return Request("GET", "b", "k", query, {})


KEYS = {"PUB": KeyPair("PUB", "PRIV")}


def test_a_signed_url_is_valid_until_it_expires():
    assert signature.authenticate(_signed_url("1000"), KEYS, now=999.0).public_key == "PUB"


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (_signed_url("1000"), (403, -148660)),
        (_signed_url("1000", "WRONG"), (403, -148660)),  # the time is checked first
        (_signed_url("2000", "WRONG"), (403, -148658)),
        (Request("GET", "b", "k", {}, {}), (401, -148643)),
        (Request("GET", "b", "k", {}, {"Authorization": "Basic PUB:x"}), (401, -148643)),
        (Request("GET", "b", "k", {}, {"Authorization": "UCloud NOBODY:x"}), (403, -148658)),
        (Request("GET", "b", "k", {}, {"Authorization": "UCloud PUB:é"}), (403, -148658)),
    ],
)
def test_invalid_signatures_are_rejected_with_the_documented_error(request_, answer):
    with pytest.raises(errors.UFileError) as refused:
        signature.authenticate(request_, KEYS, now=1001.0)
    assert (refused.value.status, refused.value.code) == answer


@pytest.mark.parametrize(
    "suffix", ["", "\nlistobjects\ndelimiter:\nmarker:m\nmax-keys:2\nprefix:p"], ids=["other SDKs", "the Python SDK"]
)
def test_both_signatures_of_listobjects_are_accepted(suffix):
    query = {"listobjects": "", "prefix": "p", "marker": "m", "max-keys": "2", "delimiter": ""}
    header = f"UCloud PUB:{signature.sign('PRIV', 'GET' + chr(10) * 4 + '/b/' + suffix)}"
    request = Request("GET", "b", "", query, {"Authorization": header})
    assert signature.authenticate(request, KEYS, now=0.0).public_key == "PUB"


def test_a_key_pair_does_not_show_its_private_key():
    assert "PRIV" not in repr(KEYS["PUB"])
