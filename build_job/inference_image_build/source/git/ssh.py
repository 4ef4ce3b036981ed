"""SSH to a Git server with a known host key, using a key from a Secret; no ssh program, agent or configuration."""

from collections.abc import Callable
from typing import IO, cast

import paramiko
from dulwich.client import SSHGitClient, SSHVendor, SubprocessWrapper
from dulwich.protocol import Protocol

from inference_image_build.source.git import failures
from inference_image_build.source.git.remote import KNOWN_HOSTS, PRIVATE_KEY, Credentials, Remote

_CONNECT, _READ = 15.0, 60.0  # seconds
DEFAULT_USER = "git"
DEFAULT_PORT = 22


class Connection:
    """One command on the server, which `dulwich` reads from and writes to."""

    def __init__(self, client: paramiko.SSHClient, command: bytes) -> None:
        transport = client.get_transport()
        if transport is None:
            raise paramiko.SSHException("the connection is closed")
        self._client = client
        self._channel = transport.open_session(timeout=_CONNECT)
        self._channel.settimeout(_READ)
        self._channel.exec_command(command.decode())
        self._output = self._channel.makefile("rb")
        self.stderr = cast("IO[bytes]", self._channel.makefile_stderr("rb"))

    def read(self, size: int) -> bytes:
        """`size` bytes; fewer only at the end."""
        return self._output.read(size)

    def write(self, data: bytes) -> None:
        """Sends all of it."""
        self._channel.sendall(data)

    def can_read(self) -> bool:
        """Whether a read would not block."""
        return self._channel.recv_ready()

    def close(self) -> None:
        """Ends the command and the connection."""
        self._channel.close()
        self._client.close()


class Client(SSHGitClient):
    """Closes its connections; its base class leaves them open when the server refuses the repository."""

    def __init__(self, remote: Remote, credentials: Credentials) -> None:
        vendor = Vendor(remote, credentials)
        super().__init__(
            remote.host, remote.port or None, remote.user or None, vendor=vendor, thin_packs=False, quiet=True
        )
        self._open: list[Protocol] = []

    def _connect(
        self, cmd: bytes, path: str | bytes, protocol_version: int | None = None
    ) -> tuple[Protocol, Callable[[], bool], IO[bytes] | None]:
        found = super()._connect(cmd, path, protocol_version)
        self._open.append(found[0])
        return found

    def close(self) -> None:
        """Closes all connections."""
        for protocol in self._open:
            protocol.close()
        super().close()


class Vendor(SSHVendor):
    """Connects `dulwich` to the server."""

    def __init__(self, remote: Remote, credentials: Credentials) -> None:
        self._remote = remote
        self._credentials = credentials

    def run_command(
        self,
        host: str,
        command: bytes,
        username: str | None = None,
        port: int | None = None,
        *_other: object,
        **_named: object,
    ) -> SubprocessWrapper:
        """Runs a command on the server; logs in with the key of the Secret only.

        Raises StageError: `GitUnauthorized`, `GitHostKeyUnknown`, `GitUnavailable`.
        """
        remote = str(self._remote)
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        try:
            self._load_host_keys(client)
            client.connect(
                host,
                port=port or DEFAULT_PORT,
                username=username or DEFAULT_USER,
                pkey=self._private_key(),
                allow_agent=False,
                look_for_keys=False,
                timeout=_CONNECT,
                banner_timeout=_CONNECT,
                auth_timeout=_CONNECT,
            )
            return cast("SubprocessWrapper", Connection(client, command))
        except paramiko.BadHostKeyException as error:
            raise failures.unknown_host_key(remote, self._remote.authority) from error
        except paramiko.AuthenticationException as error:
            raise failures.unauthorized(remote, "it rejects the key") from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            client.close()
            if "known_hosts" in str(error):  # the text of RejectPolicy, which has no exception of its own
                raise failures.unknown_host_key(remote, self._remote.authority) from error
            raise failures.unavailable(remote, str(error)[:200] or type(error).__name__) from error

    def _load_host_keys(self, client: paramiko.SSHClient) -> None:
        path = self._credentials.known_hosts
        if path is None:
            raise failures.unauthorized(str(self._remote), f"the Secret has no key {KNOWN_HOSTS}")
        try:
            client.load_host_keys(str(path))
        except (paramiko.SSHException, ValueError, OSError) as error:
            raise failures.unauthorized(str(self._remote), f"its {KNOWN_HOSTS} cannot be read") from error

    def _private_key(self) -> paramiko.PKey:
        path = self._credentials.private_key
        if path is None:
            raise failures.unauthorized(str(self._remote), f"the Secret has no key {PRIVATE_KEY}")
        try:
            return paramiko.PKey.from_path(path)
        except (paramiko.SSHException, ValueError, TypeError, OSError) as error:
            detail = f"its {PRIVATE_KEY} is not a private key without a passphrase"
            raise failures.unauthorized(str(self._remote), detail) from error
