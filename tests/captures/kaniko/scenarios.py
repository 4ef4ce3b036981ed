"""The failures of Kaniko, one row each: the Dockerfile, the registry, and the available disk and memory."""

from dataclasses import dataclass, field

from tests.captures.kaniko.faulty import Fault

REGISTRY = "registry.example"
TOKENS = "token.example"
UNTRUSTED, EXPIRED, ELSEWHERE, PLAIN = "untrusted.example", "expired.example", "elsewhere.example", "plain.example"
CLOSED, UNREACHABLE, UNKNOWN = "closed.example", "unreachable.example", "nowhere.example"

SMALL = f"{REGISTRY}/base/small:1"
"""One file."""
SYSTEM = f"{REGISTRY}/base/system:1"
"""A distribution with a shell and Python."""
ARM = f"{REGISTRY}/base/arm:1"
SCRATCH = "FROM scratch\nCOPY code /srv/\n"
COPY = f"FROM {SMALL}\nCOPY code /srv/code\n"

HTML = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"


def error(code: str, message: str) -> str:
    """An error response of the distribution specification."""
    return f'{{"errors":[{{"code":"{code}","message":"{message}"}}]}}'


@dataclass(frozen=True)
class Scenario:
    """A failure to provoke; all that is not set works."""

    name: str
    dockerfile: str = COPY
    target: str = f"{REGISTRY}/demo/infer"
    faults: tuple[Fault, ...] = ()
    user: str = "pusher"
    password: str = "secret-1"
    size_mib: int = 600
    memory_mib: int = 0
    weights_mib: int = 0
    stop_after: str = ""
    mirrors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The installation's mirrors: registry -> mirrors."""


_UPLOAD = "/v2/demo/infer/blobs/uploads/"
_MANIFEST = "/v2/demo/infer/manifests/"


def _pull(name: str, status: int, body: str) -> Scenario:
    return Scenario(name, faults=(Fault("GET|HEAD", "/v2/base/small/manifests/", status, body),))


def _push(name: str, method: str, path: str, status: int, body: str = "") -> Scenario:
    return Scenario(name, faults=(Fault(method, path, status, body),))


DOCKERFILES = (
    Scenario("unknown_instruction", f"FROM {SMALL}\n\nCOPPY code /srv/code\n"),
    Scenario("instruction_without_arguments", f"FROM {SMALL}\nCOPY code\n"),
    Scenario("malformed_reference", "FROM registry.example/Base/small:1\nCOPY code /srv\n"),
    Scenario("unknown_stage", f"FROM {SMALL}\nCOPY --from=builder /srv /srv\n"),
    Scenario("copy_source_missing", f"FROM {SMALL}\nCOPY weights.pb /srv/\n"),
    Scenario("copy_escapes_context", f"FROM {SMALL}\nCOPY ../outside /srv/\n"),
    Scenario("add_address_missing", f"FROM {SMALL}\nADD https://{REGISTRY}/v2/no/such/file /srv/\n"),
    Scenario("run_fails", f"FROM {SYSTEM}\nRUN echo installing && exit 3\n"),
    Scenario("run_command_not_found", f"FROM {SYSTEM}\nRUN pip-install numpy\n"),
    Scenario("run_without_shell", f"FROM {SMALL}\nRUN echo hello\n"),
    Scenario("run_without_network", f"FROM {SYSTEM}\nRUN python3 -c \"import urllib.request as r; r.urlopen('https://packages.example/simple/')\"\n"),
    Scenario("run_user_unknown", f"FROM {SYSTEM}\nUSER nobody-of-that-name\nRUN id\n"),
)  # fmt: skip

