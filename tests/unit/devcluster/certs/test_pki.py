"""Certificates: strict verification, and the permissions of keys."""

import json
import socket
import ssl
import stat
import threading

import pytest
from cryptography import x509

from devcluster.certs import kubeconfig, pki


@pytest.fixture
def authority(tmp_path):
    return pki.Authority(tmp_path)


def handshake(ca, server_pair, client_pair=None, host="localhost"):
    """Connects over loopback with the strict verification of Python 3.13; returns the peer's names."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*server_pair)
    server.load_verify_locations(ca)
    server.verify_mode = ssl.CERT_OPTIONAL
    server.verify_flags |= ssl.VERIFY_X509_STRICT
    client = ssl.create_default_context(cafile=str(ca))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    if client_pair:
        client.load_cert_chain(*client_pair)
    seen = {}

    def serve(connection):
        try:
            with server.wrap_socket(connection, server_side=True) as tls:
                seen["client"] = tls.getpeercert()
                tls.sendall(b"x")
        except ssl.SSLError as error:
            seen["error"] = error

    near, far = socket.socketpair()
    thread = threading.Thread(target=serve, args=(far,))
    thread.start()
    try:
        with client.wrap_socket(near, server_hostname=host) as tls:
            tls.recv(1)
    finally:
        near.close()
        thread.join(10)
        far.close()
    return seen


def test_a_strict_client_trusts_a_server_certificate(authority):
    pair = authority.issue("server", "server", dns=["localhost"])
    assert "error" not in handshake(authority.certificate_path, pair)


def test_a_name_outside_the_certificate_is_rejected(authority):
    pair = authority.issue("server", "server", dns=["localhost"])
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(authority.certificate_path, pair, host="elsewhere.test")


def test_another_authority_is_not_trusted(authority, tmp_path):
    other = pki.Authority(tmp_path / "other") if (tmp_path / "other").mkdir() is None else None
    pair = authority.issue("server", "server", dns=["localhost"])
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(other.certificate_path, pair)


def test_a_client_certificate_names_user_and_group(authority):
    server = authority.issue("server", "server", dns=["localhost"])
    client = authority.issue("admin", "jane", "system:masters")
    subject = dict(pair[0] for pair in handshake(authority.certificate_path, server, client)["client"]["subject"])
    assert subject == {"organizationName": "system:masters", "commonName": "jane"}


def test_an_existing_authority_is_reused(authority, tmp_path):
    assert pki.Authority(tmp_path).certificate_path.read_bytes() == authority.certificate_path.read_bytes()
    pair = authority.issue("server", "server", dns=["localhost"])
    again = pki.Authority(tmp_path).issue("again", "again", dns=["localhost"])
    assert "error" not in handshake(authority.certificate_path, again)
    assert pair != again


@pytest.mark.parametrize("extension", [x509.BasicConstraints, x509.KeyUsage])
def test_the_authority_marks_its_limits_critical(authority, extension):
    certificate = x509.load_pem_x509_certificate(authority.certificate_path.read_bytes())
    assert certificate.extensions.get_extension_for_class(extension).critical


def test_keys_are_readable_by_their_owner_only(authority, tmp_path):
    authority.issue("server", "server", dns=["localhost"])
    pki.write_key_pair(tmp_path / "sa.key", tmp_path / "sa.pub")
    for path in tmp_path.glob("*.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_kubeconfig_is_self_contained(authority, tmp_path):
    pair = authority.issue("admin", "admin", "system:masters")
    path = tmp_path / "kubeconfig"
    kubeconfig.write(path, "https://127.0.0.1:1", authority.certificate_path, *pair)
    document = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert document["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:1"
    assert str(tmp_path) not in path.read_text()
