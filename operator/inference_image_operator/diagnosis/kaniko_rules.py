"""The known failures of Kaniko: a pattern of its log, our reason, a sentence, and a hint.

A log of the real Kaniko in `tests/unit/operator/kaniko_logs` tests each rule. `make capture-kaniko-logs` makes them.
"""

import re
from typing import NamedTuple

from inference_image_contract import paths, registry_words
from inference_image_contract.hints import REQUEST_AGAIN, TRIES_AGAIN
from inference_image_contract.reasons import Reason


class Rule(NamedTuple):
    """What a line of the log means. The named groups of the patterns fill in the sentence and the hint.

    A RUN instruction writes the line, so every pattern reads it once: a pattern has one part of open length at most,
    and what must stand before it is a pattern of its own.
    """

    pattern: re.Pattern[str]
    reason: Reason
    sentence: str
    """Without a full stop at the end: Kaniko's own message follows."""
    hint: str
    out_of_memory: bool = False
    """More memory may help."""
    after: re.Pattern[str] | None = None
    """What the line has before the pattern."""

    def match(self, line: str) -> dict[str, str] | None:
        """The words of the named groups; None if the rule does not apply."""
        start, words = 0, {}
        if self.after is not None:
            before = self.after.search(line)
            if before is None:
                return None
            start, words = before.end(), before.groupdict()
        found = self.pattern.search(line, start)
        return None if found is None else words | found.groupdict()


def _rule(
    pattern: str | re.Pattern[str],
    reason: Reason,
    sentence: str,
    hint: str,
    *,
    after: re.Pattern[str] | None = None,
    out_of_memory: bool = False,
) -> Rule:
    compiled = re.compile(pattern, re.IGNORECASE) if isinstance(pattern, str) else pattern
    return Rule(compiled, reason, sentence, hint, out_of_memory, after)


_URL = r"https?://(?P<host>[^/\s\"]{1,260})"
_HOST = re.compile(_URL, re.IGNORECASE)
_IMAGE = re.compile(
    rf"{_URL}/v2/(?P<path>\S{{1,255}}?)/(?:manifests|blobs)/(?P<tag>sha256:[0-9a-f]{{64}}|[^\s\":]{{1,128}})",
    re.IGNORECASE,
)
"""The lengths are those that registries allow; they limit what each place in the line costs."""
_PUSH_CHECK = re.compile(r"push check transport for (?P<host>\S+) failed: ", re.IGNORECASE)
_UPLOAD = "Upload the corrected Dockerfile, " + REQUEST_AGAIN
_RETRIED = f"{TRIES_AGAIN} If the failure persists, ask the administrator of the registry."
_CA = "Add the certificate of its CA as ca.crt to the Secret of spec.image.caSecretRef, " + REQUEST_AGAIN

NO_SPACE = _rule(
    r"no space left on device",
    Reason.DISK_FULL,
    "The build has no disk space left",
    "Request more with spec.build.resources.requests.ephemeral-storage, or make the image and the context smaller.",
)

