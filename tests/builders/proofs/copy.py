"""COPY."""

from tests.builders.lab import File
from tests.builders.proofs.proof import Proof

PROOFS = {
    "COPY": Proof(
        'FROM <small>\nCOPY a /srv/x.f\nCOPY ["b.txt", "/with space/"]\nCOPY d /e/\nCOPY . /all/\n',
        files={"/srv/x.f": "A", "/with space/b.txt": "B", "/e/sub/y": "Y", "/all/a": "A", "/all/d/x": "X"},
        absent=("/all/.inference-image/line-2/0/a",),
    ),
    "COPY of a folder into an existing one": Proof(
        "FROM <system>\nRUN mkdir /srv/app && chown 5:60 /srv/app && chmod 750 /srv/app\n"
        "COPY --chown=0:0 d/ /srv/app/\nCOPY --chown=0:0 . /tmp\nCOPY --chown=7:8 d b.txt /new/er/\n",
        files={"/srv/app/x": "X", "/srv/app/sub/y": "Y", "/tmp/d/x": "X", "/new/er/b.txt": File("B", uid=7, gid=8)},
        folders={
            "/srv/app": (5, 60, 0o750), "/srv/app/sub": (0, 0, 0o755), "/tmp": (0, 0, 0o1777), "/tmp/d": (0, 0, 0o755),
            "/new/er": (7, 8, 0o755),
        },
        for_append=Proof("FROM <small>\nCOPY d /run/\n", files={"/run/x": "X"}, absent=("/run",)),
    ),
    "COPY --from of a folder into an existing one": Proof(
        "FROM <small> AS one\nCOPY --chown=7:8 d /d/\nFROM <system>\nRUN chmod 750 /srv\nCOPY --from=one /d/ /srv/\n",
        folders={"/srv": (0, 0, 0o750)},
    ),
    "COPY of a pattern": Proof(
        "FROM <small>\nCOPY none/*.md /n/\nCOPY *.txt none*.md /m/\nCOPY d/* /p/\n",
        files={"/m/b.txt": "B", "/p/x": "X", "/p/y": "Y"}, layers=2,
    ),
    "COPY with a heredoc": Proof(
        "FROM <small>\nARG V=1\nCOPY <<EOF b.txt <<-'RAW' /x/\n{\"v\": \"$V $FROM_BASE\"}\nEOF\n\t$V\n\tRAW\n"
        "COPY --chmod=755 <<EOF /run.sh\n#!/bin/sh\nEOF\nCOPY . /all/\n",
        files={
            "/x/EOF": '{"v": "1 base"}\n', "/x/RAW": "$V\n", "/x/b.txt": "B", "/run.sh": File("#!/bin/sh\n", 0o755),
            "/all/a": "A",
        },
        absent=("/all/.inference-image/line-3/0/b.txt",),
    ),
    "COPY to a folder that may be a link": Proof(
        "FROM <small>\nCOPY --chown=0:0 a /bin/tool\nCOPY --chown=0:0 a /var/run/app/c\n"
        "", files={"/usr/bin/tool": "A", "/run/app/c": "A"},
        absent=("/bin/tool", "/var/run/app/c"),
    ),
    "COPY --from": Proof(
        "FROM <small> AS One\nCOPY --chown=7:8 d /d/\nFROM <small>\nCOPY --from=one /d/sub /s\n"
        "COPY --from=0 /d/x /x\n"
        "COPY --from=<onbuild> /etc/group /g\n",
        files={"/s/y": File("Y", uid=7, gid=8), "/x": File("X", uid=7, gid=8)},
    ),
    "COPY --from of a link": Proof(
        "FROM <system> AS one\nRUN printf 1 > /real && ln -s real /link\nFROM <small>\nCOPY --from=one /link /x\n",
        files={"/x": "1"},
    ),
    "COPY --chown=UID:GID": Proof(
        "FROM <small>\nARG O=3:4\nCOPY --chown=$O a /x.f\nCOPY --chown=5 a /y.f\n",
        files={"/x.f": File("A", uid=3, gid=4), "/y.f": File("A", uid=5, gid=5)},
    ),
    "COPY --chown=NAME:GROUP": Proof(
        "FROM <small>\nCOPY --chown=games:www-data a /x.f\n", files={"/x.f": File("A", uid=5, gid=33)}
    ),
    "COPY --chown=NAME": Proof(
        "FROM <system> AS one\nRUN useradd --uid 1234 app\nFROM one\nENV O=app\nCOPY --chown=$O d /d/\n"
        "COPY --from=one --chown=games /etc/hostname /h\nCOPY --chown=games --exclude=*.key d . /all/\n",
        files={"/d/sub/y": File("Y", uid=1234, gid=1234), "/all/a": File("A", uid=5, gid=60)},
        folders={"/d": (1234, 1234, 0o755)}, absent=("/all/.inference-image/run", "/all/secret.key"),
        ended="FROM <system>\nCOPY --chown=sync a /x.f\nRUN true\n",
    ),
    "COPY --chown=NAME, no RUN": Proof(
        "FROM <small>\nCOPY --chown=games a /x.f\n", files={"/x.f": File("A", uid=5, gid=60)}
    ),
    "COPY --chmod=755": Proof("FROM <small>\nCOPY --chown=0:0 --chmod=755 d /d/\n"
    "", files={"/d/sub/y": File("Y", 0o755)}),
    "COPY --chmod=4755": Proof(
        "FROM <small>\nCOPY --chmod=4755 a /x.f\nCOPY --chmod=2755 d /d/\n",
        files={"/x.f": File("A", 0o4755), "/d/x": File("X", 0o2755)},
    ),
    "COPY --chmod=4755 --from": Proof(
        "FROM <small> AS one\nCOPY --chown=0:0 a /a\nFROM <small>\nCOPY --from=one --chmod=4755 /a /x\n",
        files={"/x": File("A", 0o4755)},
    ),
    "COPY --chmod=LETTERS": Proof(
        "FROM <small>\nCOPY --chmod=u=rwX,go=rX d /d/\nCOPY --chmod=+x,g-r a /x.f\n",
        files={"/d/x": File("X", 0o644), "/x.f": File("A", 0o715)},
    ),
    "COPY --chmod=LETTERS --from": Proof(
        "FROM <small> AS one\nCOPY --chown=0:0 a /a\nFROM <small>\nCOPY --from=one --chmod=u+x /a /x\n",
        files={"/x": File("A", 0o744)},
    ),
    "COPY --link": Proof("FROM <small>\nCOPY --chown=0:0 --link a /srv/x.f\n", files={"/srv/x.f": "A"}),
    "COPY --parents": Proof(
        "FROM <small>\nCOPY --parents d/sub/y b.txt /p/\nCOPY --parents d/./sub/** /q/\nCOPY --parents **/*.key /r\n",
        files={"/p/d/sub/y": "Y", "/p/b.txt": "B", "/q/sub/y": "Y", "/r/d/secret.key": "K"}, absent=("/p/d/x",),
    ),
    "COPY --parents --from": Proof(
        "FROM <small> AS one\nCOPY --chown=0:0 d /d/\nFROM <small>\nCOPY --from=one --parents /d/sub/y /p/\n",
        files={"/p/d/sub/y": "Y"},
    ),
    "COPY --exclude": Proof(
        "FROM <small>\nCOPY --exclude=*.key --exclude=sub d/ /d/\nCOPY --exclude=**/*.key . /all/\n",
        files={"/d/x": "X", "/all/d/x": "X", "/all/a": "A"},
        absent=("/d/secret.key", "/d/sub/y", "/all/d/secret.key"),
    ),
    "COPY --exclude --from": Proof(
        "FROM <small> AS one\nCOPY --chown=0:0 d /d/\nFROM <small>\nCOPY --from=one --exclude=*.key /d /p/\n",
        files={"/p/x": "X"}, absent=("/p/secret.key",),
    ),
}  # fmt: skip
