"""A control plane without a node, for tests: etcd, API server and controller-manager on loopback."""

import contextlib
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devcluster import binaries, settings
from devcluster.certs import kubeconfig, pki
from devcluster.lib import ports
from devcluster.lib.run import NotReadyError, tail

TIMEOUT = 180.0
STOP_TIMEOUT = 10.0
TICK = 0.05
CONTROLLERS = (
    "job-controller",
    "garbage-collector-controller",
    "ttl-after-finished-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
)


@dataclass(frozen=True)
class ControlPlane:
    """The address and the administrator's credentials of a control plane."""

    url: str
    kubeconfig: Path
    ca: Path
    client_certificate: Path
    client_key: Path
    audit_log: Path
    """One JSON event per line, at the levels of config/audit-policy.yaml unless another policy is given."""
    programs: dict[str, "Program"] = field(default_factory=dict)
    """Program name -> process, for tests that stop a program and start it again."""

    def wait(self) -> None:
        """Returns once the API server is ready; raises NotReadyError with the last lines of its log."""
        _wait(self, self.programs["kube-apiserver"])


class Program:
    """A program that the kernel kills whenever this process ends, for whatever reason."""

    def __init__(self, argv: Sequence[str], log: Path) -> None:
        self.argv = [*argv]
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the program is running."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id. Raises RuntimeError if the program has never been started."""
        if self._process is None:
            raise RuntimeError(f"{self.argv[0]} has not been started")
        return self._process.pid

    def start(self) -> None:
        """Starts the program, or starts it again."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Kills the program: the temporary directory holds nothing worth a graceful shutdown."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(STOP_TIMEOUT)


@contextlib.contextmanager
def control_plane(
    controllers: Sequence[str] = CONTROLLERS, *, api_server_flags: Sequence[str] = ()
) -> Iterator[ControlPlane]:
    """Starts a control plane in a temporary directory and stops it on exit. Its processes never outlive this one.

    `controllers` are names for `kube-controller-manager --controllers`; without names it is not started.
    `api_server_flags` come last, so that they override the defaults.
    Raises NotReadyError, with the end of the log, when the control plane does not become ready.
    """
    programs = binaries.ensure(*binaries.control_plane())
    with tempfile.TemporaryDirectory(prefix="control-plane-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        etcd_port, peer_port, api_port = ports.reserve(3)
        plane = _prepare(directory, api_port)
        _start(stack, plane, _etcd(programs, directory, etcd_port, peer_port))
        _start(stack, plane, [*_api_server(programs, directory, etcd_port, api_port), *api_server_flags])
        plane.wait()
        if controllers:
            _start(stack, plane, _controller_manager(programs, directory, controllers))
            _wait_for_service_account(plane, controllers)
        yield plane


def _prepare(directory: Path, api_port: int) -> ControlPlane:
    """Certificates and kubeconfigs."""
    authority = pki.Authority(directory)
    pki.write_key_pair(directory / "service-account.key", directory / "service-account.pub")
    authority.issue("apiserver", "kube-apiserver", dns=["localhost"], ips=["127.0.0.1"])
    url = f"https://127.0.0.1:{api_port}"
    certificate, key = authority.issue("admin", "admin", "system:masters")
    kubeconfig.write(directory / "kubeconfig", url, authority.certificate_path, certificate, key)
    manager = authority.issue("controller-manager", "system:kube-controller-manager")
    kubeconfig.write(directory / "controller-manager.kubeconfig", url, authority.certificate_path, *manager)
    return ControlPlane(
        url=url,
        kubeconfig=directory / "kubeconfig",
        ca=authority.certificate_path,
        client_certificate=certificate,
        client_key=key,
        audit_log=directory / "audit.log",
    )


def _start(stack: contextlib.ExitStack, plane: ControlPlane, argv: list[str]) -> None:
    name = Path(argv[0]).name
    program = plane.programs[name] = Program(argv, plane.kubeconfig.with_name(f"{name}.log"))
    program.start()
    stack.callback(program.stop)


def _etcd(programs: dict[str, Path], directory: Path, port: int, peer_port: int) -> list[str]:
    return [
        str(programs["etcd"]),
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{port}",
        f"--advertise-client-urls=http://127.0.0.1:{port}",
        f"--listen-peer-urls=http://127.0.0.1:{peer_port}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _api_server(programs: dict[str, Path], directory: Path, etcd_port: int, port: int) -> list[str]:
    return [
        str(programs["kube-apiserver"]),
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=RBAC",
        f"--client-ca-file={directory / 'ca.crt'}",
        f"--tls-cert-file={directory / 'apiserver.crt'}",
        f"--tls-private-key-file={directory / 'apiserver.key'}",
        f"--service-account-key-file={directory / 'service-account.pub'}",
        f"--service-account-signing-key-file={directory / 'service-account.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--audit-policy-file={settings.CONFIG / 'audit-policy.yaml'}",
        f"--audit-log-path={directory / 'audit.log'}",
        "--audit-log-maxsize=100000",  # MB; the default rotates the log at 100, and readers would miss earlier events
    ]


def _controller_manager(programs: dict[str, Path], directory: Path, controllers: Sequence[str]) -> list[str]:
    return [
        str(programs["kube-controller-manager"]),
        f"--kubeconfig={directory / 'controller-manager.kubeconfig'}",
        f"--controllers={','.join(controllers)}",
        f"--service-account-private-key-file={directory / 'service-account.key'}",
        f"--root-ca-file={directory / 'ca.crt'}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        "--secure-port=0",
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
    ]


def _wait(plane: ControlPlane, api_server: Program) -> None:
    deadline = time.monotonic() + TIMEOUT
    while _get(plane, "/readyz") is None:
        if not api_server.running or time.monotonic() > deadline:
            log = tail(api_server.log.read_text())
            raise NotReadyError(f"The API server did not become ready. End of its log:\n{log}")
        time.sleep(TICK)


def _wait_for_service_account(plane: ControlPlane, controllers: Sequence[str]) -> None:
    """The API server refuses pods until the namespace has its service account; without this wait a test would race."""
    if "serviceaccount-controller" not in controllers:
        return
    deadline = time.monotonic() + TIMEOUT
    while _get(plane, "/api/v1/namespaces/default/serviceaccounts/default") is None:
        if time.monotonic() > deadline:
            log = plane.kubeconfig.with_name("kube-controller-manager.log")
            raise NotReadyError(f"The default service account is missing. End of the log:\n{tail(log.read_text())}")
        time.sleep(TICK)


def _get(plane: ControlPlane, path: str) -> str | None:
    """The response's text, None without a response."""
    trust = ssl.create_default_context(cafile=str(plane.ca))
    trust.load_cert_chain(plane.client_certificate, plane.client_key)
    try:
        with urllib.request.urlopen(plane.url + path, timeout=5, context=trust) as answer:  # noqa: S310 - https only
            body: str = answer.read().decode()
    except OSError:  # urllib's HTTP errors among them
        return None
    return body
