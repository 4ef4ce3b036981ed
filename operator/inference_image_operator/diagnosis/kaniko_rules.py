"""The failures of Kaniko that are known: the words of its log, our reason, a sentence, and what to do.

Each rule is held by a log of the real Kaniko in `tests/unit/operator/kaniko_logs`, made by `make capture-kaniko-logs`.
"""

import re
from typing import NamedTuple

from inference_image_contract import registry_words
from inference_image_contract.reasons import Reason

REQUEST = "then set the annotation uai.ucloud.cn/requestedAt to a new value."


class Rule(NamedTuple):
    """What a line of the log means. Sentence and hint are filled with the named groups of the pattern."""

    pattern: re.Pattern[str]
    reason: str
    sentence: str
    """Ends without a full stop: what Kaniko said follows."""
    hint: str
    retryable: bool = False
    """Another attempt may succeed."""
    out_of_memory: bool = False
    """More memory may help."""


def _rule(pattern: str | re.Pattern[str], reason: str, sentence: str, hint: str, **more: bool) -> Rule:
    compiled = re.compile(pattern, re.IGNORECASE) if isinstance(pattern, str) else pattern
    return Rule(compiled, reason, sentence, hint, **more)


_HOST = r"https?://(?P<host>[^/\s\"]+)"
_IMAGE = rf"{_HOST}/v2/(?P<path>\S+?)/(?:manifests|blobs)/(?P<tag>sha256:[0-9a-f]{{64}}|[^\s\":]+)"
_UPLOAD = "Upload the corrected Dockerfile, " + REQUEST
_AGAIN = "It is tried again. If it lasts, ask whoever runs the registry."
_CA = "Put the certificate of its authority as ca.crt into the Secret of spec.image.caSecretRef, " + REQUEST

NO_SPACE = _rule(
    r"no space left on device",
    Reason.DISK_FULL,
    "The disk that the build may use is full",
    "Ask for more with spec.build.resources.requests.ephemeral-storage, or make image and context smaller.",
    retryable=True,
)

BUILD = (
    _rule(
        r"dockerfile parse error on line (?P<line>\d+)",
        Reason.DOCKERFILE_INVALID,
        "The Dockerfile has an error in line {line}",
        "Correct line {line}. " + _UPLOAD,
    ),
    _rule(
        r"parsing dockerfile:",
        Reason.DOCKERFILE_INVALID,
        "The Dockerfile cannot be read",
        _UPLOAD,
    ),
    _rule(
        r"could not parse reference: (?P<image>\S+)",
        Reason.DOCKERFILE_INVALID,
        "The Dockerfile names {image}, which is no image reference",
        "Write host/path:tag in lower case. " + _UPLOAD,
    ),
    _rule(
        r"user (?P<user>\S+) is not a uid and does not exist",
        Reason.DOCKERFILE_INVALID,
        "The Dockerfile runs as the user {user}, whom the image does not have",
        "Create the user in the Dockerfile before USER, or use a number. " + _UPLOAD,
    ),
    _rule(
        r"waiting for process to exit: (?:signal: killed|exit status 137)",
        Reason.OUT_OF_MEMORY,
        "A command of the Dockerfile was killed, which mostly is for want of memory",
        "Raise the memory limit in spec.build.resources, " + REQUEST,
        retryable=True,
        out_of_memory=True,
    ),
    _rule(
        r"waiting for process to exit: exit status (?P<code>\d+)",
        Reason.RUN_FAILED,
        "A command of the Dockerfile ended with exit code {code}",
        "Mend the RUN that the message names; its own words are in lastFailure.logTail. " + _UPLOAD,
    ),
    _rule(
        r"starting command: fork/exec (?P<program>\S+): no such file",
        Reason.RUN_FAILED,
        "The base image has no {program}, which a RUN of the Dockerfile needs",
        "Use a base image that has it, or leave the RUN out. " + _UPLOAD,
    ),
    _rule(
        r"failed to get fileinfo for (?P<file>\S+): lstat",
        Reason.COPY_SOURCE_NOT_FOUND,
        "A COPY or ADD of the Dockerfile names {file}, which the source does not have",
        "Upload the file below spec.source, or correct the Dockerfile, " + REQUEST,
    ),
    _rule(
        r"downloading remote source file: (?:Get \"|invalid response status \d+.*)",
        Reason.COPY_SOURCE_NOT_FOUND,
        "An ADD of the Dockerfile cannot be downloaded",
        "Correct its address, or put the file into the source. " + _UPLOAD,
    ),
    _rule(
        r"no child with platform (?P<platform>\S+) in index (?P<image>\S+)",
        Reason.BASE_IMAGE_NOT_FOUND,
        "The base image {image} exists, but not for {platform}",
        "Use a base image that has {platform}. " + _UPLOAD,
    ),
)
"""What the Dockerfile and the source cause."""

PULL = (
    _rule(
        rf"{_IMAGE}.*(?:MANIFEST_UNKNOWN|NAME_UNKNOWN|NOT_FOUND|status code 404)",
        Reason.BASE_IMAGE_NOT_FOUND,
        "The registry {host} does not have the base image {path} ({tag})",
        "Correct the FROM, or push that image, " + REQUEST,
    ),
    _rule(
        rf"{_HOST}.*(?:UNAUTHORIZED|DENIED|status code 40[13]|401 Unauthorized|403 Forbidden)",
        Reason.REGISTRY_UNAUTHORIZED,
        "The registry {host} does not let this login pull a base image",
        "Put a login for {host} that may pull into the Secret of spec.image.pushSecretRef, " + REQUEST,
    ),
)
"""What the registry of a base image answers."""

