"""Git sources: real servers on loopback (git's own backend behind TLS, an SSH server), and what each refuses."""

import contextlib
import io
import os
import shlex
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
import pytest

from inference_image_build.source import unpack
from inference_image_build.source.git import fetch
from inference_image_build.source.git import tree as git_tree
from inference_image_build.source.git.pack import Limits
from inference_image_build.source.git.remote import Credentials, parse
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import GitSource, PinnedCommit
from inference_image_contract.reasons import Reason
from tests.support.git_server import Repository, answer, authorization, new_repository

DEADLINE = 60
PASSWORD = "canary-git-password"
FILES = {"Dockerfile": b"FROM scratch\n", "code/a.py": b"a\n", "other/b.py": b"b\n"}


@pytest.fixture
def repository(tmp_path) -> Repository:
    return new_repository(tmp_path / "served" / "team" / "app.git", FILES)


@dataclass
class HttpsServer:
    host: str
    ca: Path
    requests: list[str] = field(default_factory=list)
    redirect: str = ""
    status: int = 0


@pytest.fixture
def https(serve, tls, repository, tmp_path) -> HttpsServer:
    """`git http-backend` behind TLS and basic authentication, like the big Git hosts."""
    found = HttpsServer("", tls.ca)

    def handle(request):
        found.requests.append(request.path)
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        status = found.status or (307 if found.redirect else 0)
        if not status and request.headers.get("Authorization") != authorization(PASSWORD):
            status = 401
        if status:
            request.send_response(status)
            request.send_header("Location", found.redirect)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        answer(request, body, tmp_path / "served")

    found.host = f"localhost:{serve(handle, tls=tls)}"
    return found


@pytest.fixture
def get(https, tmp_path) -> Callable[..., tuple[dict[str, bytes], PinnedCommit]]:
    """get(ref, path=..., ...) -> the files and the pinned commit."""
    count = iter(range(100))

    def run(ref="HEAD", *, path="", pinned=None, limits=fetch.LIMITS, login=None, url=None, allowed=None):
        source = GitSource(
            url=url or f"https://{https.host}/team/app.git",
            ref=ref,
            path=path,
            allowed_hosts=(https.host,) if allowed is None else allowed,
        )
        login = login or Credentials("git", PASSWORD, ca=https.ca)
        with fetch.fetched(source, tmp_path / f"clone-{next(count)}", login, pinned, limits) as found:
            entries = git_tree.entries(found.store, found.commit, path, found.remote)
            files, texts = unpack.pin(entries, FILES.__contains__, 1000)
        assert all(len(item.sha256) == 64 for item in files)
        return {item.path: texts.get(item.path) for item in files}, found.pinned

    return run


def test_the_default_branch_is_fetched_without_its_history(get, repository, https):
    repository.commit({"code/a.py": b"a\n"} | {"new": b""})
    files, pinned = get()
    assert files == FILES | {"new": None}
    assert pinned == PinnedCommit(commit=repository.git("rev-parse", "HEAD"))
    assert https.requests[0].endswith("info/refs?service=git-upload-pack")


def test_the_executable_bit_is_read(https, repository, tmp_path):
    repository.commit({"run.sh": b"#!/bin/sh\n"}, ["run.sh"])
    source = GitSource(url=f"https://{https.host}/team/app.git", ref="HEAD", allowed_hosts=(https.host,))
    with fetch.fetched(source, tmp_path / "clone", Credentials("git", PASSWORD, ca=https.ca)) as found:
        entries = list(git_tree.entries(found.store, found.commit, "", found.remote))
    assert [item.path for item in entries if item.executable] == ["run.sh"]


def test_a_folder_is_the_context(get):
    assert get(path="code")[0] == {"a.py": None}


def test_branch_tag_and_commit_are_refs(get, repository):
    first = repository.git("rev-parse", "HEAD")
    repository.git("tag", "light")
    repository.git("tag", "--annotate", "--message", "v1", "v1")
    repository.git("checkout", "--quiet", "-b", "feature/x")
    second = repository.commit({"more": b"1"})
    assert get("light")[1] == PinnedCommit(commit=first)
    assert get("v1")[1] == PinnedCommit(commit=first, tag=repository.git("rev-parse", "v1"))
    assert get("feature/x")[1] == PinnedCommit(commit=second)
    assert get(first)[1] == PinnedCommit(commit=first)


def test_the_pinned_commit_is_fetched_after_the_branch_moved(get, repository):
    _, pinned = get("main")
    repository.commit({"code/a.py": b"changed\n"})
    files, again = get("main", pinned=pinned)
    assert (files["Dockerfile"], again) == (FILES["Dockerfile"], pinned)


