"""One measured client in a separate process: `python -m bench.transfer.client WHAT SUFFIX FOLDER` prints JSON.

The measurement begins after all imports.
"""

import json
import logging
import os
import sys
import time
from pathlib import Path

from ufile import filemanager, multipartuploadufile

from bench.usage import usage
from inference_image_contract.inputs import UFile
from inference_image_store import Credentials, Store, Wanted

PUBLIC, PRIVATE, BUCKET = "PUB", "PRIV", "127"
LARGE = "large"
SMALL = "small/"


class Client:
    """The ways to transfer the same bytes. Each raises when it fails."""

    def __init__(self, suffix: str, folder: Path) -> None:
        self.store = Store(UFile(bucket=BUCKET, scheme="http", suffix=suffix), Credentials(PUBLIC, PRIVATE))
        self.files = filemanager.FileManager(PUBLIC, PRIVATE, suffix, suffix)
        self.parts = multipartuploadufile.MultipartUploadUFile(PUBLIC, PRIVATE, suffix)
        self.source = folder / "source"
        self.small = sorted((folder / "small").iterdir())
        self.target = folder / "target"
        self.target.mkdir()

    def ours_up(self) -> None:
        self.store.upload(self.source, f"ours/{LARGE}")

    def ours_down(self) -> None:
        self.store.download(f"ours/{LARGE}", self.target / LARGE)

    def sdk_up(self) -> None:
        _ok(self.parts.uploadfile(BUCKET, f"sdk/{LARGE}", str(self.source)))

    def sdk_down(self) -> None:
        _ok(self.files.download_file(BUCKET, f"ours/{LARGE}", str(self.target / LARGE)))

    def ours_small_up(self) -> None:
        self.store.upload_all({f"ours/{SMALL}{path.name}": path for path in self.small}, f"ours/{SMALL}")

    def ours_small_down(self) -> None:
        listed = self.store.list(f"ours/{SMALL}", limit=len(self.small))
        self.store.download_all(
            [Wanted(item.key, self.target / item.key.rpartition("/")[2], item.etag, item.size) for item in listed]
        )

    def sdk_small_up(self) -> None:
        for path in self.small:
            _ok(self.parts.uploadfile(BUCKET, f"sdk/{SMALL}{path.name}", str(path)))

    def sdk_small_put(self) -> None:
        for path in self.small:
            _ok(self.files.putfile(BUCKET, f"put/{SMALL}{path.name}", str(path)))

    def sdk_small_down(self) -> None:
        for path in self.small:
            _ok(self.files.download_file(BUCKET, f"ours/{SMALL}{path.name}", str(self.target / path.name)))


def _ok(answer: tuple[object, object]) -> None:
    response = answer[1]
    if getattr(response, "status_code", 0) not in (200, 204, 206):
        raise RuntimeError(f"the SDK failed: {response}")


def main(what: str, suffix: str, folder: Path) -> None:
    logging.getLogger("UCLOUD").disabled = True
    client = Client(suffix, folder)
    work = getattr(client, what)
    began = time.monotonic()
    work()
    seconds = time.monotonic() - began
    used = usage(os.getpid())
    print(json.dumps({"seconds": seconds, "peak": used.peak_bytes, "cpu": used.cpu_seconds}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
