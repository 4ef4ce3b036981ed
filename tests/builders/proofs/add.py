"""ADD."""

from tests.builders.lab import File
from tests.builders.proofs.proof import Proof

PROOFS = {
    "ADD": Proof(
        "FROM <small>\nADD a /srv/x.f\nADD d /e/\nADD plain.gz /p/\n", files={"/srv/x.f": "A", "/e/sub/y": "Y"}
    ),
    "ADD of a pattern": Proof("FROM <small>\nADD none/*.md /n/\nADD *.txt /m/\n", files={"/m/b.txt": "B"}, layers=1),
    "ADD with a heredoc": Proof("FROM <small>\nADD <<EOF /x.json\n{}\nEOF\n", files={"/x.json": "{}\n"}),
    "ADD to a folder that may be a link": Proof("FROM <small>\nADD --chown=0:0 a /bin/tool\n"
        "", files={"/usr/bin/tool": "A"}),
    "ADD of an archive": Proof(
        "FROM <small>\nADD data.tar.gz /g/\nADD data.tar.bz2 /b\nADD data.tar /t/\n",
        files={f"/{name}/inside": File("I", uid=7, gid=8) for name in ("g", "b", "t")},
    ),
    "ADD of an archive (xz)": Proof("FROM <small>\nADD data.tar.xz a /x/\n"
        "", files={"/x/inside": File("I", uid=7, gid=8), "/x/a": "A"}),
    "ADD of an archive (zstd)": Proof("FROM <small>\nADD data.tar.zst /x/\n", files={"/x/data.tar.zst": "there"}),
    "ADD of an archive with --chown": Proof(
        "FROM <small>\nADD --chown=3:4 data.tar.gz /g/\n", files={"/g/inside": File("I", uid=3, gid=4)}
    ),
    "ADD of a URL": Proof("FROM <small>\nADD <url>/x.html /x/\n", files={"/x/x.html": File("page", 0o600)}),
    "ADD of a URL, unpacked": Proof(
        "FROM <small>\nADD --unpack=true <url>/data.tar /x/\n", files={"/x/inside": File("I", uid=7, gid=8)}
    ),
    "ADD of a Git repository": Proof("FROM <small>\nADD <url>/repository.git /x/\n", absent=("/x/repository.git",)),
    "ADD --chown=UID:GID": Proof("FROM <small>\nADD --chown=3:4 a /x.f\n", files={"/x.f": File("A", uid=3, gid=4)}),
    "ADD --chown=NAME:GROUP": Proof(
        "FROM <small>\nADD --chown=games:www-data a /x.f\n", files={"/x.f": File("A", uid=5, gid=33)}
    ),
    "ADD --chown=NAME": Proof(
        "FROM <system>\nADD --chown=games a /x.f\nRUN true\n", files={"/x.f": File("A", uid=5, gid=60)},
        ended="FROM <system>\nADD --chown=sync a /x.f\nRUN true\n",
    ),
    "ADD --chown=NAME, no RUN": Proof(
        "FROM <small>\nADD --chown=games a /x.f\n", files={"/x.f": File("A", uid=5, gid=60)}
    ),
    "ADD --chmod=755": Proof("FROM <small>\nADD --chown=0:0 --chmod=755 a /x.f\n", files={"/x.f": File("A", 0o755)}),
    "ADD --chmod=4755": Proof("FROM <small>\nADD --chmod=4755 a /x.f\n", files={"/x.f": File("A", 0o4755)}),
    "ADD --chmod=LETTERS": Proof("FROM <small>\nADD --chmod=a+x a /x.f\n", files={"/x.f": File("A", 0o755)}),
    "ADD --link": Proof("FROM <small>\nADD --chown=0:0 --link a /srv/x.f\n", files={"/srv/x.f": "A"}),
    "ADD --exclude": Proof(
        "FROM <small>\nADD --exclude=*.key d /d/\n", files={"/d/x": "X"}, absent=("/d/secret.key",)
    ),
    "ADD --checksum": Proof(
        f"FROM <small>\nADD --checksum=sha256:{'0' * 64} <url>/x.html /x/\n", absent=("/x/x.html",)
    ),
    "ADD --keep-git-dir": Proof(
        "FROM <small>\nADD --keep-git-dir=true <url>/repository.git /x/\n", absent=("/x/repository.git",)
    ),
    "ADD --unpack=true": Proof("FROM <small>\nADD --chown=0:0 --unpack=true a /x.f\n", files={"/x.f": "A"}),
    "ADD --unpack=false": Proof("FROM <small>\nADD --unpack=false data.tar.gz /x/\n"
        "", absent=("/x/inside",), layers=1),
}  # fmt: skip
