"""Archives of a few files, in memory."""

import io
import tarfile
import zipfile
from collections.abc import Collection, Mapping


def tar_gz(files: Mapping[str, bytes], executables: Collection[str] = ()) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as target:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.mode = 0o755 if name in executables else 0o644
            info.size = len(data)
            target.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files.items():
            target.writestr(name, data)
    return out.getvalue()
