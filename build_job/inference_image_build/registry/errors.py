"""Explains what a registry refuses or fails to do: authorization, outages, TLS."""

from typing import NamedTuple

import requests

from inference_image_build.registry.references import ImageReference
from inference_image_build.registry.replies import Reply, summary
from inference_image_contract import registry_words, uhub
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason
from inference_image_contract.registry_names import RegistryNames

_SHOWN = 100
"""Characters of a URL in a message."""
_NOT_ALLOWED = 405


class Access(NamedTuple):
    """A request for access: which actions, on which image, as which user."""

    image: ImageReference
    actions: str
    """The actions of a token's scope, separated by commas: `pull`, `pull,push`."""
    user: str
    """Empty without a login."""
    names: RegistryNames

    @property
    def is_push(self) -> bool:
        """Whether the actions include push."""
        return "push" in self.actions

    @property
    def who(self) -> str:
        """The user for messages: `as user X`."""
        return f"as user {self.user}" if self.user else "without credentials"


def unauthorized(access: Access, detail: str) -> StageError:
    """The registry or its token server refuses the login."""
    image = access.image
    hint = (
        f"Check the user and password for {image.host} in the Secret of spec.image.pushSecretRef, and that "
        f"this user may {'push' if access.is_push else 'pull'} there, {REQUEST_AGAIN}"
    )
    if not (access.is_push or access.user):
        hint = (
            "Check the name of the image, because registries answer so for one that does not exist, too; or put a "
            f"login for {image.host} into the Secret of spec.image.pushSecretRef, {REQUEST_AGAIN}"
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
    """The registry refuses a push, but the same login may read."""
    image = access.image
    hint = f"Put a login that may push into the Secret of spec.image.pushSecretRef, {REQUEST_AGAIN}"
    if access.names.is_uhub(image.host):
        inside = access.names.of(image.host)[0]
        hint = f"{uhub.push(image.path, inside if inside != image.host else '')}; {REQUEST_AGAIN}"
    return StageError(
        Reason.REGISTRY_UNAUTHORIZED,
        f"The registry {image.host} refuses pushing to {image.repository} {access.who}, but allows reading it: "
        f"{detail}.",
        hint,
    )


def no_token(access: Access, error: str) -> StageError:
    """The registry rejects the token of its own token server."""
    if error == "insufficient_scope":
        detail = "its token server grants less access than requested"
    elif error == "invalid_token":
        detail = "it considers the token of its own token server invalid or expired (are their clocks in sync?)"
    else:
        detail = "it answers 401"
    return unauthorized(access, detail)


def quota(image: ImageReference, reply: Reply) -> StageError | None:
    """The error for an exceeded quota; None when the response does not report one."""
    if not registry_words.QUOTA.search(summary(reply)):
        return None
    return StageError(
        Reason.REGISTRY_QUOTA_EXCEEDED,
        f"The registry {image.host} has no space for {image.repository}: it answers {summary(reply)}.",
        f"Delete old images there, or ask to raise the quota, {REQUEST_AGAIN}",
    )


def no_repository(image: ImageReference, reply: Reply, names: RegistryNames) -> StageError:
    """The registry accepts no upload to a repository, although the login is valid."""
    hint = "Create the repository or its project in the registry, or fix spec.image.repository"
    if reply.is_redirect:
        return not_followed(image.host, reply)
    if reply.status == _NOT_ALLOWED:
        hint = "The registry may be a mirror, which accepts no uploads: name another one in spec.image.repository"
    if names.is_uhub(image.host):
        hint = f"{uhub.create_repository(image.path)}; or fix spec.image.repository"
    return quota(image, reply) or StageError(
        Reason.REPOSITORY_NOT_FOUND,
        f"The registry {image.host} does not accept uploads to {image.repository}: it answers {summary(reply)}.",
        f"{hint}; if the spec does not change, {REQUEST_AGAIN}",
    )


def foreign_token_server(image: ImageReference, server: str) -> StageError:
    """The registry asks to send its login to another domain."""
    return StageError(
        Reason.REGISTRY_NOT_ALLOWED,
        f"The registry {image.host} names {server[:100]} as its token server. That host is in another domain, and this "
        "installation does not allow it; the login was not sent.",
        "If that server belongs to the registry, ask the administrator to add it to config.registries.tokenHosts, "
        f"{REQUEST_AGAIN}",
    )


def without_tls(host: str, demand: str) -> StageError:
    """The registry is accessed with TLS, and names a URL without TLS."""
    return StageError(
        Reason.REGISTRY_TLS,
        f"The registry {host} {demand}, which has no TLS. Nothing was sent there.",
        "The proxy that ends TLS in front of the registry must send it the headers Host and X-Forwarded-Proto: https, "
        f"or the registry's own setting must name its external https:// URL. Ask its administrator, {REQUEST_AGAIN}",
    )


def foreign_upload(host: str, url: str) -> StageError:
    """The registry demands an upload to a host that the installation does not list."""
    return StageError(
        Reason.REGISTRY_NOT_ALLOWED,
        f"The registry {host} demands an upload to {shown(url)}. That is another origin, and this installation does "
        "not allow it; nothing was sent there.",
        "The proxy in front of the registry must pass on the header Host. If that host belongs to the registry, ask "
        f"the administrator to add it to config.registries.allowed, {REQUEST_AGAIN}",
    )


def not_followed(host: str, reply: Reply) -> StageError:
    """A redirect of a request that changes something."""
    return StageError(
        Reason.REGISTRY_UNAVAILABLE,
        f"The registry {host} answers {reply.status} and redirects a push to {shown(reply.headers['Location'])}; such "
        "a redirect is not followed.",
        "Name the host and the path to which it redirects, or ask the administrator of the registry to serve them "
        "here.",
    )


def shown(url: str) -> str:
    """A URL for messages, without its query, which may carry a signature."""
    return f"{url.partition('?')[0][:_SHOWN]!r}"


def too_large(host: str, limit: int) -> StageError:
    """A response exceeds the limit."""
    return StageError(
        Reason.LIMIT_EXCEEDED,
        f"The registry {host} answers with more than {limit} bytes.",
        "Use an image with a smaller manifest, and check that the host is a registry.",
    )


def unavailable(host: str, detail: str) -> StageError:
    """The registry is unavailable at the moment."""
    return StageError(
        Reason.REGISTRY_UNAVAILABLE,
        f"The registry {host} is unavailable: {detail}.",
        "Nothing to do if the outage is temporary: the stage is retried. Otherwise check the host name.",
    )


def limited(host: str, detail: str) -> StageError:
    """The registry limits how often somebody may ask."""
    return StageError(
        Reason.REGISTRY_UNAVAILABLE,
        f"The registry {host} limits the rate of requests: {detail}.",
        "The stage is retried. If the failure persists, use a login with a higher limit, or a mirror "
        "(config.registries.mirrors).",
    )


def unexpected(image: ImageReference, what: str, reply: Reply) -> StageError:
    """A response that the protocol does not define."""
    return StageError(
        Reason.REGISTRY_UNAVAILABLE,
        f"The registry {image.host} answers {summary(reply)} when asked for {what} of {image.repository}.",
        "Check the image reference and that the host is a registry.",
    )


def describe(error: requests.RequestException) -> str:
    """The cause in a few words; the library's own text repeats URLs and objects."""
    if "NameResolutionError" in repr(error):
        return "its name cannot be resolved"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not answer"
    if isinstance(error, requests.exceptions.Timeout):
        return "it does not answer in time"
    if "refused" in str(error):
        return "the connection is refused"
    return f"the connection broke ({type(error).__name__})"


def is_tls(error: requests.RequestException) -> bool:
    """Whether TLS itself failed; a connection that ends early counts as an outage."""
    return isinstance(error, requests.exceptions.SSLError) and "EOF" not in str(error)


def tls(host: str, error: requests.RequestException) -> StageError:
    """TLS with the registry failed: the certificate or the protocol is invalid."""
    text = str(error)
    if "WRONG_VERSION_NUMBER" in text or "wrong version number" in text:
        return StageError(
            Reason.REGISTRY_TLS,
            f"The registry {host} does not speak TLS.",
            "Check host and port. The administrator can allow a registry without TLS in the chart's values "
            "(config.registries.plainHttp).",
        )
    if "self-signed" in text or "unable to get local issuer" in text:
        return StageError(
            Reason.REGISTRY_TLS,
            f"The certificate of the registry {host} is signed by an untrusted authority.",
            "Put the certificate of the registry's CA as ca.crt into the Secret of spec.image.caSecretRef, "
            f"{REQUEST_AGAIN}",
        )
    detail = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0] or type(error).__name__
    return StageError(
        Reason.REGISTRY_TLS,
        f"The TLS connection to the registry {host} fails: {detail}.",
        f"Give the registry a valid certificate for {host}, {REQUEST_AGAIN}",
    )


def not_a_ca() -> StageError:
    """`ca.crt` is invalid."""
    return StageError(
        Reason.REGISTRY_TLS,
        "The registry's CA (ca.crt) is not a PEM certificate.",
        f"Put the certificate as ca.crt into the Secret of spec.image.caSecretRef, {REQUEST_AGAIN}",
    )
