"""Forms in which people write Dockerfiles: both builders read them as `docker build` does."""

from tests.builders.lab import File
from tests.builders.proofs.proof import Proof

_PATH, _BASE = "PATH=/usr/bin:/bin", "FROM_BASE=base"
FORMS = {
    "CRLF": Proof(
        'FROM <small>\r\nENV A=1 \\\r\n  B=2\r\n# comment\r\nCOPY a /srv/\r\nCMD ["x"]\r\n',
        files={"/srv/a": "A"}, config={"Env": [_PATH, _BASE, "A=1", "B=2"], "Cmd": ["x"]},
    ),
    "CRLF heredoc": Proof(
        "FROM <small>\r\nCOPY <<EOF /x.txt\r\none\r\nEOF\r\nCOPY --exclude=*.key d /d/\r\nEXPOSE 80-81\r\n",
        files={"/x.txt": "one\r\n", "/d/x": "X"}, absent=("/d/secret.key",),
        config={"ExposedPorts": {"80/tcp": {}, "81/tcp": {}}},
    ),
    "byte order mark and directives": Proof(
        "\ufeff# syntax=docker/dockerfile:1.7-labs\n# check=skip=all\n\n# comment\nfrom <small>\ncopy a /srv/\n",
        files={"/srv/a": "A"},
    ),
    "comments and empty lines within an instruction": Proof(
        "FROM <small>\nCOPY \\\n # a comment\n  a \\\n\n  b.txt \\\n /srv/\nENV A=1 \\\n# comment\n  B=2\n",
        files={"/srv/a": "A", "/srv/b.txt": "B"}, config={"Env": [_PATH, _BASE, "A=1", "B=2"]},
    ),
    "escape=`": Proof(
        "# escape=`\nFROM <small>\nCOPY a `\n  b.txt /srv/\nENV A=1\n", files={"/srv/a": "A", "/srv/b.txt": "B"}
    ),
    "scratch": Proof(
        "FROM scratch\nCOPY a /srv/\nENV A=$PATH\n", files={"/srv/a": "A"},
        config={
            "Env": [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "A=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ]
        },
    ),
    "ARG in FROM": Proof(
        'ARG REGISTRY="<registry>"\nARG TAG=none\nARG IMAGE=${REGISTRY}/base/small:${TAG/none/1}\n'
            'FROM ${IMAGE:-x}\nCOPY a /srv/\n',
        files={"/srv/a": "A"},
    ),
    "JSON forms": Proof(
        'FROM <small>\nCOPY ["a", "/q  x/"]\nCOPY [ "d/x","./rel/" ]\nVOLUME ["/v 1"]\nSHELL [ "/bin/sh", "-ec" ]\n'
        'ENTRYPOINT [ "a b", "c" ]\nCMD ["d"]\n',
        files={"/q  x/a": "A", "/rel/x": "X"},
        config={"Entrypoint": ["a b", "c"], "Cmd": ["d"], "Volumes": {"/v 1": {}}, "Shell": ["/bin/sh", "-ec"]},
    ),
    "an invalid JSON array is a text for the shell": Proof(
        "FROM <small>\nCMD ['a', 'b']\n", config={"Cmd": ["/bin/sh", "-c", "['a', 'b']"]}
    ),
    "dot files": Proof(
        "FROM <small>\nCOPY .env .hidden/ /srv/\nCOPY .* /all/\n",
        files={"/srv/.env": "E", "/srv/h": "H", "/all/.env": "E"},
    ),
    "the whole context with a heredoc": Proof(
        "FROM <small>\nWORKDIR /app\nCOPY . .\nCOPY <<A .\nx\nA\nCOPY * ./flat/\n",
        files={"/app/a": "A", "/app/A": "x\n", "/app/.hidden/h": "H", "/app/flat/x": "X", "/app/flat/.env": "E"},
        absent=("/app/.inference-image/line-4/0/A", "/app/flat/line-4"),
    ),
    "relative folders": Proof(
        "FROM <small>\nWORKDIR srv\nWORKDIR ./app/\nCOPY a ../b.f\nCOPY a .\n"
        "", files={"/srv/b.f": "A", "/srv/app/a": "A"},
        config={"WorkingDir": "/srv/app"},
    ),
    "variables": Proof(
        "FROM <small>\nARG A=foo.tar.gz\n"
        "ENV B=${A%%.*} C=${A##*.} D=${A/tar/zip} E=${N:+x}y F=${N:-${A#foo.}} G=\\$A H='$A' I=\"${A}\"\n"
        "LABEL l.$A=$B\nCOPY b.${A:+txt} /srv/$B.txt\nUSER ${U:-1000}:${G1:-1000}\nSTOPSIGNAL ${S:-SIGTERM}\n",
        files={"/srv/foo.txt": "B"},
        config={
            "Env": [
                _PATH, _BASE, "B=foo", "C=gz", "D=foo.zip.gz", "E=y", "F=tar.gz", "G=$A", "H=$A", "I=foo.tar.gz",
            ],
            "Labels": {"l.foo.tar.gz": "foo"}, "User": "1000:1000", "StopSignal": "SIGTERM",
        },
    ),
    "owners and modes": Proof(
        "FROM <small>\nCOPY --chown=1000:1000 --chmod=0750 a /srv/\nCOPY --chmod=u+x,g=u --chown=7 b.txt /srv/\n",
        files={"/srv/a": File("A", 0o750, 1000, 1000), "/srv/b.txt": File("B", 0o774, 7, 7)},
    ),
    "names with special characters": Proof(
        'FROM <small>\nCOPY ["d[1]/$x y*.txt", "/srv/"]\nCOPY --exclude=nothing d[[]1]/ /t/\n',
        files={"/t/$x y*.txt": "S"},
    ),
    "health check": Proof(
        'FROM <small>\nHEALTHCHECK --interval=5m --timeout=3s \\\n  CMD ["curl", "-f"]\n',
        config={"Healthcheck": {"Test": ["CMD", "curl", "-f"], "Interval": 300 * 10**9, "Timeout": 3 * 10**9}},
    ),
}  # fmt: skip
