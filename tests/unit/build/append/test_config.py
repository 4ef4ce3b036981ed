"""What each instruction does to an image's configuration, by BuildKit's rules."""

import pytest

from inference_image_build.append.plan import Options, make
from inference_image_build.builders import base_settings, check
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BASE = {
    "Env": ["PATH=/bin", "HOME=/root"],
    "Cmd": ["base"],
    "Entrypoint": ["/init"],
    "User": "65532",
    "WorkingDir": "/srv",
    "Labels": {"a": "1"},
    "ExposedPorts": {"80/tcp": {}},
    "Volumes": {"/data": {}},
}


def plan(lines: str, tmp_path, base=BASE, **args: str):
    return made(f"FROM base\n{lines}\n", tmp_path, base, Options({}, ""), **args)


def made(text: str, tmp_path, base, options: Options, **args: str):
    settings = {"base": base_settings.of({"config": base})}
    return make(check.read(text.encode(), "Dockerfile", args, settings), base, tmp_path, "Dockerfile", options)


@pytest.mark.parametrize(
    ("lines", "changed"),
    [
        ("ENV A=1", {"Env": ["PATH=/bin", "HOME=/root", "A=1"]}),
        ("ENV HOME=/h A=$HOME", {"Env": ["PATH=/bin", "HOME=/h", "A=/root"]}),
        ("ENV PATH=/ai:$PATH", {"Env": ["PATH=/ai:/bin", "HOME=/root"]}),
        ("ENV OLD some  value", {"Env": ["PATH=/bin", "HOME=/root", "OLD=some  value"]}),
        ("ENV A=\"it's $HOME\" B='$HOME'", {"Env": ["PATH=/bin", "HOME=/root", "A=it's /root", "B=$HOME"]}),
        (r'ENV A="a\nb\"" B=a\ b', {"Env": ["PATH=/bin", "HOME=/root", r'A=a\nb"', "B=a b"]}),
        ("ENV A=\n", {"Env": ["PATH=/bin", "HOME=/root", "A="]}),
        ("ARG A=1\nENV B=$A", {"Env": ["PATH=/bin", "HOME=/root", "B=1"]}),
        ("ARG GIVEN=1\nENV B=$GIVEN", {"Env": ["PATH=/bin", "HOME=/root", "B=given"]}),
        ("ENV B=$GIVEN", {"Env": ["PATH=/bin", "HOME=/root", "B="]}),
        ("ARG HOME=/arg\nENV B=$HOME", {"Env": ["PATH=/bin", "HOME=/root", "B=/arg"]}),
        ("ARG TARGETARCH\nENV B=$TARGETARCH", {"Env": ["PATH=/bin", "HOME=/root", "B=amd64"]}),
        ("ENV B=$TARGETARCH", {"Env": ["PATH=/bin", "HOME=/root", "B="]}),
        ("ARG TARGETARCH=arm64\nENV B=$TARGETARCH", {"Env": ["PATH=/bin", "HOME=/root", "B=arm64"]}),
        ("ARG A=1 B=$A\nENV C=$B", {"Env": ["PATH=/bin", "HOME=/root", "C=1"]}),
        ('LABEL b="2 3" c=$HOME', {"Labels": {"a": "1", "b": "2 3", "c": "/root"}}),
        ("LABEL a=2", {"Labels": {"a": "2"}}),
        ("EXPOSE 8080 53/udp", {"ExposedPorts": {"80/tcp": {}, "8080/tcp": {}, "53/udp": {}}}),
        ("EXPOSE 8000-8002/UDP", {"ExposedPorts": {"80/tcp": {}, "8000/udp": {}, "8001/udp": {}, "8002/udp": {}}}),
        ("EXPOSE 127.0.0.1:8081:90", {"ExposedPorts": {"80/tcp": {}, "90/tcp": {}}}),
        ("ONBUILD RUN make  it", {"OnBuild": ["RUN make  it"]}),
        ("WORKDIR /ai", {"WorkingDir": "/ai"}),
        ("WORKDIR code/../x", {"WorkingDir": "/srv/x"}),
        ("WORKDIR /a//b/", {"WorkingDir": "/a/b"}),
        ("USER 1000:1000", {"User": "1000:1000"}),
        ("ARG U=7\nUSER $U", {"User": "7"}),
        ("VOLUME /x /y", {"Volumes": {"/data": {}, "/x": {}, "/y": {}}}),
        ('VOLUME ["/x y"]', {"Volumes": {"/data": {}, "/x y": {}}}),
        ("STOPSIGNAL SIGINT", {"StopSignal": "SIGINT"}),
        ("STOPSIGNAL 9", {"StopSignal": "9"}),
        ('CMD ["a", "$HOME"]', {"Cmd": ["a", "$HOME"]}),
        ('CMD run "it"  now', {"Cmd": ["/bin/sh", "-c", 'run "it"  now']}),
        ('SHELL ["/bin/bash", "-ec"]\nCMD run', {"Shell": ["/bin/bash", "-ec"], "Cmd": ["/bin/bash", "-ec", "run"]}),
        ('ENTRYPOINT ["/x"]', {"Entrypoint": ["/x"], "Cmd": None}),
        ('CMD ["c"]\nENTRYPOINT ["/x"]', {"Entrypoint": ["/x"], "Cmd": ["c"]}),
        ("HEALTHCHECK NONE", {"Healthcheck": {"Test": ["NONE"]}}),
        (
            "HEALTHCHECK --interval=1m30s --timeout=500ms --retries=3 CMD curl  -f x",
            {
                "Healthcheck": {
                    "Test": ["CMD-SHELL", "curl  -f x"],
                    "Interval": 90 * 10**9,
                    "Timeout": 5 * 10**8,
                    "Retries": 3,
                }
            },
        ),
        ("HEALTHCHECK --interval=.5s CMD x", {"Healthcheck": {"Test": ["CMD-SHELL", "x"], "Interval": 5 * 10**8}}),
        ('HEALTHCHECK CMD ["a", "b"]', {"Healthcheck": {"Test": ["CMD", "a", "b"]}}),
    ],
)
def test_an_instruction_changes_only_this(lines, changed, tmp_path):
    found = plan(lines, tmp_path, GIVEN="given").config
    assert found == {key: value for key, value in (BASE | changed).items() if value is not None}


