"""What Append finds in the context that it does not support, with the line and the remedy."""

import gzip
import io
import tarfile

import pytest

from inference_image_build.append.plan import Options, make
from inference_image_build.builders import check
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason


@pytest.mark.parametrize(
    ("line", "what", "remedy"),
    [
        ("ADD data /x/", "ADD of the archive data,", "Kaniko"),
        ("ADD plain /x/", "ADD of the archive plain,", "Kaniko"),
        ("COPY --chown=$WHO a.py /x/", "--chown=app:app", "Kaniko"),
        ("COPY --chown=4294967295 a.py /x/", "--chown=4294967295", "Kaniko"),
        ("COPY a.py /usr/local/tools", "destination /usr/local/tools", "Kaniko"),
        ("COPY link /x/", "link, which is not a regular file", "Kaniko"),
    ],
)
def test_what_only_the_context_shows_is_refused_too(line, what, remedy, tmp_path):
    (tmp_path / "a.py").write_text("print()")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x"))
    (tmp_path / "data").write_bytes(gzip.compress(packed.getvalue()))
    (tmp_path / "plain").write_bytes(packed.getvalue())
    (tmp_path / "link").symlink_to("a.py")
    dockerfile = check.read(f"FROM base\nARG WHO=app:app\n{line}\n".encode(), "Dockerfile", {}, {})
    with pytest.raises(StageError) as caught:
        make(dockerfile, {}, tmp_path, "Dockerfile", Options({}, ""))
    assert caught.value.reason == Reason.BUILDER_UNSUPPORTED
    assert caught.value.message.startswith("The Dockerfile Dockerfile, line 3: Append does not support ")
    assert what in caught.value.message
    assert caught.value.hint.startswith(f"Set spec.build.builder to {remedy}, or remove ")


def test_a_packed_file_that_is_no_archive_is_copied(tmp_path):
    (tmp_path / "weights.gz").write_bytes(gzip.compress(b"no archive"))
    dockerfile = check.read(b"FROM base\nADD weights.gz /x/\n", "Dockerfile", {}, {})
    (line,) = make(dockerfile, {}, tmp_path, "Dockerfile", Options({}, "")).history
    assert [entry.path for entry in line.entries] == ["x/weights.gz"]
