"""Fetches one commit of a Git repository: resolves the ref, and refuses what exceeds the limits."""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dulwich.client import GitClient, HttpGitClient
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository
from dulwich.object_store import DiskObjectStore
from dulwich.objects import Commit, ObjectID, Tag
from dulwich.refs import Ref
from paramiko import SSHException
from urllib3.exceptions import HTTPError

from inference_image_build.source.git import damaged, failures, pack, ssh
from inference_image_build.source.git import remote as git_remote
from inference_image_build.source.git.http import OneServer
from inference_image_build.source.git.remote import Credentials, Remote
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import GitSource, PinnedCommit

LIMITS = pack.Limits()
HEAD = "HEAD"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = 64
"""Hex digits of an object's name in a repository with SHA-256."""
_BASE_CACHE = 16 * 1024**2
_MAX_TAGS = 8
"""Most nested tags to follow."""
_MAX_SIMILAR = 5


class Fetched(NamedTuple):
    """A repository on disk with one complete commit."""

    store: DiskObjectStore
    commit: Commit
    pinned: PinnedCommit
    remote: Remote


class _Nothing:
    """Tells the server that the client has no commits."""

    shallow: frozenset[ObjectID] = frozenset()

    def __next__(self) -> None:
        return None

    def ack(self, _sha: ObjectID, /) -> None:
        """Ignored: there are no common commits."""

    def nak(self) -> None:
        """Ignored: there are no common commits."""


