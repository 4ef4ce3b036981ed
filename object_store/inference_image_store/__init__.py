"""US3 (formerly UFile), UCloud's object storage, as the Jobs use it: verified, explained, without a secret in a log."""

from inference_image_store.credentials import Credentials, environment_secrets
from inference_image_store.download import Wanted
from inference_image_store.etag import etag_of
from inference_image_store.failures import ArchivedError
from inference_image_store.handover import RESULT, export_folder, exported_graph, fetch_result, read_manifest
from inference_image_store.logs import to_stderr
from inference_image_store.objects import ObjectInfo
from inference_image_store.store import Store
from inference_image_store.transfer import Patience, Progress

__all__ = [
    "RESULT",
    "ArchivedError",
    "Credentials",
    "ObjectInfo",
    "Patience",
    "Progress",
    "Store",
    "Wanted",
    "environment_secrets",
    "etag_of",
    "export_folder",
    "exported_graph",
    "fetch_result",
    "read_manifest",
    "to_stderr",
]
