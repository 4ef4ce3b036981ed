"""UFile, UCloud's object storage, as the Jobs use it: verified transfers, explained failures, no secret in a log."""

from inference_image_store.credentials import Credentials
from inference_image_store.download import Wanted
from inference_image_store.etag import etag_of
from inference_image_store.handover import RESULT, export_folder, exported_graph, fetch_result, read_manifest
from inference_image_store.logs import to_stderr
from inference_image_store.objects import ObjectInfo
from inference_image_store.store import Store
from inference_image_store.transfer import Patience, Progress

__all__ = [
    "RESULT",
    "Credentials",
    "ObjectInfo",
    "Patience",
    "Progress",
    "Store",
    "Wanted",
    "etag_of",
    "export_folder",
    "exported_graph",
    "fetch_result",
    "read_manifest",
    "to_stderr",
]
