"""The table of parsers, with examples and words of their languages, and the errors that they document."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from inference_image_contract.errors import StageError
from tests.fuzz import parsers

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/object-detect"


class Target(NamedTuple):
    """A parser. It imports what it needs when it is called, so that each fuzzer loads its own parser only."""

    parse: Callable[[bytes], object]
    examples: Callable[[], list[bytes]]
    words: list[bytes]
    errors: tuple[type[Exception], ...] = (StageError,)
    """What it may raise; every other exception is a fault."""


def _files(*places: str) -> Callable[[], list[bytes]]:
    return lambda: [path.read_bytes() for place in places for path in sorted(ROOT.glob(place))]


JSON_WORDS = [
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b":",
    b",",
    b"\\u",
    b"\\ud800",
    b"1e999",
    b"-0",
    b"null",
    b'{"a":',
    b"[[",
    b"NaN",
    b"9" * 30,
]
DOCKER_WORDS = [
    b"FROM ",
    b"a",
    b"\n",
    b"ARG A=",
    b"$A",
    b"${A:-",
    b"}",
    b"COPY ",
    b"--from=",
    b"\\\n",
    b"#",
    b"<<E\n",
    b"E\n",
    b'["',
    b'"]',
    b"ENV ",
    b" AS b",
    b"ONBUILD ",
    b"RUN ",
    b"# escape=`\n",
    b"*",
    b"/",
    b"--mount=type=",
    b"'",
    b"HEALTHCHECK ",
    b"\r",
    b"\xff",
    b"\t",
]
TARGETS = {
    "tar": Target(
        parsers.archive("a.tar.gz", lambda data: gzip.compress(data, 1)),
        parsers.tars,
        [b"\0" * 512, b"00000000001\0", b"x", b"g", b"L", b"S", b"30 path=a/", b"\n", b"../", b"7 a=b\n"],
    ),
    "tar.gz": Target(
        parsers.archive("a.tar.gz"),
        lambda: [gzip.compress(one) for one in parsers.tars()],
        [b"\x1f\x8b\x08", b"\0\0\0\0"],
    ),
    "zip": Target(
        parsers.archive("a.zip"),
        parsers.zips,
        [b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\7", b"\xff\xff", b"\0\0\0\0", b"../"],
    ),
    "dockerfile": Target(
        parsers.dockerfile,
        _files("examples/*/*.Dockerfile", "operator/Dockerfile", "build_job/Dockerfile"),
        DOCKER_WORDS,
    ),
    "dockerignore": Target(
        parsers.dockerignore,
        _files("examples/*/*.dockerignore"),
        [b"*", b"**", b"/", b"!", b"[", b"]", b"^", b"-", b"\\", b"\n", b"a", b"?", b"#", b".."],
    ),
    "git-pack": Target(
        parsers.git_pack, parsers.packs, [b"PACK\0\0\0\2", b"\0\0\0\1", b"\xff", b"x\x9c", b"\x80", b"\0"]
    ),
    "git-tree": Target(
        parsers.git_tree,
        lambda: [b"100644 a\0" + b"1" * 20 + b"40000 b\0" + b"2" * 20],
        [b"100644 ", b"40000 ", b"120000 ", b"160000 ", b"\0", b"1" * 20, b"2" * 20, b"..", b"/"],
    ),
    "pipeline-config": Target(
        parsers.pipeline_config,
        _files("examples/*/training/pipeline.config"),
        [b"model {", b"}", b"ssd {", b"num_classes: ", b"1", b'"', b"\n", b"#", b"<", b">", b"[", b"x: ", b"{"],
    ),
    "label-map": Target(
        parsers.label_map,
        _files("examples/*/training/*.pbtxt"),
        [b"item {", b"}", b"id: ", b"name: ", b"'", b'"', b"1", b"-", b"9" * 20, b"\\", b"\n", b"{"],
    ),
    "checkpoint-file": Target(
        parsers.state_file,
        lambda: [b'model_checkpoint_path: "model.ckpt-800"\nall_model_checkpoint_paths: "a"\n'],
        [b"model_checkpoint_path: ", b'"', b"\\", b"\n", b"/", b"..", b"{"],
    ),
    "checkpoint-index": Target(
        parsers.index, parsers.indexes, [b"\xff" * 9, b"\0", b"\x80", b"\x01", b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"]
    ),
    "termination-message": Target(
        parsers.report, parsers.reports, [*JSON_WORDS, b'"graph":', b'"digest":', b'"reason":']
    ),
    "kaniko-log": Target(
        parsers.kaniko,
        _files("tests/unit/operator/kaniko_logs/*.txt"),
        [
            b"error: ",
            b"http://a/v2/",
            b"/blobs/",
            b"DENIED",
            b" ",
            b"\n",
            b"waiting for process to exit: exit status ",
            b"1",
            b'time="" level=info msg="RUN ',
            b'"',
        ],
    ),
    "ufile-reply": Target(
        parsers.ufile,
        lambda: [
            b'{"RetCode": -148653, "ErrMsg": "bucket not exists"}',
            b'{"DataSet": [{"FileName": "a", "Size": 1}], "NextMarker": ""}',
        ],
        [*JSON_WORDS, b'"RetCode":', b'"ErrMsg":', b'"DataSet":'],
    ),
    "registry-reply": Target(
        parsers.registry,
        lambda: [
            b'{"errors": [{"code": "DENIED", "message": "m"}]}',
            b'{"layers": [{"digest": "sha256:1", "size": 3}], "config": {"size": 1}}',
            b'{"manifests": [{"platform": {"os": "linux", "architecture": "amd64"}, "digest": "d"}]}',
            b'{"config": {"Env": ["A=b"], "User": "u", "Shell": ["sh"], "OnBuild": ["RUN x"]}}',
        ],
        [*JSON_WORDS, b'"errors":', b'"layers":', b'"config":', b'"Env":', b'"size":', b'"manifests":', b'"platform":'],
    ),
    "token-server": Target(
        parsers.challenge,
        lambda: [
            b'Bearer realm="https://t.example/token",service="s",scope="a"',
            b'Basic realm="x", Bearer realm=y',
            b'{"token": "t", "expires_in": 300}',
        ],
        [*JSON_WORDS, b"Bearer ", b"Basic ", b"realm=", b"=", b", ", b'\\"', b"@", b"token"],
    ),
    "answer": Target(
        parsers.answer,
        lambda: [
            b'{"detections": [{"id": 1, "score": 0.5, "box": [0, 0, 1, 1]}]}',
            b"[[0.1, 0.2, 0.3, 0.4, u'cat']]",
            b"# HELP process_resident_memory_bytes m\nprocess_resident_memory_bytes 1.5e+08\n",
        ],
        [*JSON_WORDS, b"u'", b"(", b")", b"L", b"process_resident_memory_bytes ", b"\n"],
    ),
    "picture": Target(
        parsers.picture,
        parsers.pictures,
        [
            b"\xff\xd8",
            b"\xff\xda",
            b"IHDR",
            b"IDAT",
            b"\0\0\0\1",
            b"\xff\xff\xff\xff",
            b"Exif\0\0",
            b"II*\0",
            b"RIFF",
            b"GIF89a",
            b"\x2c",
        ],
    ),
    "request": Target(
        parsers.request,
        lambda: [
            b"POST /service HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
            b"GET /initialized HTTP/1.1\r\n\r\n",
            b"POST /service HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ],
        [
            b"\r\n",
            b"Content-Length: ",
            b"9" * 30,
            b"Transfer-Encoding: chunked\r\n",
            b"GET ",
            b"/metrics",
            b" HTTP/1.1",
            b"Expect: 100-continue\r\n",
            b":",
            b"\xc2\xb2",
            b"-1",
        ],
    ),
    "depot": Target(
        parsers.depot,
        lambda: [
            b"GET /v2/ HTTP/1.1\r\n\r\n",
            b"HEAD /v2/a/blobs/" + parsers.EMPTY.encode() + b" HTTP/1.1\r\n\r\n",
            b"POST /v2/a/blobs/uploads/?mount=" + parsers.EMPTY.encode() + b"&from=b HTTP/1.1\r\n\r\n",
            b"PUT /v2/a/manifests/latest HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
            b"PATCH /v2/a/blobs/uploads/"
            + b"0" * 32
            + b" HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ],
        [
            b"\r\n",
            b"Content-Length: ",
            b"Content-Type: ",
            b"Transfer-Encoding: chunked\r\n",
            b"GET ",
            b"PUT ",
            b" HTTP/1.1\r\n",
            b"/v2/a/blobs/uploads/",
            b"/v2/a/manifests/",
            b"//[",
            b"?digest=",
            b"%",
            b"-1",
            b"9" * 30,
        ],
        errors=(),
    ),
}
