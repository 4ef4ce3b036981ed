"""FROM, ARG and the lines above them."""

from tests.builders.proofs.proof import Proof

PROOFS = {
    "FROM": Proof("ARG TAG=1\nfrom <small>\nLABEL a=b\n", config={"Labels": {"a": "b"}}, layers=0),
    "FROM, several": Proof(
        "FROM <small> AS first\nCOPY --chown=0:0 a /a\nCOPY --chown=0:0 b.txt /b\nFROM <small>\n"
        "COPY --from=0 /b /c\nFROM first\n"
        "COPY --from=1 /c /d\n",
        files={"/a": "A", "/b": "B", "/d": "B"}, absent=("/c",),
    ),
    "FROM, a stage that nothing needs": Proof(
        "FROM <system> AS test\nRUN false\nFROM <small> AS one\nCOPY --chown=0:0 a /a\nFROM <small>\n"
        "COPY --from=1 /a /x\n",
        files={"/x": "A"},
        for_append=Proof("FROM <system> AS test\nRUN false\nFROM <small>\nCOPY a /srv/\n", files={"/srv/a": "A"}),
    ),
    "ARG TARGETARCH in FROM": Proof(
        "ARG A=$TARGETARCH-x\nARG B=small\nFROM <registry>/base/${B}:1\nARG A\nENV C=$A\n",
        config={"Env": ["PATH=/usr/bin:/bin", "FROM_BASE=base", "C=amd64-x"]},
    ),
    "FROM --platform": Proof("FROM --platform=$BUILDPLATFORM <small>\n", top={"architecture": "amd64"}),
    "FROM --platform=OTHER": Proof("FROM --platform=linux/arm64 <small>\n", top={"architecture": "arm64"}),
    "# syntax=OTHER": Proof("# syntax=example/other:1\nFROM <small>\n", unseen="another program reads the file"),
    "# escape=`, escapes in words": Proof(
        "# escape=`\nFROM <small>\nENV A=x\\y B=`$C\n"
            "", config={"Env": ["PATH=/usr/bin:/bin", "FROM_BASE=base", "A=x\\y", "B=$C"]}
    ),
    "ARG": Proof(
        "ARG V=1\nFROM <small>\nARG V\nARG W=${V:-0}.${V:+5} X=\n"
            "ENV A=$V B=$W C=${NONE-c} D=${FROM_BASE#ba} E=${W/./-}\n",
        config={"Env": ["PATH=/usr/bin:/bin", "FROM_BASE=base", "A=1", "B=1.5", "C=c", "D=se", "E=1-5"]},
    ),
    "ARG TARGETARCH": Proof(
        "FROM <small>\nARG TARGETARCH\nARG TARGETOS=other TARGETVARIANT\n"
        "COPY bin/${TARGETARCH}/tool /t-$TARGETOS$TARGETVARIANT.f\n",
        files={"/t-other.f": "T"},
    ),
    "ARG of an earlier stage": Proof(
        'FROM <small> AS x\nARG V=1\nLABEL a=$V\nFROM <system>\nCOPY --from=x /etc/group /g\n'
        'RUN printf "${V:-none}" > /v\n',
        files={"/v": "none"},
    ),
    "ARG after ENV of the same name": Proof("FROM <small>\nENV V=1\nARG V=2\nCOPY --chown=0:0 a /v$V.f\n"
        "", files={"/v2.f": "A"}),
    "ONBUILD": Proof("FROM <small>\nONBUILD RUN make  it\n", config={"OnBuild": ["RUN make  it"]}),
    "ONBUILD with a heredoc": Proof(
        "FROM <small>\nONBUILD RUN <<EOF\nmake it\nEOF\n", config={"OnBuild": ["RUN <<EOF\nmake it\nEOF"]}
    ),
    "ONBUILD of the base": Proof(
        "FROM <onbuild>\n",
        config={"Env": ["PATH=/usr/bin:/bin", "FROM_BASE=base", "TRIGGERED=1"], "OnBuild": None},
    ),
}  # fmt: skip
