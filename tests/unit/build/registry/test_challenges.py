"""The challenges of registries: which one is answered, and which token server sees the login.

Reports: go-containerregistry PR 1075, distribution #2296.
"""

import pytest

from inference_image_build.registry.challenges import may_see_login, parse, understood
from inference_image_contract.registry_names import RegistryNames

BEARER = ("bearer", {"realm": "https://t.example/token", "service": "s"})
BASIC = ("basic", {"realm": "Registry"})
TOKEN = 'Bearer realm="https://t.example/token",service="s"'


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(['Basic realm="x y"'], [("basic", {"realm": "x y"})], id="one"),
        pytest.param(
            [f'{TOKEN},scope="repository:a/b:pull,push",error=invalid_token'],
            [("bearer", BEARER[1] | {"scope": "repository:a/b:pull,push", "error": "invalid_token"})],
            id="comma in quotes, plain value",
        ),
        pytest.param([TOKEN, 'Basic realm="Registry"'], [BEARER, BASIC], id="two headers"),
        pytest.param([f'{TOKEN}, Basic realm="Registry"'], [BEARER, BASIC], id="two in one header"),
        pytest.param([f'Basic realm="Registry", {TOKEN}'], [BASIC, BEARER], id="the other order"),
        pytest.param(
            [f"Negotiate, NTLM, {TOKEN}"], [("negotiate", {}), ("ntlm", {}), BEARER], id="schemes without parameters"
        ),
        pytest.param(['Negotiate YWJj==, Basic realm="Registry"'], [("negotiate", {}), BASIC], id="token68"),
        pytest.param([f'Digest realm="d", qop="auth", {TOKEN}'], [("digest", {"realm": "d", "qop": "auth"}), BEARER],
                     id="parameters of their own"),
        pytest.param(['bEARER  REALM = "https://t.example/token" ,\tservice="s"'], [BEARER], id="case and spaces"),
        pytest.param([r'Basic realm="a \"b\" \\, Bearer realm=x"'], [("basic", {"realm": r'a "b" \, Bearer realm=x'})],
                     id="escapes"),
        pytest.param([', ,Basic realm="Registry",,'], [BASIC], id="empty elements"),
        pytest.param(['Basic realm=""'], [("basic", {"realm": ""})], id="empty value"),
        pytest.param(["Bearer realm=https://t.example/token?x=1,service=s"],
                     [("bearer", {"realm": "https://t.example/token?x=1", "service": "s"})], id="unquoted URL"),
        pytest.param(['Bearer realm="https://t.example/token" service="s"'], [BEARER], id="missing comma"),
        pytest.param(['Basic realm="never closed', TOKEN], [("basic", {}), BEARER], id="broken header"),
        pytest.param([f'"?", {TOKEN}'], [BEARER], id="garbage"),
        pytest.param(["", " , "], [], id="empty"),
        pytest.param([], [], id="none"),
    ],
)  # fmt: skip
def test_parses(headers, expected):
    assert parse(headers) == expected


@pytest.mark.parametrize(
    "header", ['"\\' * 50000, "a=" * 50000, "a," * 50000, '"' + '\\"' * 50000, "Basic " * 20000, '="' * 50000],
    ids=["escapes", "equals", "commas", "escaped quotes", "schemes", "quotes"],
)  # fmt: skip
def test_hostile_headers_end(header):
    assert len(parse([header] * 3)) <= 3 * 4096


def test_tokens_come_first_and_unknown_schemes_are_skipped():
    found = understood(parse(['Negotiate, Basic realm="Registry"', TOKEN]))
    assert found == [BEARER, BASIC]


@pytest.mark.parametrize(
    ("registry", "server", "seen"),
    [
        ("uhub.ucloud.cn", "uhub.ucloud.cn", True),
        ("uhub.ucloud.cn:5000", "uhub.ucloud.cn", True),
        ("uhub.ucloud.cn", "auth.uhub.ucloud.cn", True),
        ("uhub.ucloud.cn", "auth.ucloud.cn:8443", True),
        ("UHUB.ucloud.cn", "Auth.UCloud.cn", True),
        ("docker.io", "auth.docker.io", True),
        ("localhost:5000", "localhost:5001", True),
        ("10.0.0.1:5000", "10.0.0.1", True),
        ("[::1]:5000", "[::1]:5001", True),
        ("uhub.ucloud.cn", "ucloud.cn.evil.example", False),
        ("uhub.ucloud.cn", "evilucloud.cn", False),
        ("uhub.ucloud.cn", "evil.example", False),
        ("uhub.ucloud.cn", "", False),
        ("registry.com.cn", "evil.com.cn", False),
        ("registry.co.uk", "evil.co.uk", False),
        ("registry.example", "evil.example", False),
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.1", "evil.0.0.1", False),
        ("localhost", "evil.localhost.example", False),
        ("uhub.ucloud.cn", "tokens.example:444", True),
        ("uhub.ucloud.cn", "tokens.example:445", False),
        ("uhub.ucloud.cn", "secure.example", True),
        ("uhub.ucloud.cn", "secure.example:444", False),
        ("uhub.ucloud.cn", "evil.example@uhub.ucloud.cn", False),
        ("uhub.ucloud.cn", "any.example:445", True),
        ("uhub.service.ucloud.cn", "uhub.ucloud.cn", True),
        ("uhub.service.ucloud.cn", "auth.ucloud.cn", True),
        ("uhub.service.ucloud.cn.evil.example", "uhub.ucloud.cn", False),
    ],
)
def test_which_token_server_may_see_a_login(registry, server, seen):
    assert (
        may_see_login(
            registry, server, ("tokens.example:444", "Any.example", "secure.example:443", "bad host"), RegistryNames()
        )
        is seen
    )
