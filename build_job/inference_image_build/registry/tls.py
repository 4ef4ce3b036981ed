"""TLS to registries: trusts the public authorities and the custom CA of a Secret."""

import functools
import ssl
from pathlib import Path
from typing import Any

from requests.adapters import DEFAULT_CA_BUNDLE_PATH, HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

from inference_image_build.registry import errors as faults


class CustomCaAdapter(HTTPAdapter):
    """Trusts a CA file besides the public authorities, which are read once: requests reads them for each connection."""

    def __init__(self, ca: Path | None) -> None:
        self._custom = (ca, ca.stat().st_mtime_ns) if ca is not None and ca.exists() else None
        _trusting(self._custom)  # a file without a certificate fails here, before any request
        super().__init__()

    def build_connection_pool_key_attributes(self, *arguments: Any, **options: Any) -> tuple[Any, Any]:  # noqa: ANN401 - the signature of requests
        """Called by requests when it looks for a connection."""
        host, tls = super().build_connection_pool_key_attributes(*arguments, **options)
        bundle = tls.pop("ca_certs", None) or tls.pop("ca_cert_dir", None) or DEFAULT_CA_BUNDLE_PATH
        return host, {**tls, "ssl_context": _trusting(self._custom, bundle)}

    def cert_verify(self, conn: Any, *arguments: Any) -> None:  # noqa: ANN401 - the signature of requests
        """Called by requests before it sends."""
        super().cert_verify(conn, *arguments)  # type: ignore[no-untyped-call]
        conn.ca_certs = conn.ca_cert_dir = None  # the context has them


@functools.cache
def _trusting(custom: tuple[Path, int] | None, bundle: str = "") -> ssl.SSLContext:
    """A context that trusts a CA file, as it was at this time, and the file or folder `bundle`."""
    context = create_urllib3_context()
    # Python 3.13 rejects CAs without key identifiers; Kaniko and the nodes accept them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if bundle:
        context.load_verify_locations(**{"capath" if Path(bundle).is_dir() else "cafile": bundle})
    if custom:
        try:
            context.load_verify_locations(cafile=custom[0])
        except ssl.SSLError as error:
            raise faults.not_a_ca() from error
    return context
