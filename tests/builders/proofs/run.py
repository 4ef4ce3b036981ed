"""RUN."""

from tests.builders.lab import File
from tests.builders.proofs.proof import Proof

_MOUNTED = "FROM <system>\nRUN --mount=type={0} {1}\n"
_REACHED = (
    "FROM <system>\nRUN --network={0} python3 -c \"import urllib.request as u; open('/net', 'w').write("
    "u.urlopen('<url>').read().decode())\" || printf none > /net\n"
)
PROOFS = {
    "RUN": Proof(
        'FROM <system>\nARG V=1\nRUN printf "$V$HOME" > /x && \\\n # a comment\n'
        " mkdir -p /var/run/app && printf 2 > /var/run/app/y\n",
        files={"/x": "1/root", "/run/app/y": "2"},
    ),
    "RUN with a JSON array": Proof('FROM <system>\nRUN ["touch", "/$X"]\n', files={"/$X": ""}),
    "RUN with a heredoc": Proof(
        'FROM <system>\nENV A=1\nRUN <<EOF\nset -e\nprintf "$A" > /x\nfalse || printf 2 > /y\nEOF\n'
        "RUN python3 <<EOF > /z\nprint('3', end='')\nEOF\n"
        "RUN <<'SCRIPT'\n#!/usr/bin/env python3\nprint('4', end='', file=open('/w', 'w'))\nSCRIPT\n"
        "RUN cat <<-A > /v && cat <<B >> /v\n\t5\n\tA\n6\nB\n",
        files={"/x": "1", "/y": "2", "/z": "3", "/w": "4", "/v": "5\n6\n"},
    ),
    "RUN as USER with a group": Proof(
        'FROM <system>\nARG G=games\nUSER games:$G\nRUN printf "$0" > /tmp/x\nUSER 1234:1234\n'
        'RUN ["cp", "/tmp/x", "/tmp/y"]\nUSER www-data:33\nRUN <<EOF\nprintf 3 > /tmp/z\nEOF\n',
        files={
            "/tmp/x": File("/bin/sh", uid=5, gid=60), "/tmp/y": File("/bin/sh", uid=1234, gid=1234),
            "/tmp/z": File("3", uid=33, gid=33),
        },
        ended="FROM <system>\nUSER games:www-data\nRUN printf 1 > /tmp/x\n",
    ),
    "RUN as USER with a number alone": Proof(
        "FROM <system>\nRUN useradd --uid 1234 --gid games --create-home app\nUSER 1234\n"
        'RUN printf "$HOME" > /tmp/x\nCOPY . /all/\n',
        files={"/tmp/x": File("/home/app", uid=1234, gid=60), "/all/a": "A"},
        absent=("/all/.inference-image/run",),
        ended="FROM <system>\nUSER 1234\nRUN printf 1 > /tmp/x\n",
    ),
    "RUN --mount=type=bind": Proof(
        "FROM <system>\nWORKDIR /srv/app\n"
        "RUN --mount=type=bind,source=a,target=a --mount=source=d,target=/deep/er/d cat a /deep/er/d/sub/y > /x\n"
        "RUN --mount=type=bind,src=b.txt,dst=/etc/hostname.d/b ! false && test -f /etc/hostname.d/b\n",
        files={"/x": "AY"}, absent=("/srv/app/a", "/deep", "/etc/hostname.d"),
    ),
    "RUN --mount=type=bind of the whole context": Proof(
        _MOUNTED.format("bind,target=/m", "cat /m/a > /x"), files={"/x": "A"}
    ),
    "RUN --mount=type=bind,from=STAGE": Proof(
        "FROM <small> AS one\nCOPY --chown=0:0 a /a\nFROM <system>\n"
        "RUN --mount=from=one,source=/a,target=/m/a cat /m/a > /x\n",
        files={"/x": "A"},
    ),
    "RUN --mount=type=cache": Proof(
        "FROM <system>\nRUN mkdir -p /m/old && printf 1 > /m/old/f\n"
        "RUN --mount=type=cache,target=/m,id=x,sharing=locked --mount=type=cache,target=/new/er/m,mode=0700,uid=5 \\\n"
        "  printf 2 > /m/kept && printf 3 > /new/er/m/kept && printf 4 > /new/f && stat -c %a%u /new/er/m > /x && \\\n"
        "  test ! -e /m/old\n"
        'RUN --mount=type=cache,target=/m ["cp", "/etc/hostname", "/y"]\n'
        "RUN --mount=type=cache,target=/m <<EOF\ntest ! -e /m/kept\ncat /new/f > /z\nEOF\n",
        files={"/m/old/f": "1", "/x": "7005\n", "/new/f": "4", "/z": "4"},
        absent=("/m/kept", "/new/er", "/m.inference-image-aside"),
    ),
    "RUN --mount=type=cache,from=STAGE": Proof(
        "FROM <small> AS one\nCOPY --chown=0:0 a /c/a\nFROM <system>\n"
        "RUN --mount=type=cache,from=one,source=/c,target=/m cat /m/a > /x\n",
        files={"/x": "A"},
    ),
    "RUN --mount=type=tmpfs": Proof(
        _MOUNTED.format("tmpfs,target=/m,size=1m", "mkdir -p /m && printf 1 > /m/kept && cat /m/kept > /x"),
        files={"/x": "1"}, absent=("/m/kept",),
    ),
    "RUN --mount, USER is not root": Proof(
        "FROM <system>\nUSER games:games\nRUN --mount=type=cache,target=/m,mode=0777 touch /m/kept && touch /tmp/x\n",
        files={"/tmp/x": File("", uid=5, gid=60)},
    ),
    "RUN --mount=type=secret": Proof(
        _MOUNTED.format("secret,id=t,required=true", "cat /run/secrets/t > /x"), files={"/x": "secret"}
    ),
    "RUN --mount=type=ssh": Proof(_MOUNTED.format("ssh", 'test -S "$SSH_AUTH_SOCK" && touch /x'), files={"/x": ""}),
    "RUN --network=default": Proof(_REACHED.format("default"), files={"/net": "page"}),
    "RUN --network=none": Proof(_REACHED.format("none"), files={"/net": "none"}),
    "RUN --network=host": Proof(_REACHED.format("host"), unseen="the network of a pod differs from its node's"),
    "RUN --security=sandbox": Proof("FROM <system>\nRUN --security=sandbox printf 1 > /x\n", files={"/x": "1"}),
    "RUN --security=insecure": Proof("FROM <system>\nRUN --security=insecure true\n", unseen="a pod's capabilities"),
    "RUN --device": Proof("FROM <system>\nRUN --device=example.com/d=x true\n", unseen="there is no device"),
}  # fmt: skip
