"""The append builder makes the same image as Kaniko: compares settings and files with the real executor.

Needs root, for Kaniko's own root file system; no cluster.
"""

import io
import json
import secrets
from pathlib import Path

import pytest

from bench.builders import programs
from bench.builders.programs import Target
from bench.builders.site import Site
from devcluster.settings import REPOSITORY
from inference_image_build.builders import base_settings, check
from inference_image_build.builders.kaniko import rewrite
from inference_image_build.registry.references import parse as reference
from tests.support.flat_image import Flat

FILES = {
    "code/infer.py": "print(1)\n",
    "code/checkpoint_dir/graph.pb": "weights",
    "code/sub/deep/module.py": "x = 1\n",
    "object-detect.conf": "{}\n",
    "run.sh": "#!/bin/sh\n",
    "a b.txt": "space\n",
}
TUTORIAL = (REPOSITORY / "examples/tutorial/object-detect-cpu.Dockerfile").read_text().partition("\n")[2]
"""All instructions but FROM."""
EXAMPLE = """\
EXPOSE 8080
ENV UAI_SERVICE_CONFIG=/ai/conf.json
COPY code/ /ai/
COPY object-detect.conf /ai/conf.json
WORKDIR /ai
CMD ["python3", "-m", "inference_server"]
"""
SETTINGS = r"""
ARG VERSION=1.0
ARG PORT
ENV A="it's $VERSION" B='$VERSION' C=a\ b D="q\"$A"
ENV PATH=/ai/bin:$PATH
ENV OLD form  of it
ENV PYTHONPATH /srv/:$PYTHONPATH
LABEL version="$VERSION" "quoted.name"=x plain=$A
EXPOSE 80 53/udp $PORT
USER 1000:$VERSION
USER 1000:1000
VOLUME /data /other
WORKDIR /srv
WORKDIR deeper/still
STOPSIGNAL SIGINT
SHELL ["/bin/bash", "-ec"]
HEALTHCHECK --interval=1m30s --timeout=5s --retries=3 CMD curl  -f http://localhost
ENTRYPOINT exec  server "$A"
"""
COPIES = """\
WORKDIR /srv
COPY code/*.py ./
COPY code/sub code/checkpoint_dir /many/
COPY run.sh /usr/local/bin/run.sh
COPY --chmod=755 run.sh /opt/bin/
COPY --chown=1000:1001 code /home/app/
COPY ["a b.txt", "/with space/"]
ADD [^r]*.conf /conf/
COPY . /all/
COPY code/infer.py /all/object-detect.conf
"""
CASES = {
    "the tutorial's": TUTORIAL,
    "the example's": EXAMPLE,
    "settings": SETTINGS,
    "copies": COPIES,
    "only a command": "CMD run it\n",
    "an entry point takes the base's command away": 'ENTRYPOINT ["/x"]\n',
    "no health check": "HEALTHCHECK NONE\n",
}


@pytest.mark.parametrize("lines", CASES.values(), ids=CASES.keys())
def test_both_builders_make_the_same_image(place, tmp_path, lines):
    workspace = tmp_path / "workspace"
    _write(workspace / "context")
    text = f"FROM {place.base}\n{lines}"
    (workspace / "Dockerfile").write_text(text)
    path = f"test/{secrets.token_hex(4)}"
    programs.append(workspace, Target(f"{place.host}/{path}-append", "t"))
    made = _for_kaniko(place, text, workspace / "context")
    (workspace / "Dockerfile").write_text(made.dockerfile)
    (workspace / "Dockerfile.dockerignore").write_text(made.ignore)
    programs.kaniko(workspace, Target(f"{place.host}/{path}-kaniko", "t"))
    append, kaniko = (_image(place, f"{path}-{name}") for name in ("append", "kaniko"))
    assert append.settings == kaniko.settings
    assert append.files == kaniko.files
    assert append.folders == kaniko.folders - kaniko.declared_only
    assert append.media_types == kaniko.media_types


def _for_kaniko(place: Site, text: str, context: Path) -> rewrite.Rewritten:
    """What `assemble` writes for Kaniko."""
    base = reference(place.base)
    registry = place.registry()
    settings = base_settings.of(registry.config(base, registry.manifest(base, base.digest)))
    return rewrite.rewrite(check.read(text.encode(), "Dockerfile", {}, {place.base: settings}), text, {}, context)


def _write(context: Path) -> None:
    for name, text in FILES.items():
        path = context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o644)
    (context / "run.sh").chmod(0o755)
    for path in context.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)


def _image(place: Site, path: str) -> Flat:
    manifest = place.registry().manifest(place.image(path), "t")
    assert manifest is not None
    return Flat(json.loads(manifest.data), lambda digest: io.BytesIO(place.blob(path, digest)))