def test_an_arg_before_from_is_a_default(tmp_path):
    text = "ARG V=1\nARG W=$V.0\nFROM base\nARG W\nENV A=$W B=$V\n"
    found = made(text, tmp_path, {"Env": ["P=1"]}, Options({}, ""))
    assert found.config["Env"] == ["P=1", "A=1.0", "B="]


@pytest.mark.parametrize("base", [{}, {"Env": None}])
def test_an_image_without_an_environment_gets_kanikos_path(base, tmp_path):
    assert plan("ENV A=1", tmp_path, base).config == {"Env": [PATH, "A=1"]}


def test_labels_of_build_base_and_dockerfile_are_merged(tmp_path):
    found = made("FROM base\nLABEL b=2 own=theirs\n", tmp_path, BASE, Options({"own": "ours", "c": "3"}, ""))
    assert found.config["Labels"] == {"a": "1", "b": "2", "c": "3", "own": "theirs"}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("EXPOSE 80/icmp", "protocol 'icmp'"),
        ("ENV A=${B!x}", "a substitution"),
        ("COPY missing /x/", "the source has no missing"),
        ("COPY ../secret /x/", "leads out of the build context"),
    ],
)
def test_an_error_names_its_line(lines, message, tmp_path):
    with pytest.raises(StageError, match=message) as caught:
        plan(f"ENV A=1\n{lines}", tmp_path)
    assert caught.value.reason == Reason.DOCKERFILE_INVALID
    assert "Dockerfile, line 3: " in caught.value.message
    assert "requestedAt" in caught.value.hint