PULLS = (
    Scenario("base_tag_unknown", f"FROM {REGISTRY}/base/small:2\nCOPY code /srv/\n"),
    Scenario("base_repository_unknown", f"FROM {REGISTRY}/base/other:1\nCOPY code /srv/\n"),
    Scenario("base_digest_unknown", f"FROM {REGISTRY}/base/small@sha256:{'0' * 64}\nCOPY code /srv/\n"),
    Scenario("base_other_platform", f"FROM {ARM}\nCOPY code /srv/\n"),
    _pull("base_name_unknown", 404, error("NAME_UNKNOWN", "repository name not known to registry")),
    _pull("pull_unauthorized", 401, error("UNAUTHORIZED", "authentication required")),
    _pull("pull_denied", 403, error("DENIED", "requested access to the resource is denied")),
    _pull("pull_rate_limited", 429, error("TOOMANYREQUESTS", "You have reached your pull rate limit.")),
    _pull("pull_server_error", 500, error("UNKNOWN", "unknown error")),
    _pull("pull_gateway", 502, HTML.format("502 Bad Gateway")),
    _pull("pull_broken", 0, ""),
    Scenario(
        "pull_layer_corrupt",
        f"FROM {SYSTEM}\nRUN true\n",
        faults=(Fault("GET", "/v2/base/system/blobs/", 200, "not the bytes of this digest"),),
    ),
    Scenario("pull_name_unresolved", f"FROM {UNKNOWN}/base/small:1\nCOPY code /srv/\n"),
    Scenario(
        "pull_mirrors_and_registry_fail",
        f"FROM {UNKNOWN}/base/small:1\nCOPY code /srv/\n",
        mirrors={UNKNOWN: (CLOSED, f"{REGISTRY}/absent")},
    ),
    Scenario("pull_connection_refused", f"FROM {CLOSED}/base/small:1\nCOPY code /srv/\n"),
    Scenario("pull_unreachable", f"FROM {UNREACHABLE}/base/small:1\nCOPY code /srv/\n"),
    Scenario("pull_tls_unknown_authority", f"FROM {UNTRUSTED}/base/small:1\nCOPY code /srv/\n"),
    Scenario("pull_tls_expired", f"FROM {EXPIRED}/base/small:1\nCOPY code /srv/\n"),
    Scenario("pull_tls_other_name", f"FROM {ELSEWHERE}/base/small:1\nCOPY code /srv/\n"),
    Scenario("pull_without_tls", f"FROM {PLAIN}/base/small:1\nCOPY code /srv/\n"),
)

PUSHES = (
    Scenario("push_wrong_password", SCRATCH, password="wrong"),
    Scenario("push_token_pull_only", SCRATCH, f"{TOKENS}/demo/infer", user="puller", password="secret-2"),
    Scenario("push_token_wrong_password", SCRATCH, f"{TOKENS}/demo/infer", password="wrong"),
    _push("push_denied", "POST", _UPLOAD, 403, error("DENIED", "requested access to the resource is denied")),
    _push("push_denied_late", "PUT", _MANIFEST, 403, error("DENIED", "requested access to the resource is denied")),
    _push("push_name_unknown", "POST", _UPLOAD, 404, error("NAME_UNKNOWN", "repository name not known to registry")),
    _push("push_project_missing", "POST", _UPLOAD, 404, error("NOT_FOUND", "project demo not found")),
    _push(
        "push_quota", "PUT", _MANIFEST, 403,
        error("DENIED", "adding 40.1 MiB of storage resource, which when updated to current usage of 4.9 GiB "
              "will exceed the configured upper limit of 5.0 GiB."),
    ),
    _push("push_tag_quota", "PUT", _MANIFEST, 403, error("DENIED", "tag quota exceeded: 800 tags")),
    _push("push_tag_immutable", "PUT", _MANIFEST, 412, error("PRECONDITION", "the tag is immutable")),
    _push("push_layer_too_large", "PATCH|PUT", _UPLOAD, 413, HTML.format("413 Request Entity Too Large")),
    _push("push_size_invalid", "PATCH|PUT", _UPLOAD, 413, error("SIZE_INVALID", "blob exceeds 5368709120 bytes")),
    _push("push_rate_limited", "POST|PATCH|PUT", _UPLOAD, 429, error("TOOMANYREQUESTS", "too many requests")),
    _push("push_server_error", "PATCH|PUT", _UPLOAD, 500, error("UNKNOWN", "unknown error")),
    _push("push_unavailable", "PUT", _MANIFEST, 503, HTML.format("503 Service Temporarily Unavailable")),
    _push("push_storage_full", "PATCH|PUT", _UPLOAD, 507, error("UNKNOWN", "no space left on device")),
    _push("push_broken", "PATCH|PUT", _UPLOAD, 0),
    Scenario("push_connection_refused", SCRATCH, f"{CLOSED}/demo/infer"),
    Scenario("push_tls_unknown_authority", SCRATCH, f"{UNTRUSTED}/demo/infer"),
    Scenario("push_name_unresolved", SCRATCH, f"{UNKNOWN}/demo/infer"),
)  # fmt: skip

RESOURCES = (
    Scenario("disk_full_unpacking", f"FROM {SYSTEM}\nRUN true\n", size_mib=64),
    Scenario("disk_full_copying", f"FROM {SYSTEM}\nCOPY code /srv/code\nRUN true\n", weights_mib=200, size_mib=380),
    Scenario("disk_full_snapshot", weights_mib=100, size_mib=120),
    Scenario("disk_full_in_run", f"FROM {SYSTEM}\nRUN head -c 900000000 /dev/zero > /big\n"),
    Scenario("memory_of_run", f"FROM {SYSTEM}\nRUN python3 -c 'bytearray(500_000_000)'\n", memory_mib=300),
    Scenario("memory_of_kaniko", memory_mib=12, weights_mib=60),
    Scenario("killed_before_push", weights_mib=50, stop_after="Pushing image to"),
)

ALL = (*DOCKERFILES, *PULLS, *PUSHES, *RESOURCES)