_IN_DEPOT = re.escape(f"{paths.DEPOT_HOST}:{paths.DEPOT_PORT}")
DEPOT = (
    _rule(re.escape(registry_words.DEPOT_FULL), NO_SPACE.reason, NO_SPACE.sentence, NO_SPACE.hint),
    _rule(
        rf"dial tcp {_IN_DEPOT}|{_IN_DEPOT}: (?:connect|read|write)",
        Reason.REGISTRY_UNAVAILABLE,
        "The container depot, from which Kaniko pulls, does not answer",
        f"{TRIES_AGAIN} If the failure persists, raise the memory limit in spec.resources.report.",
    ),
)
"""Answers of the depot."""

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
        "Kaniko cannot parse the Dockerfile",
        _UPLOAD,
    ),
    _rule(
        r"could not parse reference: (?P<image>\S+)",
        Reason.DOCKERFILE_INVALID,
        "The Dockerfile names {image}, which is not a valid image reference",
        "Write host/path:tag in lower case. " + _UPLOAD,
    ),
    _rule(
        r"user (?P<user>\S+) is not a uid and does not exist",
        Reason.DOCKERFILE_INVALID,
        "The Dockerfile switches to the user {user}, which does not exist in the image",
        "Create the user before the USER instruction, or use a numeric UID. " + _UPLOAD,
    ),
    _rule(
        r"waiting for process to exit: (?:signal: killed|exit status 137)",
        Reason.OUT_OF_MEMORY,
        "A command of the Dockerfile was killed, probably because it ran out of memory",
        "Raise the memory limit in spec.build.resources, " + REQUEST_AGAIN,
        out_of_memory=True,
    ),
    _rule(
        r"waiting for process to exit: exit status (?P<code>\d+)",
        Reason.RUN_FAILED,
        "A command of the Dockerfile ended with exit code {code}",
        "Fix the RUN instruction that the message names; its output is in lastFailure.logTail. " + _UPLOAD,
    ),
    _rule(
        r"starting command: fork/exec (?P<program>\S+): no such file",
        Reason.RUN_FAILED,
        "The base image has no {program}, which a RUN instruction needs",
        "Use a base image that has it, or remove the RUN instruction. " + _UPLOAD,
    ),
    _rule(
        r"failed to get fileinfo for (?P<file>\S+): lstat",
        Reason.COPY_SOURCE_NOT_FOUND,
        "A COPY or ADD instruction names {file}, which is not in the source",
        "Add the file to the source, or correct the Dockerfile, " + REQUEST_AGAIN,
    ),
    _rule(
        r"downloading remote source file: (?:Get \"|invalid response status \d)",
        Reason.COPY_SOURCE_NOT_FOUND,
        "Kaniko cannot download the URL of an ADD instruction",
        "Correct the URL, or add the file to the source. " + _UPLOAD,
    ),
    _rule(
        r"no child with platform (?P<platform>\S+) in index (?P<image>\S+)",
        Reason.BASE_IMAGE_NOT_FOUND,
        "The base image {image} exists, but not for {platform}",
        "Use a base image that supports {platform}. " + _UPLOAD,
    ),
    _rule(
        r"chown (?P<file>\S+): invalid argument",
        Reason.BUILD_FAILED,
        "The owner or group of {file} is above 65535, which a pod with a user namespace does not have",
        "Give the file another owner, or set config.jobs.buildUserNamespaces to false (chart values), " + REQUEST_AGAIN,
    ),
)
"""Failures that the Dockerfile or the source causes."""

PULL = (
    _rule(
        r"MANIFEST_UNKNOWN|NAME_UNKNOWN|NOT_FOUND|status code 404",
        Reason.BASE_IMAGE_NOT_FOUND,
        "The registry {host} does not have the base image {path} ({tag})",
        "Correct the FROM instruction, or push that image, " + REQUEST_AGAIN,
        after=_IMAGE,
    ),
    _rule(
        r"UNAUTHORIZED|DENIED|status code 40[13]|401 Unauthorized|403 Forbidden",
        Reason.REGISTRY_UNAUTHORIZED,
        "The registry {host} does not allow this login to pull a base image",
        "Put a login that may pull from {host} into the Secret of spec.image.pushSecretRef, " + REQUEST_AGAIN,
        after=_HOST,
    ),
)
"""Answers of the registry of a base image."""

