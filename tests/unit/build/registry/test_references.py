"""Image references: defaults, malicious references, and the allow-list."""

import pytest

from inference_image_build.registry.references import (
    ImageReference,
    check_allowed,
    mirrored,
    parse,
    parse_repository,
    rewritten,
)
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import BaseRewrite
from inference_image_contract.reasons import Reason
from inference_image_contract.registry_names import RegistryNames

ROW_46 = pytest.mark.row(
    46, "image tricks (another host, @, upper case, digest and tag): allow-listed registries alone"
)

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python", ("docker.io", "library/python", "latest", "")),
        ("python:3.13", ("docker.io", "library/python", "3.13", "")),
        ("user/python", ("docker.io", "user/python", "latest", "")),
        ("uhub.ucloud.cn/a/b:t", ("uhub.ucloud.cn", "a/b", "t", "")),
        ("localhost/a", ("localhost", "a", "latest", "")),
        ("localhost:5000/a:t", ("localhost:5000", "a", "t", "")),
        (f"h.example/a@sha256:{HEX}", ("h.example", "a", "latest", f"sha256:{HEX}")),
        (f"h.example/a:t@sha256:{HEX}", ("h.example", "a", "t", f"sha256:{HEX}")),
        ("[::1]:5000/a", ("[::1]:5000", "a", "latest", "")),
        ("UHub.UCloud.cn/a/b:T", ("uhub.ucloud.cn", "a/b", "T", "")),
    ],
)
def test_parses_with_defaults(text, expected):
    assert parse(text) == ImageReference(*expected)


@ROW_46
@pytest.mark.parametrize(
    "text",
    ["", "A", "h.example/UPPER", "a:", "a:-x", "a@sha256:12", "a@md5:1", "a@", "h.example/", "h.example//a", "-a",
     "a b", "a\n", "evil.com@h.example/a", "h.example:x/a", "h.example/A/b", "a/../b", "https://h.example/a", "$(x)"],
)  # fmt: skip
def test_refuses_malformed_references(text):
    with pytest.raises(ValueError, match=r"malformed|digest"):
        parse(text)


@ROW_46
def test_a_digest_wins_over_the_tag():
    reference = parse(f"h.example/a:t@sha256:{HEX}")
    assert reference.selector == f"sha256:{HEX}"
    assert str(reference) == f"h.example/a@sha256:{HEX}"


def test_pinning_keeps_the_repository():
    assert parse("python:3.13").pinned(f"sha256:{HEX}") == f"docker.io/library/python@sha256:{HEX}"


@ROW_46
@pytest.mark.parametrize("text", ["h.example/a:t", f"h.example/a@sha256:{HEX}", "h.example/A"])
def test_a_repository_has_neither_tag_nor_digest(text):
    with pytest.raises(StageError) as caught:
        parse_repository(text)
    assert caught.value.reason == Reason.INVALID_INPUT
    assert "spec.image.repository" in caught.value.hint


@pytest.mark.parametrize("allowed", [(), ("h.example",), ("other.example", "h.example")])
def test_an_allowed_host_passes(allowed):
    check_allowed(parse("H.example/a"), allowed, RegistryNames(), "here")


@ROW_46
@pytest.mark.parametrize("text", ["evil.example/a", "h.example:444/a", "h.example.evil.com/a", "a"])
def test_any_other_host_is_refused_by_name(text):
    with pytest.raises(StageError) as caught:
        check_allowed(parse(text), ("h.example",), RegistryNames(), "Dockerfile, line 3,")
    assert caught.value.reason == Reason.REGISTRY_NOT_ALLOWED
    assert parse(text).host in caught.value.message
    assert "Dockerfile, line 3" in caught.value.message


INSIDE, OUTSIDE = "uhub.service.ucloud.cn", "uhub.ucloud.cn"


@pytest.mark.parametrize(("allowed", "image"), [(OUTSIDE, INSIDE), (INSIDE, OUTSIDE), (INSIDE.upper(), OUTSIDE)])
def test_either_name_of_a_registry_is_allowed(allowed, image):
    check_allowed(parse(f"{image}/a/b"), (allowed,), RegistryNames(), "here")


@pytest.mark.parametrize("prefix", [OUTSIDE, f"{OUTSIDE}/a", INSIDE, f"{INSIDE}/a/"])
def test_a_rewrite_applies_to_every_name_of_its_registry(prefix):
    rewrite = BaseRewrite(prefix=prefix, replacement="h.example/x")
    found = rewritten(parse(f"{INSIDE}/a/b:1"), [rewrite], RegistryNames())
    assert found.host == "h.example"
    assert rewritten(parse("other.example/a/b:1"), [rewrite], RegistryNames()).host == "other.example"


def test_a_mirror_applies_to_every_name_of_its_registry():
    found = mirrored(parse(f"{INSIDE}/a/b"), {OUTSIDE: ("m.example/p",)}, RegistryNames())
    assert [place.repository for place in found] == ["m.example/p/a/b"]
