"""What gunicorn imports: the application, its model loaded."""

from httpserver.model import create_model, read_conf
from httpserver.service import Service

application = Service(create_model(*read_conf()))
