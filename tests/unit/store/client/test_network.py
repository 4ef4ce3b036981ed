"""UFile behind a corporate proxy and with a custom CA: the SDK's session and ours behave alike."""

import ssl

import pytest

from devcluster.certs.pki import Authority
from devcluster.ufile import running
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import UFile
from inference_image_store import Credentials, Store, Wanted
from tests.support.proxying import proxy
from tests.unit.store.conftest import KEYS

DATA = b"0123456789abcdef" * 65536


@pytest.fixture
def corporate(monkeypatch):
    with proxy() as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, server.url)
        for name in ("NO_PROXY", "no_proxy", "http_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield server


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "pki")


@pytest.fixture
def secure(tmp_path, authority):
    certificate, key = authority.issue("ufile", "ufile", ips=("127.0.0.1",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with running(tmp_path / "data", KEYS, tls=context) as standin:
        yield standin


def _store(standin, scheme):
    keys = Credentials(KEYS[0].public_key, KEYS[0].private_key)
    location = UFile(bucket="127", scheme=scheme, suffix=standin.suffix)
    return Store(location, keys, timeout=(60.0, 60.0), retries=0)


def _exercise(store, folder):
    """Each kind of request: ours and the SDK's."""
    info = store.write(DATA, "dir/k")
    assert [item.key for item in store.list("dir/", limit=5)] == ["dir/k"]
    store.download_all([Wanted(info.key, folder / "back", info.etag, info.size)])
    store.copy("dir/k", "dir/copy")
    store.delete("dir/copy")
    assert (folder / "back").read_bytes() == DATA


def test_plain_requests_go_through_the_proxy(standin, corporate, tmp_path):
    _exercise(_store(standin, "http"), tmp_path)
    assert {line.split(" ")[0] for line in corporate.asked} == {"PUT", "HEAD", "GET", "DELETE"}
    assert all(f"http://127.0.0.1:{standin.port}/" in line for line in corporate.asked)


def test_tls_goes_through_a_tunnel_and_is_verified_with_the_custom_ca(
    secure, corporate, authority, tmp_path, monkeypatch
):
    monkeypatch.setattr("inference_image_store.client.ca_bundle.BUNDLE", authority.certificate_path)
    _exercise(_store(secure, "https"), tmp_path)
    assert set(corporate.asked) == {f"CONNECT 127.0.0.1:{secure.port}"}


def test_without_the_custom_ca_nothing_is_sent(secure, tmp_path):
    store = _store(secure, "https")
    for call in (lambda: store.find("k"), lambda: store.list("", limit=1)):
        with pytest.raises(StageError, match="its certificate is not trusted"):
            call()
    assert secure.seen == []


def test_hosts_in_no_proxy_bypass_the_proxy(standin, corporate, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    _exercise(_store(standin, "http"), tmp_path)
    assert corporate.asked == []
