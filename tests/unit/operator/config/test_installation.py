"""The installation's configuration: strict parsing, and the allowed endpoints of US3 (formerly UFile)."""

from pathlib import Path

import pytest

from inference_image_operator import api
from inference_image_operator.config import installation

ROW_47 = pytest.mark.row(
    47, "endpoints are listed, redirects not followed, realms and uploads at the same origin or listed"
)

IMAGES = "images: {export: e, build: b, kaniko: k}\n"
NO_RECEIVERS = (
    "collector:4318",
    "grpc://collector:4317",
    "http://",
    "http://user:password@collector:4318",
    "http://collector:4318/v1/traces",
    "http://collector:4318/v1/traces/",
    "http://collector:4318?key=value",
    "http://collector:4318\n",
)
LISTED = IMAGES + "ufile: {allowedEndpoints: [{scheme: http, suffix: '.ufile.test:8080'}]}\n"


def test_images_are_the_only_required_section() -> None:
    read = installation.parse(IMAGES)
    assert read == installation.Config(images=installation.Images(export="e", build="b", kaniko="k"))
    assert read.registries.allowed == ("uhub.service.ucloud.cn", "uhub.ucloud.cn")
    assert read.registries.keep_content_tags == 50
    assert read.jobs.node_selector == {"kubernetes.io/arch": "amd64"}
    assert not read.jobs.build_user_namespaces


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got `null`"),
        ("images: {export: e, build: b}", r"missing required field `kaniko` - at `\$\.images`"),
        ("images: [", "expected node content"),
        (IMAGES + "registry: {}", "unknown field `registry`"),
        (IMAGES + "jobs: {resources: {kanikoo: {}}}", r"unknown field `kanikoo` - at `\$\.jobs\.resources`"),
        (IMAGES + "jobs: {pendingDeadline: soon}", "`jobs.pendingDeadline`: 'soon' is not a duration"),
        (IMAGES + "jobs: {buildUserNamespaces: 1}", r"at `\$\.jobs\.buildUserNamespaces`"),
        (IMAGES + "workers: many", r"`\$\.workers`"),
        (IMAGES + "workers: 0", "`workers` is 0"),
        (IMAGES + "resync: never", "`resync`: 'never' is not a duration"),
        (IMAGES + "resync: 601s", "`resync` is 601s, but must be between 1s and 600s"),
        (IMAGES + "resync: 0s", "`resync` is 0s"),
        (IMAGES + "registries: {allowed: []}", "`registries.allowed` must list at least one host"),
        (IMAGES + "registries: {allowed: ['https://a']}", "`registries.allowed` lists 'https://a', which is not host"),
        (IMAGES + "registries: {allowed: [a/b]}", "`registries.allowed` lists 'a/b'"),
        (IMAGES + "registries: {tokenHosts: ['a:99999']}", "`registries.tokenHosts` lists 'a:99999'"),
        (IMAGES + "registries: {allowed: [a], plainHttp: [b]}", "`registries.plainHttp` lists 'b'"),
        (IMAGES + "registries: {mirrors: {docker.io: [m]}}", "`registries.mirrors` lists 'docker.io'"),
        (IMAGES + "registries: {keepContentTags: -1}", "`registries.keepContentTags` is -1"),
        (IMAGES + "registries: {aliases: [[a]]}", "`registries.aliases` must be groups of two or more names"),
        (IMAGES + "registries: {aliases: [[a, b], [c, B]]}", "must not repeat a name"),
        (IMAGES + "registries: {aliases: [[a, 'A:443']]}", "must not repeat a name"),
        (IMAGES + "registries: {limits: {a: {maxTags: -1}}}", "`registries.limits` must not be negative"),
        (IMAGES + "registries: {limits: {a: {maxTags: 5, warnTags: 6}}}", "`warnTags` 6 is above `maxTags` 5"),
        (IMAGES + "registries: {limits: {a: {maxLayer: big}}}", r"at `\$\.registries\.limits"),
        (IMAGES + "builders: {default: Append, allowed: [Kaniko]}", "`builders.default` is Append"),
        (IMAGES + "builders: {default: Docker}", r"at `\$\.builders\.default`"),
        *((IMAGES + f"traces: {{endpoint: '{url}'}}", "`traces.endpoint` must be") for url in NO_RECEIVERS),
        (IMAGES + "ufile: {network: Somewhere}", r"at `\$\.ufile\.network`"),
        (
            IMAGES + "ufile: {regions: {a: {public: cn-bj.ufileos.com}}}",
            "'cn-bj.ufileos.com' is not the address of a region",
        ),
        (
            IMAGES + "ufile: {regions: {a: {internal: 'http://a/path'}}}",
            "'http://a/path' is not the address of a region",
        ),
        (IMAGES + "ufile: {restore: {standard: {every: 0s, deadline: 1h}}}", "`every` is 0s, but must be between"),
        (IMAGES + "ufile: {restore: {standard: {every: 2h, deadline: 1h}}}", "`every` is 2h, but must be between"),
        (IMAGES + "ufile: {restore: {expedited: {every: 1m, deadline: soon}}}", "`deadline`: 'soon' is not a duration"),
        (IMAGES + "ufile: {allowedEndpoints: [{scheme: file, suffix: .x}]}", r"allowedEndpoints\[0\]\.scheme"),
        (IMAGES + "ufile: {proxy: {url: 'http://user:secret@proxy.test'}}", r"without user, password or path"),
        (IMAGES + "ufile: {proxy: {url: 'socks5://proxy.test'}}", r"`ufile.proxy.url` must be http"),
        (IMAGES + "ufile: {limits: {maxFiles: 0}}", "`ufile.limits` must be at least 1"),
        (IMAGES + "ufile: {limits: {maxBytes: lots}}", r"at `\$\.ufile\.limits`"),
    ],
)
def test_an_invalid_value_is_named_in_the_error(text: str, message: str) -> None:
    with pytest.raises(installation.ConfigError, match=message):
        installation.parse(text)