def test_a_rewritten_history_is_source_changed(get, repository):
    gone = PinnedCommit(commit="1" * 40)
    with pytest.raises(StageError, match="no longer serves the commit 1111") as caught:
        get("main", pinned=gone)
    assert caught.value.reason == Reason.SOURCE_CHANGED


def refused(get, **changes) -> StageError:
    with pytest.raises(StageError) as caught:
        get(**changes)
    assert PASSWORD not in caught.value.message + caught.value.hint
    return caught.value


def test_a_wrong_password_is_explained(get, https):
    for login in (Credentials("git", "wrong", ca=https.ca), Credentials(ca=https.ca)):
        error = refused(get, login=login)
        assert error.reason == Reason.GIT_UNAUTHORIZED
        assert "spec.source.git.secretRef" in error.hint


@pytest.mark.parametrize("ref", ["mai", "2" * 40])
def test_an_unknown_ref_is_explained(get, ref):
    error = refused(get, ref=ref)
    assert error.reason == Reason.GIT_REF_NOT_FOUND
    assert ref in error.message
    assert "spec.source.git.ref" in error.hint


def test_an_unknown_repository_is_explained(get, https):
    error = refused(get, url=f"https://{https.host}/team/none.git")
    assert error.reason == Reason.GIT_NOT_FOUND


def test_a_repository_with_sha256_is_explained(get, repository):
    shutil.rmtree(repository.folder / ".git")
    repository.git("init", "--quiet", "--initial-branch=main", "--object-format=sha256")
    repository.commit({})
    with pytest.raises(StageError, match=r"names its objects by SHA-256") as caught:
        get()
    assert caught.value.reason == Reason.INVALID_INPUT


def test_an_unknown_folder_is_explained(get):
    for path in ("none", "Dockerfile", "code/none"):
        error = refused(get, path=path)
        assert error.reason == Reason.SOURCE_NOT_FOUND
        assert path in error.message


@pytest.mark.parametrize("allowed", [(), ("localhost",), ("git.example.com",)])
def test_a_forbidden_host_is_never_contacted(get, https, allowed):
    assert refused(get, allowed=allowed).reason == Reason.GIT_HOST_NOT_ALLOWED
    assert https.requests == []


@pytest.mark.row(47, "endpoints are listed, redirects not followed, realms and uploads at the same origin or listed")
def test_a_redirect_is_not_followed(get, https):
    https.redirect = f"https://{https.host}/elsewhere"
    error = refused(get)
    assert error.reason == Reason.GIT_NOT_FOUND
    assert "redirects are not followed" in error.message
    assert len(https.requests) == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, Reason.GIT_UNAUTHORIZED), (429, Reason.GIT_UNAVAILABLE), (503, Reason.GIT_UNAVAILABLE)],
)
def test_statuses_map_to_reasons(get, https, status, reason):
    https.status = status
    assert refused(get).reason == reason


def test_a_closed_port_is_unavailable(get, unused_port):
    host = f"localhost:{unused_port}"
    error = refused(get, url=f"https://{host}/a.git", allowed=(host,))
    assert error.reason == Reason.GIT_UNAVAILABLE


def test_an_untrusted_certificate_is_refused(get, foreign_tls):
    error = refused(get, login=Credentials("git", PASSWORD, ca=foreign_tls.ca))
    assert error.reason == Reason.GIT_TLS
    assert "ca.crt" in error.hint


@pytest.mark.parametrize(
    "url",
    [
        "http://h/a",
        "git://h/a",
        "file:///a",
        "https://u:p@h/a",
        "https://u@h/a",
        "git@h:a",
        "ssh://h/../a",
        "https://example.test",
    ],
)
def test_an_invalid_url_is_refused_without_repeating_it(url):
    with pytest.raises(StageError) as caught:
        parse(url)
    assert caught.value.reason == Reason.INVALID_INPUT
    assert url not in caught.value.message


# --- what a commit may not hold --------------------------------------------------------------------------------------


def link(repository):
    (repository.folder / "code/link").symlink_to("/etc/passwd")


def submodule(repository):
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor")
    repository.git("commit", "--quiet", "--message", "submodule")


def pointer(repository):
    text = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
    (repository.folder / "model.pb").write_bytes(text)


def backslash(repository):
    (repository.folder / "a\\b").write_bytes(b"")