class _Wants:
    """Selects the object to request: the one of the ref, or exactly the pinned one."""

    def __init__(self, source: GitSource, remote: Remote, pinned: PinnedCommit | None, client: GitClient) -> None:
        self._source, self._remote, self._pinned, self._client = source, remote, pinned, client
        self.object_name = ""
        """Name of the requested object; empty before the request."""
        self.unadvertised = False
        """Whether the server has not advertised the requested object."""

    def __call__(self, refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:  # noqa: ARG002
        if getattr(self._client, "dumb", False):
            raise failures.unavailable(str(self._remote), "it supports only the old dumb HTTP protocol")
        if any(len(name) == _SHA256 for name in refs.values()):
            raise failures.other_names(str(self._remote))
        self.object_name = self._of_pin(refs) or self._of_ref(refs)
        return [ObjectID(self.object_name.encode())]

    def prefixes(self) -> list[bytes]:
        """The only refs that the server needs to advertise, if it supports ref prefixes."""
        ref = self._source.ref.encode()
        return [b"HEAD", b"refs/heads/" + ref, b"refs/tags/" + ref]

    def refused(self) -> StageError:
        """The error when the server does not serve the requested object."""
        if self._pinned:
            return failures.changed(str(self._remote), self._pinned.commit)
        return failures.ref_not_found(str(self._remote), self._source.ref)

    def _of_pin(self, refs: Mapping[Ref, ObjectID]) -> str:
        if self._pinned is None:
            return ""
        name = self._pinned.tag or self._pinned.commit
        self.unadvertised = name not in {known.decode() for known in refs.values()}
        return name

    def _of_ref(self, refs: Mapping[Ref, ObjectID]) -> str:
        ref = self._source.ref
        names = [HEAD] if ref == HEAD else [f"refs/heads/{ref}", f"refs/tags/{ref}"]
        found = next((refs[Ref(name.encode())] for name in names if Ref(name.encode()) in refs), None)
        if found:
            return found.decode()
        if _COMMIT.fullmatch(ref):
            self.unadvertised = True
            return ref
        near = sorted(
            name.decode(errors="replace").split("/", 2)[-1] for name in refs if ref in name.decode(errors="replace")
        )
        raise failures.ref_not_found(str(self._remote), ref, near[:_MAX_SIMILAR])


@contextlib.contextmanager
def fetched(
    source: GitSource,
    folder: Path,
    credentials: Credentials,
    pinned: PinnedCommit | None = None,
    limits: pack.Limits = LIMITS,
) -> Iterator[Fetched]:
    """Fetches the commit of `source.ref`, or exactly `pinned`, without history, into the empty `folder`.

    Raises StageError: `GitHostNotAllowed` before any connection; `GitUnauthorized`, `GitHostKeyUnknown`, `GitTLS`,
    `GitNotFound`, `GitRefNotFound`, `GitTooLarge`, `GitUnavailable`; `SourceChanged` when the server no longer serves
    `pinned`.
    """
    remote = git_remote.parse(source.url)
    git_remote.check_allowed(remote, source.allowed_hosts)
    folder.mkdir(parents=True, exist_ok=True)
    DiskObjectStore.init(folder).close()
    with contextlib.closing(DiskObjectStore(folder, delta_base_cache_limit=_BASE_CACHE)) as store:
        with contextlib.closing(_client(remote, credentials)) as client:
            wants = _Wants(source, remote, pinned, client)
            _fill(store, client, remote, wants, limits)
        with damaged.explained(remote):
            found = _peeled(store, wants, remote, pinned)
        yield found


def _fill(store: DiskObjectStore, client: GitClient, remote: Remote, wants: _Wants, limits: pack.Limits) -> None:
    file, commit, abort = store.add_pack()
    try:
        _receive(client, remote, wants, _limited(file, remote, limits), lambda: file.tell() > 0)
        _check(file, remote, limits)
    except BaseException:
        abort()
        raise
    with damaged.explained(remote):
        commit()


def _client(remote: Remote, credentials: Credentials) -> GitClient:
    if remote.scheme == "ssh":
        return ssh.Client(remote, credentials)
    pool = OneServer(remote, credentials)
    user = credentials.username or ("git" if credentials.password else None)
    return HttpGitClient(
        pool.base, pool_manager=pool, username=user, password=credentials.password, thin_packs=False, quiet=True
    )


def _receive(
    client: GitClient,
    remote: Remote,
    wants: _Wants,
    write: Callable[[bytes], int],
    began: Callable[[], bool],
) -> None:
    try:
        client.fetch_pack(remote.path, wants, _Nothing(), write, depth=1, ref_prefix=wants.prefixes())
    except NotGitRepository as error:
        raise failures.not_found(str(remote), "the server does not answer like one") from error
    except (HangupException, GitProtocolError) as error:
        if wants.unadvertised and not began():
            raise wants.refused() from error
        fault = failures.unavailable if wants.object_name else failures.not_found
        raise fault(str(remote), _words(error)) from error
    except (SSHException, HTTPError, OSError, EOFError, ValueError, KeyError, IndexError, AssertionError) as error:
        raise failures.unavailable(str(remote), _words(error)) from error


def _limited(file: BinaryIO, remote: Remote, limits: pack.Limits) -> Callable[[bytes], int]:
    def write(data: bytes) -> int:
        if file.tell() + len(data) > limits.packed:
            raise failures.too_large(str(remote), f"one commit has more than {limits.packed} bytes")
        return file.write(data)

    return write


def _check(file: BinaryIO, remote: Remote, limits: pack.Limits) -> None:
    """Checks the pack and leaves the file position at its end, from which dulwich takes the size."""
    end = file.tell()
    file.seek(0)
    try:
        pack.check(file, limits)
    except pack.PackTooLargeError as error:
        raise failures.too_large(str(remote), str(error)) from error
    except pack.PackError as error:
        raise failures.unavailable(str(remote), f"it sent damaged data ({error})") from error
    file.seek(end)


def _peeled(store: DiskObjectStore, wants: _Wants, remote: Remote, pinned: PinnedCommit | None) -> Fetched:
    found = store[ObjectID(wants.object_name.encode())]
    for _ in range(_MAX_TAGS):
        if not isinstance(found, Tag):
            break
        found = store[found.object[1]]
    if not isinstance(found, Commit):
        raise wants.refused()
    name = found.id.decode()
    if pinned and name != pinned.commit:
        raise wants.refused()
    return Fetched(
        store, found, PinnedCommit(commit=name, tag=wants.object_name if wants.object_name != name else ""), remote
    )


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
