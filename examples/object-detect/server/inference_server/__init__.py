"""An HTTP server for one model: `POST /service` asks it, in batches, and `GET /initialized` says when it is ready."""

from inference_server.config import ServiceConfig
from inference_server.model import BadInput

__all__ = ["BadInput", "ServiceConfig"]