PUSH = (
    _rule(
        registry_words.QUOTA,
        Reason.REGISTRY_QUOTA_EXCEEDED,
        "The registry has no room for the image in this repository or project",
        "Delete old images there or have the quota raised, " + REQUEST,
    ),
    _rule(
        rf"{_HOST}.*(?:no space left on device|507 Insufficient Storage)",
        Reason.REGISTRY_UNAVAILABLE,
        "The disk of the registry {host} is full",
        "It is tried again. Ask whoever runs the registry for more room.",
        retryable=True,
    ),
    _rule(
        registry_words.IMMUTABLE,
        Reason.TAG_IMMUTABLE,
        "The registry does not let a tag be moved",
        "Exempt tags that begin with content- from the rule of immutable tags, " + REQUEST,
    ),
    _rule(
        registry_words.TOO_LARGE,
        Reason.LAYER_TOO_LARGE,
        "The registry, or a proxy before it, does not take a layer of this size",
        "Split the largest COPY or ADD of the Dockerfile into several, or have the limit raised, " + REQUEST,
    ),
    _rule(
        rf"{_HOST}.*(?:NAME_UNKNOWN|NAME_INVALID|NOT_FOUND|status code 404|project \S+ not found)",
        Reason.REPOSITORY_NOT_FOUND,
        "The registry {host} has no such repository or project",
        "Create it there, or correct spec.image.repository; if the spec stays as it is, " + REQUEST,
    ),
    _rule(
        r"push check transport for (?P<host>\S+) failed: .*(?:UNAUTHORIZED|DENIED|status code 40[13])",
        Reason.REGISTRY_UNAUTHORIZED,
        "The token server of the registry {host} refuses the login",
        "Correct the login for {host} in the Secret of spec.image.pushSecretRef, " + REQUEST,
    ),
    _rule(
        rf"{_HOST}.*(?:UNAUTHORIZED|DENIED|status code 40[13]|401 Unauthorized|403 Forbidden)",
        Reason.REGISTRY_UNAUTHORIZED,
        "The registry {host} does not let this login push",
        "Put a login for {host} that may push into the Secret of spec.image.pushSecretRef, " + REQUEST,
    ),
)
"""What the registry of the image answers."""

ANY = (
    _rule(
        r"UNAUTHORIZED|authentication required|401 Unauthorized|DENIED|403 Forbidden",
        Reason.REGISTRY_UNAUTHORIZED,
        "A registry refuses the login",
        "Put a login that may push into the Secret of spec.image.pushSecretRef, " + REQUEST,
    ),
    _rule(
        rf"{_HOST}.*certificate signed by unknown authority",
        Reason.REGISTRY_TLS,
        "The certificate of {host} is signed by an authority that is not trusted",
        _CA,
    ),
    _rule(
        rf"{_HOST}.*certificate has expired or is not yet valid",
        Reason.REGISTRY_TLS,
        "The certificate of {host} has expired or is not valid yet",
        "Have the certificate renewed and compare the clocks, " + REQUEST,
    ),
    _rule(
        rf"{_HOST}.*certificate is (?:valid for|not valid for)",
        Reason.REGISTRY_TLS,
        "The certificate of {host} is for another name",
        "Use the name that the certificate has, or give the registry one for {host}, " + REQUEST,
    ),
    _rule(
        rf"{_HOST}.*(?:does not look like a TLS handshake|server gave HTTP response to HTTPS client)",
        Reason.REGISTRY_TLS,
        "The registry {host} does not speak TLS",
        "Check host and port; plain HTTP must be allowed by the installation (config.registries.plainHttp), " + REQUEST,
    ),
    _rule(
        r"x509:|tls: ",
        Reason.REGISTRY_TLS,
        "The TLS connection to a registry fails",
        _CA,
    ),
    NO_SPACE,
    _rule(
        r"TOOMANYREQUESTS|status code 429|429 Too Many Requests",
        Reason.REGISTRY_UNAVAILABLE,
        "The registry limits the rate of requests",
        "It is tried again. If it lasts, use a login with a higher limit, or a mirror (config.registries.mirrors).",
        retryable=True,
    ),
    _rule(
        rf"{_HOST}.*(?:no such host|lookup \S+ on )",
        Reason.REGISTRY_UNAVAILABLE,
        "The name {host} cannot be resolved",
        "It is tried again. Check the name of the registry and the cluster's DNS.",
        retryable=True,
    ),
    _rule(
        r"checksum|does not match expected size|expected digest",
        Reason.DIGEST_INVALID,
        "A registry serves other bytes than it promises",
        _AGAIN,
        retryable=True,
    ),
    _rule(
        r"connection refused|connection reset|broken pipe|i/o timeout|TLS handshake timeout|no such host|EOF\b"
        r"|/v2/\S+: UNKNOWN:|network is unreachable|no route to host|deadline exceeded"
        r"|(?:status code|response status code:?) 5\d\d"
        r"|50[0234] ",
        Reason.REGISTRY_UNAVAILABLE,
        "A registry does not answer as it should",
        _AGAIN,
        retryable=True,
    ),
)
"""What can happen to either."""
