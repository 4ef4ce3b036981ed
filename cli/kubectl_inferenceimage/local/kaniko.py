"""Runs Kaniko outside a cluster: in docker or podman, through kaniko-wrapper in a separate process."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from inference_image_contract import paths
from inference_image_contract.hints import explanation
from inference_image_contract.redact import redact
from inference_image_operator.diagnosis import kaniko_log
from inference_image_operator.jobs.stages.kaniko import CAPABILITIES
from kubectl_inferenceimage.errors import CommandError
from kubectl_inferenceimage.local import engine
from kubectl_inferenceimage.local.logins import Engine

WRAPPER = "kaniko_wrapper.kaniko_wrapper"
TAR = "image.tar"
SERVICE = "image"
"""The one service of the compose file."""
_COMPOSE = "compose.yaml"
_WRAPPER_TARGET = "/workspace"
_TAIL_LINES = 100
_ENGINE_FAILED = re.compile(r"exited with code 12[567]\b")
"""Exit codes of docker and podman when the container never ran; Kaniko exits with 1."""
_SET_BY_COMPOSE = ("--build-arg=", "--destination=")
_NOT_IN_THE_CLUSTER = ("--use-new-run=false", "--cleanup=false")
"""Reverts options that kaniko-wrapper always sets and the Jobs never do."""
_RIGHTS = ("--cap-drop=ALL", *(f"--cap-add={name}" for name in CAPABILITIES), "--security-opt=no-new-privileges")
"""The same rights as a Job's container."""


class Build(NamedTuple):
    """One build."""

    work: Path
    """Contains `context/` and `Dockerfile`, like the workspace of the Job; receives the digest and the image."""
    scratch: Path
    """A folder for this build's own files."""
    home: Path
    """A folder with `.docker/config.json`, the registry logins."""
    ca: Path | None
    """The custom CA of the registry."""
    arguments: Sequence[str]
    """Kaniko's arguments from the operator."""
    image: str
    """`repository:tag`"""
    build_args: Mapping[str, str]
    engine: Engine
    executor: str
    push: bool
    secrets: Collection[str]
    """Values that must not be printed."""


def run(build: Build) -> None:
    """Builds the image; streams Kaniko's log to standard error.

    Afterwards `work` contains `digest` and, unless it was pushed, the image as `image.tar`. Raises CommandError.
    """
    program = shutil.which(build.engine)
    if program is None:
        raise CommandError(f"{build.engine} is not on PATH: install it, or choose another --engine.")
    if importlib.util.find_spec("kaniko_wrapper") is None:
        raise CommandError("kaniko-wrapper is not installed: install this package with the extra `cli`.")
    (build.scratch / _COMPOSE).write_text(yaml.safe_dump(compose(build)), encoding="utf-8")
    shims = _write_shim(build, program)
    tail = _follow(command(build), _environment(build, shims), build)
    if tail is None:
        return
    text = "\n".join(tail)
    if _ENGINE_FAILED.search(text):
        words = next((line for line in reversed(tail) if line.startswith(("Error", build.engine))), tail[-1])
        raise CommandError(f"{build.engine} could not run Kaniko: {words}")
    found = kaniko_log.diagnose(text)
    raise CommandError(f"{found.reason}: {explanation(found.message, found.hint)}")


def compose(build: Build) -> dict[str, object]:
    """The compose file: context, Dockerfile, image name and build arguments. The wrapper logs all of it."""
    settings = {"context": str(build.work), "dockerfile": "Dockerfile", "args": dict(build.build_args)}
    return {"services": {SERVICE: {"image": build.image, "build": settings}}}


def command(build: Build) -> list[str]:
    """The wrapper's command line: does not squash layers, and streams Kaniko's log."""
    return [
        *(sys.executable, "-P", "-m", WRAPPER, f"--compose-file={build.scratch / _COMPOSE}"),
        *(f"--kaniko-image={build.executor}", f"--engine={build.engine}", "--no-squash", "--log-level=DEBUG"),
        "--push" if build.push else "--no-push",
    ]


def plan(build: Build, program: str) -> engine.Plan:
    """Additions to the wrapper's command line, so that Kaniko gets the same arguments as from the operator."""
    arguments = list(build.arguments)
    if build.push:
        arguments = [word for word in arguments if not word.startswith(_SET_BY_COMPOSE)]
    else:
        arguments = [word for word in arguments if not word.startswith("--build-arg=")]
        arguments.append(f"--tar-path={paths.WORKSPACE}/{TAR}")
    ca = [f"--volume={build.ca.absolute()}:{paths.REGISTRY_CA}:ro"] if build.ca else []
    return engine.Plan(
        program=program,
        home=str(Path.home()),
        mount=f"{build.work}:{_WRAPPER_TARGET}",
        mount_as=f"{build.work}:{paths.WORKSPACE}",
        options=[*_RIGHTS, *ca],
        arguments=[*_NOT_IN_THE_CLUSTER, *arguments],
    )


def _write_shim(build: Build, program: str) -> Path:
    """Writes a folder with a script of the engine's name, to put first on PATH."""
    folder = build.scratch / "bin"
    folder.mkdir()
    plan_file = build.scratch / "engine.json"
    plan_file.write_text(json.dumps(plan(build, program)), encoding="utf-8")
    words = shlex.join([sys.executable, "-I", str(Path(engine.__file__)), str(plan_file)])
    shim = folder / build.engine
    shim.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    shim.chmod(0o700)
    return folder


def _environment(build: Build, shims: Path) -> dict[str, str]:
    """The wrapper's environment: without the UFile keys; HOME has the logins; log lines are bare messages."""
    kept = {name: value for name, value in os.environ.items() if name not in paths.UFILE_KEY_ENVS}
    return {
        **kept,
        "PATH": f"{shims}{os.pathsep}{os.environ.get('PATH', '')}",
        "HOME": str(build.home),
        "LOG_FORMAT": "%(message)s",
        "NO_COLOR": "1",
    }


def _follow(words: Sequence[str], environment: Mapping[str, str], build: Build) -> deque[str] | None:
    """Runs the wrapper; returns None on success, or else the last lines of its log."""
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    with subprocess.Popen(
        words,
        cwd=build.scratch,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            text = redact(line.rstrip("\n"), build.secrets)
            print(text, file=sys.stderr, flush=True)
            if not text.startswith(f"[{SERVICE}] "):  # the wrapper repeats the last lines when Kaniko fails
                tail.append(text)
    return tail if process.returncode else None
