"""The instructions that change the configuration."""

from tests.builders.proofs.proof import Proof

SECOND = 10**9
PROOFS = {
    "ENV": Proof(
        'FROM <small>\nENV A="a b" B=\'$A\' \\\n  # a comment\n  C=$FROM_BASE\nENV OLD form  of it\n'
        'ENV PATH=/x:$PATH\n',
        config={"Env": ["PATH=/x:/usr/bin:/bin", "FROM_BASE=base", "A=a b", "B=$A", "C=base", "OLD=form  of it"]},
    ),
    "LABEL": Proof(
        'FROM <small>\nLABEL "a.b"="c d" e=\'f\' g=h\\ i\n', config={"Labels": {"a.b": "c d", "e": "f", "g": "h i"}}
    ),
    "MAINTAINER": Proof(
        'FROM <small>\nMAINTAINER Somebody "X" <x@example.com>\n',
        config={"Labels": {"org.opencontainers.image.authors": 'Somebody "X" <x@example.com>'}},
        for_append=Proof("FROM <small>\nMAINTAINER Somebody\n", top={"author": "Somebody"}),
    ),
    "EXPOSE": Proof(
        "FROM <small>\nARG P=9\nEXPOSE 80 53/udp $P\n"
        "", config={"ExposedPorts": {"80/tcp": {}, "53/udp": {}, "9/tcp": {}}}
    ),
    "EXPOSE of a range": Proof(
        "FROM <small>\nEXPOSE 80-82 90/UDP\n",
        config={"ExposedPorts": {"80/tcp": {}, "81/tcp": {}, "82/tcp": {}, "90/udp": {}}},
    ),
    "EXPOSE of sctp": Proof("FROM <small>\nEXPOSE 9/sctp\n", config={"ExposedPorts": {"9/sctp": {}}}),
    "WORKDIR": Proof(
        "FROM <small>\nWORKDIR /srv//app/\nWORKDIR ../other\nCOPY --chown=0:0 a x/\n", files={"/srv/other/x/a": "A"},
        config={"WorkingDir": "/srv/other"},
    ),
    "WORKDIR, USER is not root": Proof("FROM <small>\nUSER games\nWORKDIR /w/v\n"
        "", folders={"/w": (5, 60, 0o755), "/w/v": (5, 60, 0o755)}),
    "USER": Proof("FROM <small>\nUSER 1000:1000\n", config={"User": "1000:1000"}),
    "USER ${NAME:-DEFAULT}": Proof("FROM <small>\nUSER ${U:-1000}:${G:-1001}\n", config={"User": "1000:1001"}),
    "VOLUME": Proof(
        'FROM <system>\nARG V=/other\nVOLUME ["/data"]\nVOLUME $V\nRUN mkdir -p /data && printf 1 > /data/kept\n',
        files={"/data/kept": "1"}, config={"Volumes": {"/data": {}, "/other": {}}},
        for_append=Proof("FROM <small>\nVOLUME /data /x\n", config={"Volumes": {"/data": {}, "/x": {}}}),
    ),
    "STOPSIGNAL": Proof("FROM <small>\nSTOPSIGNAL SIGINT\n", config={"StopSignal": "SIGINT"}),
    "SHELL": Proof(
        'FROM <small>\nSHELL ["/bin/bash", "-c"]\nCMD run "it"\n',
        config={"Shell": ["/bin/bash", "-c"], "Cmd": ["/bin/bash", "-c", 'run "it"']},
    ),
    "CMD": Proof('FROM <small>\nCMD ["a", "$B"]\n', config={"Cmd": ["a", "$B"]}),
    "ENTRYPOINT": Proof(
        "FROM <small>\nENTRYPOINT exec  it\nCMD []\n"
        "", config={"Entrypoint": ["/bin/sh", "-c", "exec  it"], "Cmd": None}
    ),
    "HEALTHCHECK": Proof("FROM <small>\nHEALTHCHECK NONE\n", config={"Healthcheck": {"Test": ["NONE"]}}),
    **{
        f"HEALTHCHECK --{flag}": Proof(
            f"FROM <small>\nHEALTHCHECK --{flag}={value} CMD x\n",
            config={"Healthcheck": {"Test": ["CMD-SHELL", "x"], name: wanted}},
        )
        for flag, name, value, wanted in (
            ("interval", "Interval", "1m", 60 * SECOND),
            ("timeout", "Timeout", "5s", 5 * SECOND),
            ("start-period", "StartPeriod", "2s", 2 * SECOND),
            ("start-interval", "StartInterval", "3s", 3 * SECOND),
            ("retries", "Retries", "4", 4),
        )
    },
}  # fmt: skip