def test_mirrors_are_allowed_hosts() -> None:
    mirrors = "registries: {allowed: ['H:443'], mirrors: {h: [m/path, n, M]}, plainHttp: ['M:443']}"
    assert installation.parse(IMAGES + mirrors).registries.hosts == ("h", "m", "n")


def test_every_alias_of_an_allowed_registry_is_an_allowed_host() -> None:
    text = "registries: {allowed: [out], aliases: [[in, out]], mirrors: {in: [m]}, plainHttp: [in]}"
    assert installation.parse(IMAGES + text).registries.hosts == ("out", "in", "m")


def test_the_error_names_a_missing_or_invalid_file(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    with pytest.raises(installation.ConfigError, match=r"config\.yaml: .*No such file"):
        installation.load(path)
    path.write_text("x: 1")
    with pytest.raises(installation.ConfigError, match=r"config\.yaml: "):
        installation.load(path)
    path.write_bytes(b"\xff")
    with pytest.raises(installation.ConfigError, match=r"config\.yaml: .*utf-8"):
        installation.load(path)
    path.write_text(IMAGES)
    assert installation.load(path) == installation.parse(IMAGES)


def ufile(**where: object) -> api.UFileSpec:
    return api.read(api.UFileSpec, {"bucket": "uai-demo", "secretRef": {"name": "ufile"}} | where)


@pytest.mark.parametrize(
    ("region", "public", "internal"),
    [
        ("cn-bj", "cn-bj.ufileos.com", "ufile.cn-north-02.ucloud.cn"),
        ("cn-wlcb", "cn-wlcb.ufileos.com", "internal-cn-wlcb.ufileos.com"),
        ("cn-gd", "cn-gd.ufileos.com", "internal-cn-gd-02.ufileos.com"),
        ("hk", "hk.ufileos.com", "internal-hk-01.ufileos.com"),
        ("pk-khi", "pk-khi.ufileos.com", "internal-pk-khi.ufileos.com"),
    ],
)
def test_a_region_resolves_to_its_own_endpoint(region: str, public: str, internal: str) -> None:
    """With TLS in the public network; internal hosts do not support it."""
    outside = installation.UFileEndpoint(scheme="https", suffix=f".{public}")
    inside = installation.UFileEndpoint(scheme="http", suffix=f".{internal}")
    by_default, internally = installation.parse(LISTED), installation.parse(IMAGES + "ufile: {network: Internal}")
    assert by_default.endpoint(ufile(region=region)) == outside
    assert by_default.endpoint(ufile(region=region, network="Internal")) == inside
    assert internally.endpoint(ufile(region=region)) == inside
    assert internally.endpoint(ufile(region=region, network="Public")) == outside


def test_every_documented_region_is_known() -> None:
    assert len(installation.parse(IMAGES).ufile.regions) == 23


def test_an_installation_may_disable_the_public_network() -> None:
    found = installation.parse(IMAGES + "ufile: {regions: {private: {internal: 'http://us3.example.com:8080'}}}")
    assert found.endpoint(ufile(region="private")) is None
    inside = found.endpoint(ufile(region="private", network="Internal"))
    assert inside == installation.UFileEndpoint(scheme="http", suffix=".us3.example.com:8080")
    assert found.endpoint(ufile(region="cn-bj")) is None


def test_a_listed_endpoint_is_allowed() -> None:
    found = installation.parse(LISTED).endpoint(ufile(endpoint={"scheme": "http", "suffix": ".ufile.test:8080"}))
    assert found == installation.UFileEndpoint(scheme="http", suffix=".ufile.test:8080")


@ROW_47
@pytest.mark.parametrize(
    "endpoint",
    [
        {"scheme": "https", "suffix": ".ufile.test:8080"},
        {"scheme": "http", "suffix": ".ufile.test"},
        {"scheme": "http", "suffix": ".ufile.test:80"},
        {"scheme": "http", "suffix": ".169.254.169.254"},
        {"scheme": "http", "suffix": ".0.0.1"},
        {"scheme": "http", "suffix": ".cn-bj.ufileos.com"},
    ],
    ids=str,
)
def test_an_endpoint_that_is_not_listed_is_rejected(endpoint: dict[str, str]) -> None:
    assert installation.parse(LISTED).endpoint(ufile(endpoint=endpoint)) is None


@ROW_47
def test_by_default_no_endpoint_is_listed() -> None:
    endpoint = {"scheme": "http", "suffix": ".ufile.test:8080"}
    assert installation.parse(IMAGES).endpoint(ufile(endpoint=endpoint)) is None


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("http://collector:4318/", "http://collector:4318/v1/traces"),
        ("https://otlp.example.com/otlp", "https://otlp.example.com/otlp/v1/traces"),
        ("http://[fd00::1]:4318", "http://[fd00::1]:4318/v1/traces"),
    ],
)
def test_traces_are_posted_below_the_endpoint(endpoint: str, url: str) -> None:
    assert installation.parse(IMAGES + f"traces: {{endpoint: '{endpoint}'}}").traces.url == url


def test_no_traces_by_default() -> None:
    assert not installation.parse(IMAGES).traces.endpoint