def not_utf8(repository):
    Path(os.fsdecode(bytes(repository.folder) + b"/\xff")).write_bytes(b"")


@pytest.mark.parametrize(
    ("make", "clause"),
    [
        (link, "'code/link' is a symbolic link"),
        (submodule, "'vendor' is a submodule"),
        (pointer, "'model.pb' is a Git LFS pointer"),
        (backslash, "backslash"),
        (not_utf8, "not UTF-8"),
    ],
)
def test_an_entry_that_is_not_a_regular_file_is_refused(get, repository, make, clause):
    make(repository)
    if make is not submodule:
        repository.commit({})
    error = refused(get)
    assert error.reason == Reason.GIT_TREE_UNSAFE
    assert clause in error.message


def test_entries_outside_the_folder_are_ignored(get, repository):
    (repository.folder / "other/link").symlink_to("/etc/passwd")
    repository.commit({})
    assert get(path="code")[0] == {"a.py": None}


@pytest.mark.parametrize(
    ("limits", "clause"),
    [
        (Limits(packed=100), "more than 100 bytes"),
        (Limits(objects=3), "objects; the limit is 3"),
        (Limits(object=5), "bytes; the limit is 5"),
        (Limits(total=300), "more than 300 bytes"),
    ],
)
def test_a_limit_applies_before_anything_is_unpacked(get, tmp_path, limits, clause):
    error = refused(get, limits=limits)
    assert error.reason == Reason.GIT_TOO_LARGE
    assert clause in error.message
    assert not list(tmp_path.glob("clone-*/pack/*"))


def test_a_small_pack_of_a_large_file_is_refused(get, repository):
    repository.commit({"zeros": b"\0" * 40 * 1024**2})
    assert "41943040 bytes" in refused(get).message


def test_shared_folders_count_against_the_limit(get, repository):
    """A handful of objects makes ten thousand paths."""
    blob = repository.git("hash-object", "-w", "Dockerfile")
    lines = "".join(f"100644 blob {blob}\tf{n}\n" for n in range(10))
    for _ in range(4):
        tree = subprocess.run(
            ["git", "mktree"], cwd=repository.folder, input=lines, capture_output=True, text=True, check=True
        ).stdout.strip()
        lines = "".join(f"040000 tree {tree}\td{n}\n" for n in range(10))
    repository.git("update-ref", "HEAD", repository.git("commit-tree", tree, "-m", "bomb"))
    error = refused(get)
    assert error.reason == Reason.GIT_TOO_LARGE


# --- SSH -------------------------------------------------------------------------------------------------------------


