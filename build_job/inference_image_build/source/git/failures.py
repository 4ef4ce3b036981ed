"""What is said of each way in which a Git repository cannot be used."""

from collections.abc import Collection

from inference_image_build.hints import REQUEST_AGAIN
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

_SECRET = "spec.source.git.secretRef"  # noqa: S105 - the name of a field


def not_an_address() -> StageError:
    """The address is none of those that are understood; it is not repeated, for it may hold a password."""
    return StageError(
        Reason.INVALID_INPUT,
        "spec.source.git.url is no address of the form https://host/path or ssh://user@host/path.",
        f"Correct spec.source.git.url; a login belongs into the Secret of {_SECRET}.",
    )


def host_not_allowed(host: str, allowed: Collection[str]) -> StageError:
    """The installation does not list the host."""
    listed = f"allowed: {', '.join(sorted(allowed))}" if allowed else "it allows no Git host"
    return StageError(
        Reason.GIT_HOST_NOT_ALLOWED,
        f"spec.source.git.url is on {host}, which this installation does not allow ({listed}).",
        "Use an allowed host, or ask the administrator to allow this one in the chart's values (config.sources).",
    )


def unauthorized(remote: str, detail: str) -> StageError:
    """The server does not accept the login, or it may not read the repository."""
    return StageError(
        Reason.GIT_UNAUTHORIZED,
        f"The Git server does not let us read {remote}: {detail}.",
        f"Correct the Secret of {_SECRET} (username and password or token for https, ssh-privatekey for ssh) and give "
        f"its user the right to read, {REQUEST_AGAIN}",
    )


def unknown_host_key(remote: str, host: str) -> StageError:
    """The server's key is not among those of the Secret, so it may be another server."""
    return StageError(
        Reason.GIT_HOST_KEY_UNKNOWN,
        f"The server of {remote} shows a host key that the Secret does not list for {host}.",
        f"Put the server's line (ssh-keyscan prints it; compare it with what the server's owner publishes) as "
        f"known_hosts into the Secret of {_SECRET}, {REQUEST_AGAIN}",
    )


def not_found(remote: str, detail: str) -> StageError:
    """There is no repository at the address, or none that this login may see."""
    return StageError(
        Reason.GIT_NOT_FOUND,
        f"There is no Git repository at {remote}, or the login may not see it: {detail}.",
        f"Correct spec.source.git.url, or the login in the Secret of {_SECRET}, {REQUEST_AGAIN}",
    )


def ref_not_found(remote: str, ref: str, similar: Collection[str] = ()) -> StageError:
    """Neither branch nor tag, nor a commit that the server gives."""
    there = f"; there is {', '.join(similar)}" if similar else ""
    return StageError(
        Reason.GIT_REF_NOT_FOUND,
        f"The repository {remote} has no branch, tag or commit {ref} that its server gives{there}.",
        "Set spec.source.git.ref to a branch, a tag or a full commit of 40 digits.",
    )


def too_large(remote: str, what: str) -> StageError:
    """A limit was tripped before anything was unpacked."""
    return StageError(
        Reason.GIT_TOO_LARGE,
        f"The repository {remote} is too large for a source: {what}.",
        f"Keep weights and data out of the repository, or use spec.source.ufile, {REQUEST_AGAIN}",
    )


def unsafe_tree(remote: str, path: str, fault: str) -> StageError:
    """The commit holds something that does not become a plain file."""
    return StageError(
        Reason.GIT_TREE_UNSAFE,
        f"The repository {remote} is refused: {path[:200]!r} {fault}.",
        f"Replace it by a plain file, or set spec.source.git.path to a folder without it, {REQUEST_AGAIN}",
    )


def path_not_found(remote: str, path: str) -> StageError:
    """The commit has no such folder."""
    return StageError(
        Reason.SOURCE_NOT_FOUND,
        f"The repository {remote} has no folder {path} at that ref.",
        f"Correct spec.source.git.path, or commit the folder, {REQUEST_AGAIN}",
    )


def untrusted(remote: str, detail: str) -> StageError:
    """TLS failed."""
    return StageError(
        Reason.GIT_TLS,
        f"The TLS certificate of {remote} is not trusted: {detail}.",
        f"Put the CA of the server as ca.crt into the Secret of {_SECRET}, {REQUEST_AGAIN}",
    )


def unavailable(remote: str, detail: str) -> StageError:
    """The network or the server failed; another attempt may pass."""
    return StageError(
        Reason.GIT_UNAVAILABLE,
        f"The Git server of {remote} cannot be used: {detail}.",
        "It is tried again. If it stays so, check spec.source.git.url and that pods may reach the server.",
    )


def changed(remote: str, commit: str) -> StageError:
    """What was pinned is not given any more."""
    return StageError(
        Reason.SOURCE_CHANGED,
        f"The repository {remote} no longer gives the commit {commit}: its branch moved, or its history was rewritten.",
        "Nothing to do: everything is resolved again.",
    )
