"""US3 (formerly UFile), UCloud's object storage, for the Jobs: verified transfers, clear errors, no secrets in logs."""

from inference_image_store.artifacts import (
    RESULT,
    export_folder,
    exported_graph,
    fetch_result,
    found_graph,
    read_input_lock,
)
from inference_image_store.client.credentials import Credentials, environment_secrets
from inference_image_store.client.etag import etag_of
from inference_image_store.client.keys import fault as key_fault
from inference_image_store.client.objects import ObjectInfo
from inference_image_store.client.store import Store
from inference_image_store.download.downloads import Wanted
from inference_image_store.errors import ArchivedError
from inference_image_store.logs import to_stderr
from inference_image_store.transfers.transfer import Progress, TransferTimeouts

__all__ = [
    "RESULT",
    "ArchivedError",
    "Credentials",
    "ObjectInfo",
    "Progress",
    "Store",
    "TransferTimeouts",
    "Wanted",
    "environment_secrets",
    "etag_of",
    "export_folder",
    "exported_graph",
    "fetch_result",
    "found_graph",
    "key_fault",
    "read_input_lock",
    "to_stderr",
]
