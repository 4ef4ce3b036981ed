"""The ports that EXPOSE names."""

import pytest

from inference_image_build.dockerfile import ports


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("80", ["80/tcp"]),
        ("53/UDP", ["53/udp"]),
        ("80-82/sctp", ["80/sctp", "81/sctp", "82/sctp"]),
        ("8080:80", ["80/tcp"]),
        ("127.0.0.1:8080:80/udp", ["80/udp"]),
        ("1 2/udp", ["1/tcp", "2/udp"]),
        ("", []),
    ],
)
def test_words_and_their_ports(word, found):
    assert list(ports.expand(word)) == found


@pytest.mark.parametrize(
    ("word", "why"), [("80/icmp", "protocol 'icmp'"), ("http", "not 'http'"), ("9-8", "range"), ("70000", "range")]
)
def test_what_is_no_port(word, why):
    with pytest.raises(ValueError, match=why):
        list(ports.expand(word))
