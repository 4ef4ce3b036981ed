"""What goes wrong between us and a registry, explained: refusals, outages, TLS."""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

import requests

from inference_image_build.hints import REQUEST_AGAIN
from inference_image_build.registry.references import ImageReference
from inference_image_contract import registry_words, uhub
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_contract.registry_names import RegistryNames

_MAX_SUMMARY = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class Reply(NamedTuple):
    """An answer that is no outage."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


def summary(reply: Reply) -> str:
    """Status and, where the registry gives one, its first error's code and message."""
    try:
        error = json.loads(reply.body)["errors"][0]
        words = (str(reply.status), error["code"], error.get("message", ""))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return str(reply.status)
    return _CONTROL.sub(" ", " ".join(str(word) for word in words if word))[:_MAX_SUMMARY]


class Access(NamedTuple):
    """What a registry was asked for: which actions, on what, as whom."""

    image: ImageReference
    actions: str
    """Those of a token's scope: `pull`, or several with commas."""
    user: str
    """Empty without a login."""
    names: RegistryNames

    @property
    def is_push(self) -> bool:
        """Whether this is about pushing."""
        return "push" in self.actions

    @property
    def who(self) -> str:
        """For messages: `as user X`."""
        return f"as user {self.user}" if self.user else "without credentials"


def unauthorized(access: Access, detail: str) -> StageError:
    """The registry or its token server refuses the login."""
    image = access.image
    hint = (
        f"Check the user and password for {image.host} in the Secret named in spec.image.pushSecretRef and that "
        f"this user may {'push' if access.is_push else 'pull'} there, {REQUEST_AGAIN}"
    )
    if access.names.is_uhub(image.host):
        hint += f" {uhub.log_in()}."
    return StageError(
        Reason.REGISTRY_UNAUTHORIZED,
        f"The registry {image.host} refuses {'pushing to' if access.is_push else 'reading'} {image.repository} "
        f"{access.who}: {detail}.",
        hint,
    )


def pull_only(access: Access, detail: str) -> StageError:
    """The registry refuses a push, but lets the same login read."""
    image = access.image
    hint = f"Put a login that may push into the Secret named in spec.image.pushSecretRef, {REQUEST_AGAIN}"
    if access.names.is_uhub(image.host):
        inside = access.names.of(image.host)[0]
        hint = f"{uhub.push(image.path, inside if inside != image.host else '')}; {REQUEST_AGAIN}"
    return StageError(
        Reason.REGISTRY_UNAUTHORIZED,
        f"The registry {image.host} refuses pushing to {image.repository} {access.who}, and allows reading it: "
        f"{detail}.",
        hint,
    )


def no_token(access: Access, error: str) -> StageError:
    """The registry does not take what its own token server gives."""
    if error == "insufficient_scope":
        detail = "its token server grants less than that"
    elif error == "invalid_token":
        detail = "it holds the token of its own token server to be invalid or expired (do their clocks agree?)"
    else:
        detail = "it answers 401"
    return unauthorized(access, detail)


def quota(image: ImageReference, reply: Reply) -> StageError | None:
    """The registry has no room; None when this answer does not say so."""
    if not registry_words.QUOTA.search(summary(reply)):
        return None
    return StageError(
        Reason.REGISTRY_QUOTA_EXCEEDED,
        f"The registry {image.host} has no room for {image.repository}: it answers {summary(reply)}.",
        f"Delete old images there or have the quota raised, {REQUEST_AGAIN}",
    )


def no_repository(image: ImageReference, reply: Reply, names: RegistryNames) -> StageError:
    """The registry takes no upload to a repository, though the login is good."""
    hint = "Create the repository or its project at the registry, or correct spec.image.repository"
    if names.is_uhub(image.host):
        hint = f"{uhub.create_repository(image.path)}; or correct spec.image.repository"
    return quota(image, reply) or StageError(
        Reason.REPOSITORY_NOT_FOUND,
        f"The registry {image.host} does not take uploads to {image.repository}: it answers {summary(reply)}.",
        f"{hint}; if the spec stays as it is, {REQUEST_AGAIN}",
    )


def foreign_token_server(image: ImageReference, server: str) -> StageError:
    """The registry would have its login sent to somebody else."""
    return StageError(
        Reason.REGISTRY_NOT_ALLOWED,
        f"The registry {image.host} names {server[:100]} as its token server, which is on another domain and not "
        "allowed by this installation; the login was not sent there.",
        "If that server belongs to the registry, ask the administrator to list it (config.registries.tokenHosts); "
        f"{REQUEST_AGAIN}",
    )


def unavailable(host: str, detail: str) -> StageError:
    """The registry cannot be used now."""
    return StageError(
        Reason.REGISTRY_UNAVAILABLE,
        f"The registry {host} is not usable: {detail}.",
        "Nothing to do if the registry is only down for now: the stage is tried again. Otherwise check the host name.",
    )


def unexpected(image: ImageReference, what: str, reply: Reply) -> StageError:
    """An answer that the protocol does not have."""
    return StageError(
        Reason.REGISTRY_UNAVAILABLE,
        f"The registry {image.host} answers {summary(reply)} when asked for {what} of {image.repository}.",
        "Check the image reference and that the host is a registry.",
    )


def describe(error: requests.RequestException) -> str:
    """The cause in a few words; the library's own text repeats addresses and objects."""
    if "NameResolutionError" in repr(error):
        return "its name cannot be resolved"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not answer"
    if isinstance(error, requests.exceptions.Timeout):
        return "it does not answer in time"
    if "refused" in str(error):
        return "the connection is refused"
    return f"the connection breaks ({type(error).__name__})"


def is_tls(error: requests.RequestException) -> bool:
    """Whether TLS itself failed; a connection that ends early is an outage."""
    return isinstance(error, requests.exceptions.SSLError) and "EOF" not in str(error)


def tls(host: str, error: requests.RequestException) -> StageError:
    """The certificate or the protocol is not what it should be."""
    text = str(error)
    if "WRONG_VERSION_NUMBER" in text or "wrong version number" in text:
        return StageError(
            Reason.REGISTRY_TLS,
            f"The registry {host} does not speak TLS.",
            "Check host and port; a registry without TLS must be allowed in the chart's values (plain HTTP hosts).",
        )
    if "self-signed" in text or "unable to get local issuer" in text:
        return StageError(
            Reason.REGISTRY_TLS,
            f"The certificate of the registry {host} is signed by an authority that is not trusted here.",
            "Put the certificate of the registry's CA as ca.crt into the Secret named in spec.image.caSecretRef, "
            f"{REQUEST_AGAIN}",
        )
    detail = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0] or type(error).__name__
    return StageError(
        Reason.REGISTRY_TLS,
        f"The TLS connection to the registry {host} fails: {detail}.",
        f"Give the registry a valid certificate for {host}, {REQUEST_AGAIN}",
    )


def not_a_ca() -> StageError:
    """`ca.crt` cannot be used."""
    return StageError(
        Reason.REGISTRY_TLS,
        "The registry's CA (ca.crt) is not a certificate in PEM form.",
        f"Put the certificate as ca.crt into the Secret named in spec.image.caSecretRef, {REQUEST_AGAIN}",
    )