class Login(paramiko.ServerInterface):
    """Accepts one key, and runs `git-upload-pack` on one repository."""

    def __init__(self, key: paramiko.PKey, repository: Path) -> None:
        self.key, self.repository = key, repository

    def check_auth_publickey(self, username, key):
        good = username == "git" and key == self.key
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def get_allowed_auths(self, _username):
        return "publickey"

    def check_channel_request(self, _kind, _number):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=self._run, args=(channel, command.decode()), daemon=True).start()
        return True

    def _run(self, channel, command):
        with contextlib.suppress(OSError, EOFError):  # the client under test may leave first
            # Its answer comes after the one to the command: else the channel may close before the client knows that.
            channel.get_transport().global_request("ready", wait=True)
            self._serve(channel, command)

    def _serve(self, channel, command):
        program, path = shlex.split(command)
        assert program == "git-upload-pack"
        folder = self.repository if path == "/team/app.git" else self.repository / path.strip("/")
        with subprocess.Popen(
            ["git", "-c", "safe.directory=*", "upload-pack", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            feeder = threading.Thread(target=self._feed, args=(channel, process.stdin), daemon=True)
            feeder.start()
            try:
                while data := process.stdout.read1(65536):
                    channel.sendall(data)
                channel.sendall_stderr(process.stderr.read())
                channel.send_exit_status(process.wait())
            finally:  # the feeder ends, and closes its pipe, before the process's pipes are closed
                channel.close()
                feeder.join(DEADLINE)

    @staticmethod
    def _feed(channel, target):
        with contextlib.suppress(OSError), target:
            while data := channel.recv(65536):
                target.write(data)
                target.flush()


@dataclass
class SshServer:
    host: str
    key: paramiko.PKey
    user_key: paramiko.PKey


@pytest.fixture
def ssh(repository) -> Iterator[SshServer]:
    server_key, user_key = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
    transports: list[paramiko.Transport] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    transport = paramiko.Transport(connection)
                    transports.append(transport)
                    transport.add_server_key(server_key)
                    with contextlib.suppress(paramiko.SSHException, EOFError):
                        transport.start_server(server=Login(user_key, repository.folder))

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield SshServer(f"localhost:{listener.getsockname()[1]}", server_key, user_key)
        listener.shutdown(socket.SHUT_RDWR)
        for transport in transports:
            transport.close()
        thread.join(DEADLINE)
        for transport in transports:
            transport.join(DEADLINE)
            transport.sock.close()  # close() leaves that to the transport's thread when the client has left


@pytest.fixture
def login(ssh, tmp_path) -> Callable[..., Credentials]:
    """login(user's key, server's key) -> the files of a Secret."""

    def make(user=None, server=None) -> Credentials:
        folder = tmp_path / "secret"
        folder.mkdir(exist_ok=True)
        text = io.StringIO()
        (user or ssh.user_key).write_private_key(text)
        (folder / "ssh-privatekey").write_text(text.getvalue())
        name, _, port = ssh.host.partition(":")
        key = server or ssh.key
        (folder / "known_hosts").write_text(f"[{name}]:{port} {key.get_name()} {key.get_base64()}\n")
        return Credentials.mounted(folder)

    return make


@pytest.fixture
def get_ssh(get, ssh, login):
    def run(**changes):
        url = f"ssh://git@{ssh.host}/team/app.git"
        credentials = changes.pop("login", None) or login()
        return get(**{"url": url, "allowed": (ssh.host,), "login": credentials} | changes)

    return run


def test_ssh_gives_the_same_files(get_ssh, repository):
    files, pinned = get_ssh()
    assert (files, pinned.commit) == (FILES, repository.git("rev-parse", "HEAD"))


def test_a_pinned_tag_is_fetched_by_its_name(get_ssh, repository):
    """Over SSH, servers speak the old protocol and serve only objects that they advertise."""
    repository.git("tag", "--annotate", "--message", "v1", "v1")
    repository.commit({"later": b""})
    _, pinned = get_ssh(ref="v1")
    assert get_ssh(ref="v1", pinned=pinned)[1] == pinned


def test_a_moved_branch_is_source_changed_if_only_tips_are_served(get_ssh, repository):
    _, pinned = get_ssh()
    repository.commit({"later": b""})
    assert refused(get_ssh, pinned=pinned).reason == Reason.SOURCE_CHANGED


def test_an_unknown_host_key_ends_the_connection(get_ssh, login):
    error = refused(get_ssh, login=login(server=paramiko.ECDSAKey.generate()))
    assert error.reason == Reason.GIT_HOST_KEY_UNKNOWN
    assert "known_hosts" in error.hint


def test_an_unlisted_host_is_not_trusted(get_ssh, login, tmp_path):
    credentials = login()
    credentials.known_hosts.write_text("")
    assert refused(get_ssh, login=credentials).reason == Reason.GIT_HOST_KEY_UNKNOWN


def test_a_wrong_key_is_explained(get_ssh, login):
    error = refused(get_ssh, login=login(user=paramiko.ECDSAKey.generate()))
    assert error.reason == Reason.GIT_UNAUTHORIZED


@pytest.mark.parametrize("absent", ["ssh-privatekey", "known_hosts"])
def test_an_incomplete_secret_is_explained(get_ssh, login, tmp_path, absent):
    login()
    (tmp_path / "secret" / absent).unlink()
    error = refused(get_ssh, login=Credentials.mounted(tmp_path / "secret"))
    assert error.reason == Reason.GIT_UNAUTHORIZED
    assert absent in error.message


def test_an_invalid_key_is_explained(get_ssh, login, tmp_path):
    login()
    (tmp_path / "secret/ssh-privatekey").write_text("no key")
    error = refused(get_ssh, login=Credentials.mounted(tmp_path / "secret"))
    assert error.reason == Reason.GIT_UNAUTHORIZED
    assert "no key" not in error.message


def test_an_unknown_repository_over_ssh_is_explained(get_ssh, ssh):
    error = refused(get_ssh, url=f"ssh://git@{ssh.host}/team/none.git")
    assert error.reason == Reason.GIT_NOT_FOUND, error


def test_every_value_of_a_secret_is_redacted(login, tmp_path):
    credentials = login()
    (tmp_path / "secret/password").write_text(PASSWORD + "\n")
    values = Credentials.mounted(tmp_path / "secret").secrets()
    assert values[0] == PASSWORD
    lines = credentials.private_key.read_text().splitlines()
    assert set(values[1:]) == set(lines[1:-1])
