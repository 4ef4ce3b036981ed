"""The application that gunicorn imports, with a loaded model."""

from httpserver.model import create_model, read_conf
from httpserver.service import Service

application = Service(create_model(*read_conf()))
