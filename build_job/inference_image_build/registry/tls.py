"""TLS to registries: trusts the public authorities and the custom CA of a Secret."""

import ssl
from pathlib import Path
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

from inference_image_build.registry import errors as faults


class CustomCaAdapter(HTTPAdapter):
    """Trusts a CA file besides the public authorities."""

    def __init__(self, ca: Path | None) -> None:
        self._ca = ca
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - the signature of requests
        """Called by requests when it creates its pools."""
        super().init_poolmanager(*arguments, ssl_context=self._context(), **options)

    def _context(self) -> ssl.SSLContext:
        context = create_urllib3_context()
        # Python 3.13 rejects CAs without key identifiers; Kaniko and the nodes accept them.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self._ca is not None and self._ca.exists():
            try:
                context.load_verify_locations(cafile=str(self._ca))
            except ssl.SSLError as error:
                raise faults.not_a_ca() from error
        return context
