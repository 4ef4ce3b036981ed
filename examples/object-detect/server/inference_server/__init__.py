"""A small HTTP server for one model: `POST /service` asks it, `GET /initialized` says whether it is loaded."""

from inference_server.config import ServiceConfig
from inference_server.model import BadInput

__all__ = ["BadInput", "ServiceConfig"]
