"""Hosts and URLs of registries: one form for comparisons, and nothing that two parsers could read differently."""

import pytest

from inference_image_contract import registry_hosts
from inference_image_contract.registry_hosts import Origin


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("UHUB.Example", "uhub.example"),
        ("h.example:443", "h.example"),
        ("h.example:0443", "h.example"),
        ("h.example:80", "h.example:80"),
        ("localhost:05000", "localhost:5000"),
        ("[0:0:0::1]", "[::1]"),
        ("[::1]:443", "[::1]"),
        ("docker.io", "docker.io"),
        ("Index.Docker.io", "docker.io"),
        ("registry-1.docker.io:443", "docker.io"),
        ("auth.docker.io", "auth.docker.io"),
    ],
)
def test_hosts_have_one_form(host, expected):
    assert registry_hosts.canonical(host) == expected
    assert registry_hosts.key(host) == expected


@pytest.mark.parametrize(
    "host",
    [
        *("", "-h", "h.", "h:", "h:0", "h:65536", "h:x", "me@h", "h/a", "h a", "h\n", "h\\", "ü.example", "h%41"),
        *("[::g]", "[::1", "[1.2.3.4]", "::1"),
    ],
)
def test_malformed_hosts_are_refused_and_equal_no_other(host):
    with pytest.raises(ValueError):  # noqa: PT011 - the standard library words some of them
        registry_hosts.canonical(host)
    assert registry_hosts.key(host) == host.lower()


@pytest.mark.parametrize(
    ("host", "plain", "expected"),
    [
        ("h.example", False, "https://h.example"),
        ("h.example:443", False, "https://h.example"),
        ("h.example:80", False, "https://h.example:80"),
        ("h.example:80", True, "http://h.example"),
        ("docker.io", False, "https://registry-1.docker.io"),
    ],
)
def test_the_origin_of_a_registry(host, plain, expected):
    assert str(registry_hosts.registry(host, is_plain=plain)) == expected


BASE = registry_hosts.url("https://h.example/v2/a/b/blobs/uploads/?x=1")


@pytest.mark.parametrize(
    ("text", "origin", "target"),
    [
        ("https://H.example:443/x?y=1#z", ("https", "h.example"), "/x?y=1"),
        ("http://h.example:80", ("http", "h.example"), "/"),
        ("HTTP://h.example?y", ("http", "h.example"), "/?y"),
        ("https://h.example:80/", ("https", "h.example:80"), "/"),
        ("//other.example/x", ("https", "other.example"), "/x"),
        ("/v2/x", ("https", "h.example"), "/v2/x"),
        ("1?_state=s", ("https", "h.example"), "/v2/a/b/blobs/uploads/1?_state=s"),
        ("?x=2", ("https", "h.example"), "/v2/a/b/blobs/uploads/?x=2"),
        ("https://my_bucket.example/x", ("https", "my_bucket.example"), "/x"),
    ],
)
def test_urls_are_resolved(text, origin, target):
    found = registry_hosts.url(text, BASE)
    assert found == (Origin(*origin), target)
    assert registry_hosts.url(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        *("ftp://h.example/", "file:///etc/passwd", "javascript:x", "https:///x", "https://", "http:h.example"),
        *("https://me@h.example/", "https://me:pw@h.example/", "http://evil\\@h.example/", "https://h.example\\.evil/"),
        *(
            "https://h.ex\tample/",
            "https://h.example /",
            "\nhttps://h.example/",
            "https://ü.example/",
            "/a b",
            "/a\x00b",
        ),
        *("https://h.example:x/", "https://h.example:99999/", "https://[::1/", "https://h.example%2eevil/"),
    ],
)
def test_ambiguous_urls_are_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the same
        registry_hosts.url(text, BASE)
