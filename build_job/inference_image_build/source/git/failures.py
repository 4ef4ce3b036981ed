"""The errors of a Git source, one function each."""

from collections.abc import Collection

from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason

_SECRET = "spec.source.git.secretRef"  # noqa: S105 - the name of a field


def not_an_address() -> StageError:
    """The URL is malformed. The message does not repeat it, because it may contain a password."""
    return StageError(
        Reason.INVALID_INPUT,
        "spec.source.git.url does not have the form https://host/path or ssh://user@host/path.",
        f"Fix spec.source.git.url; a login goes into the Secret of {_SECRET}.",
    )


def other_names(remote: str) -> StageError:
    """The repository names its objects by SHA-256, which the protocol's client does not read."""
    return StageError(
        Reason.INVALID_INPUT,
        f"The repository {remote} names its objects by SHA-256 (`--object-format=sha256`), which cannot be read.",
        "Set spec.source.git.url to a repository with SHA-1, Git's default, or use spec.source.ufile.",
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
    """The server rejects the login, or the login may not read the repository."""
    return StageError(
        Reason.GIT_UNAUTHORIZED,
        f"The Git server refuses access to {remote}: {detail}.",
        f"Fix the Secret of {_SECRET} (username and password or token for https, ssh-privatekey for ssh) and give its "
        f"user read access, {REQUEST_AGAIN}",
    )


def unknown_host_key(remote: str, host: str) -> StageError:
    """The Secret does not list the server's host key, so it may be another server."""
    return StageError(
        Reason.GIT_HOST_KEY_UNKNOWN,
        f"The server of {remote} shows a host key that the Secret does not list for {host}.",
        f"Add the server's line to known_hosts in the Secret of {_SECRET} (ssh-keyscan prints it; compare it with the "
        f"key that the server's owner publishes), {REQUEST_AGAIN}",
    )


def not_found(remote: str, detail: str) -> StageError:
    """There is no repository at the URL, or the login may not see it."""
    return StageError(
        Reason.GIT_NOT_FOUND,
        f"There is no Git repository at {remote}, or the login may not see it: {detail}.",
        f"Fix spec.source.git.url or the login in the Secret of {_SECRET}, {REQUEST_AGAIN}",
    )


def ref_not_found(remote: str, ref: str, similar: Collection[str] = ()) -> StageError:
    """The ref is neither a branch nor a tag nor a commit that the server serves."""
    there = f"; similar refs: {', '.join(similar)}" if similar else ""
    return StageError(
        Reason.GIT_REF_NOT_FOUND,
        f"The server of {remote} serves no branch, tag or commit {ref}{there}.",
        "Set spec.source.git.ref to a branch, a tag or a full commit of 40 hex digits.",
    )


def too_large(remote: str, what: str) -> StageError:
    """The repository exceeds a limit; nothing was unpacked."""
    return StageError(
        Reason.GIT_TOO_LARGE,
        f"The repository {remote} is too large for a source: {what}.",
        f"Keep weights and data out of the repository, or use spec.source.ufile, {REQUEST_AGAIN}",
    )


def unsafe_tree(remote: str, path: str, fault: str) -> StageError:
    """The commit contains an entry that is not a regular file."""
    return StageError(
        Reason.GIT_TREE_UNSAFE,
        f"The repository {remote} is refused: {path[:200]!r} {fault}.",
        f"Replace it with a regular file, or set spec.source.git.path to a folder without it, {REQUEST_AGAIN}",
    )


def path_not_found(remote: str, path: str) -> StageError:
    """The commit has no such folder."""
    return StageError(
        Reason.SOURCE_NOT_FOUND,
        f"The repository {remote} has no folder {path} at that ref.",
        f"Fix spec.source.git.path, or commit the folder, {REQUEST_AGAIN}",
    )


def untrusted(remote: str, detail: str) -> StageError:
    """TLS failed."""
    return StageError(
        Reason.GIT_TLS,
        f"The TLS certificate of {remote} is not trusted: {detail}.",
        f"Put the CA of the server as ca.crt into the Secret of {_SECRET}, {REQUEST_AGAIN}",
    )


def unavailable(remote: str, detail: str) -> StageError:
    """The network or the server failed; another attempt may succeed."""
    return StageError(
        Reason.GIT_UNAVAILABLE,
        f"The Git server of {remote} is unavailable: {detail}.",
        "The stage is retried. If the failure persists, check spec.source.git.url and that pods can reach the server.",
    )


def changed(remote: str, commit: str) -> StageError:
    """The server no longer serves the pinned commit."""
    return StageError(
        Reason.SOURCE_CHANGED,
        f"The server of {remote} no longer serves the commit {commit}: its branch moved, or its history was rewritten.",
        "Nothing to do: the inputs are resolved again.",
    )
