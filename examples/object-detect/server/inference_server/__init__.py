"""An HTTP server for one model: `POST /service` runs it, in batches, and `GET /initialized` reports readiness."""

from inference_server.config import ServiceConfig
from inference_server.model import BadInput

__all__ = ["BadInput", "ServiceConfig"]