PUSH = (
    _rule(
        registry_words.QUOTA,
        Reason.REGISTRY_QUOTA_EXCEEDED,
        "The image exceeds the registry's quota for this repository or project",
        "Delete old images there, or ask for a higher quota, " + REQUEST_AGAIN,
    ),
    _rule(
        r"no space left on device|507 Insufficient Storage",
        Reason.REGISTRY_UNAVAILABLE,
        "The disk of the registry {host} is full",
        f"{TRIES_AGAIN} Ask the administrator of the registry for more disk space.",
        after=_HOST,
    ),
    _rule(
        registry_words.IMMUTABLE,
        Reason.TAG_IMMUTABLE,
        "The registry does not allow a tag to move",
        "Exclude tags that begin with content- from the registry's rule of immutable tags, " + REQUEST_AGAIN,
    ),
    _rule(
        registry_words.TOO_LARGE,
        Reason.LAYER_TOO_LARGE,
        "The registry, or a proxy in front of it, does not accept a layer of this size",
        "Split the largest COPY or ADD instruction into several, or ask for a higher limit, " + REQUEST_AGAIN,
    ),
    _rule(
        r"NAME_UNKNOWN|NAME_INVALID|NOT_FOUND|status code 404|project \S+ not found",
        Reason.REPOSITORY_NOT_FOUND,
        "The registry {host} has no such repository or project",
        "Correct spec.image.repository, or create the repository there, " + REQUEST_AGAIN,
        after=_HOST,
    ),
    _rule(
        r"UNAUTHORIZED|DENIED|status code 40[13]",
        Reason.REGISTRY_UNAUTHORIZED,
        "The token server of the registry {host} rejects the login",
        "Correct the login for {host} in the Secret of spec.image.pushSecretRef, " + REQUEST_AGAIN,
        after=_PUSH_CHECK,
    ),
    _rule(
        r"UNAUTHORIZED|DENIED|status code 40[13]|401 Unauthorized|403 Forbidden",
        Reason.REGISTRY_UNAUTHORIZED,
        "The registry {host} does not allow this login to push",
        "Put a login that may push to {host} into the Secret of spec.image.pushSecretRef, " + REQUEST_AGAIN,
        after=_HOST,
    ),
)
"""Answers of the registry that the image is pushed to."""

ANY = (
    _rule(
        r"UNAUTHORIZED|authentication required|401 Unauthorized|DENIED|403 Forbidden",
        Reason.REGISTRY_UNAUTHORIZED,
        "A registry rejects the login",
        "Put a login that may push into the Secret of spec.image.pushSecretRef, " + REQUEST_AGAIN,
    ),
    _rule(
        r"certificate signed by unknown authority",
        Reason.REGISTRY_TLS,
        "The certificate of {host} is signed by an untrusted CA",
        _CA,
        after=_HOST,
    ),
    _rule(
        r"certificate has expired or is not yet valid",
        Reason.REGISTRY_TLS,
        "The certificate of {host} has expired or is not valid yet",
        "Renew the certificate and check the clocks of the nodes, " + REQUEST_AGAIN,
        after=_HOST,
    ),
    _rule(
        r"certificate is (?:valid for|not valid for)",
        Reason.REGISTRY_TLS,
        "The certificate of {host} is valid for another name",
        "Use the name in the certificate, or install a certificate for {host}, " + REQUEST_AGAIN,
        after=_HOST,
    ),
    _rule(
        r"does not look like a TLS handshake|server gave HTTP response to HTTPS client",
        Reason.REGISTRY_TLS,
        "The registry {host} does not speak TLS",
        "Check host and port, or ask the administrator to allow plain HTTP (config.registries.plainHttp), "
        + REQUEST_AGAIN,
        after=_HOST,
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
        f"{TRIES_AGAIN} If the failure persists, use a login with a higher limit, or a mirror "
        "(config.registries.mirrors).",
    ),
    _rule(
        r"no such host|lookup \S+ on ",
        Reason.REGISTRY_UNAVAILABLE,
        "The DNS name {host} does not resolve",
        f"{TRIES_AGAIN} Check the name of the registry and the cluster's DNS.",
        after=_HOST,
    ),
    _rule(
        r"checksum|does not match expected size|expected digest",
        Reason.DIGEST_INVALID,
        "A registry serves content that does not match its digest",
        _RETRIED,
    ),
    _rule(
        r"connection refused|connection reset|broken pipe|i/o timeout|TLS handshake timeout|no such host|EOF\b"
        r"|/v2/\S{1,255}: UNKNOWN:|network is unreachable|no route to host|deadline exceeded"
        r"|(?:status code|response status code:?) 5\d\d"
        r"|50[0234] ",
        Reason.REGISTRY_UNAVAILABLE,
        "A registry is unavailable",
        _RETRIED,
    ),
)
"""Failures of a pull or a push."""
